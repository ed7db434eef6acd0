"""Passwords: which are taken, and how they are kept (Argon2id, RFC 9106)."""

import threading
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from clew.domains.identity.breached_passwords import is_breached
from clew.kernel.errors import InputError
from clew.kernel.settings import Settings
from clew.kernel.stored_text import storable

UNUSABLE: Final = "!"
"""No hash of any password: nobody signs in with it."""

PRODUCT: Final = "clew"
LONGEST: Final = 256
_LANES: Final = 4
_SHORTEST_PART: Final = 4


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What a password must be. Length counts most (NIST SP 800-63B): no rules on which characters, no forced change."""

    minimum_length: int = 12
    breached: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The policy that the settings make."""
        return cls(settings.password_minimum_length, settings.breached_passwords)

    def require(self, password: str, *, about: tuple[str | None, ...] = ()) -> None:
        """Raise InputError, which does not repeat the password, unless it will do.

        `about` is what others know of the person and their organization: user name, e-mail address, names.
        """
        if not self.minimum_length <= len(_normal(password)) <= LONGEST:
            raise _refused(f"must have {self.minimum_length} to {LONGEST} characters")
        if "\x00" in password or storable(password, LONGEST) != password:
            raise _refused("contains what is no character")
        if len(set(password)) < _SHORTEST_PART:
            raise _refused("consists of very few different characters")
        folded = _normal(password).casefold()
        if any(part in folded for known in (*about, PRODUCT) if known for part in _parts(known)):
            raise _refused("contains a name or address that others would think of first")
        if self.breached is not None and is_breached(self.breached, password):
            raise _refused("is in a list of passwords that became known")


class PasswordHasher:
    """Makes and checks hashes. Checking takes the same work whether or not there is a hash to check against.

    At most `at_once` are computed at a time: a crowd at the door must not take all memory.
    """

    def __init__(self, *, memory_kib: int = 65_536, passes: int = 3, at_once: int = 4) -> None:
        self._turns = threading.BoundedSemaphore(at_once)
        self._argon2 = argon2.PasswordHasher(passes, max(memory_kib, 8 * _LANES), _LANES, type=argon2.Type.ID)
        self._nobodys = self._argon2.hash("nobody has this password")

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The hasher with the settings' parameters."""
        return cls(memory_kib=settings.argon2_memory_kib, passes=settings.argon2_passes)

    def hash(self, password: str) -> str:
        """An Argon2id hash in its usual text form, with a salt of its own."""
        with self._turns:
            return self._argon2.hash(_normal(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password is the one. `stored` is None for a user that does not exist: the work is the same."""
        usable = bool(stored) and stored != UNUSABLE and _cut(password) == _normal(password)
        try:
            with self._turns:
                matches = self._argon2.verify(stored if usable and stored else self._nobodys, _cut(password))
        except (VerificationError, InvalidHashError):
            return False
        return usable and matches

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than now, and is to be replaced at the next sign-in."""
        return self._argon2.check_needs_rehash(stored)


def _normal(password: str) -> str:
    """The same characters however a keyboard composes them (RFC 8265 says NFC)."""
    return unicodedata.normalize("NFC", password)


def _cut(password: str) -> str:
    return storable(_normal(password), LONGEST)


def _parts(known: str) -> list[str]:
    """What of a name may not stand in a password: the whole, its words, what is before an @; if long enough."""
    folded = _normal(known).casefold()
    return [part for part in {folded, folded.partition("@")[0], *folded.split()} if len(part) >= _SHORTEST_PART]


def _refused(why: str) -> InputError:
    return InputError(
        f"this password {why}", where="password", remedy="choose another one: several words make a good one"
    )
