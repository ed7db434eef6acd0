"""Encrypting single values under a key that is not in the database (AES-256-GCM, NIST SP 800-38D).

A sealed value is 1 byte version, 12 bytes nonce, then ciphertext and tag. It is bound to the place it is kept in, so
that one row's value is worth nothing in another row.
"""

import os
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from clew.kernel.errors import ConfigurationError

_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12


@dataclass(frozen=True, slots=True, repr=False)
class Sealer:
    """Seals and opens with one key of 32 bytes; `where` it comes from, for messages."""

    key: bytes
    where: str

    def seal(self, content: bytes, place: str) -> bytes:
        """The content encrypted and bound to that place (such as `users.mfa_secret:ID`)."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + AESGCM(self.key).encrypt(nonce, content, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """What was sealed there. Raises ConfigurationError if it was sealed elsewhere, with another key, or changed."""
        if sealed[:1] != _VERSION:
            raise self._unusable(place)
        nonce, rest = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return AESGCM(self.key).decrypt(nonce, rest, place.encode())
        except (InvalidTag, ValueError) as error:
            raise self._unusable(place) from error

    def _unusable(self, place: str) -> ConfigurationError:
        return ConfigurationError(
            f"what is encrypted in {place.partition(':')[0]} cannot be read with this installation's secret",
            where=self.where,
            remedy="restore the secret that belongs to this database from the backup",
        )
