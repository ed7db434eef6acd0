"""The installation's secret: what keys outside the database are derived from, one for each purpose.

It encrypts fields and keys the audit chain, so that whoever can write the database can neither read the ones nor forge
the other. Losing it loses both: it belongs into the backup, apart from the database.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from clew.kernel.directories import ensure_own_directory, myself, sync_directory, write_privately
from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings

KEY_BYTES: Final = 32
_LEAST_BYTES: Final = 32
_MOST_BYTES: Final = 4096
_SALT: Final = b"clew installation secret v1"


@dataclass(frozen=True, slots=True, repr=False)
class InstallationSecret:
    """A secret of at least 32 bytes; `where` it is kept, for messages."""

    content: bytes
    where: str

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The secret that the settings name, made in the data directory at first use. Raises ConfigurationError."""
        path = settings.secret_file
        if path is None:
            path = settings.data_dir / "secrets" / "installation"
            if not path.exists():
                _make(path)
        return cls(_read(path), str(path))

    def key(self, purpose: str) -> bytes:
        """32 bytes that only this secret gives for this purpose: HKDF with SHA-256 (RFC 5869)."""
        return HKDF(SHA256(), KEY_BYTES, _SALT, purpose.encode()).derive(self.content)

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits by which a secret is known again, and which tell nothing about it."""
        return self.key("fingerprint")[:8].hex()


def _make(path: Path) -> None:
    try:
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        ensure_own_directory(path.parent, myself())
        made = path.with_name(f"{path.name}-{secrets.token_hex(8)}")
        write_privately(made, secrets.token_urlsafe(48).encode("ascii"), myself())
    except OSError as error:
        raise _unusable(path, f"cannot be made: {error.strerror}", "make its directory writable") from error
    try:
        os.link(made, path)  # of two processes that make one at once, the second takes the first one's
        sync_directory(path.parent)
    except FileExistsError:
        pass
    finally:
        made.unlink()


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1).strip()
            open_to_others = os.fstat(file.fileno()).st_mode & 0o077
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror}", "restore it from the backup") from error
    if open_to_others:
        raise _unusable(path, "can be read by others", "take its rights from everybody else (chmod 600)")
    if not _LEAST_BYTES <= len(content) <= _MOST_BYTES:
        raise _unusable(
            path, f"has {len(content)} bytes; {_LEAST_BYTES} to {_MOST_BYTES} are needed", "restore it from the backup"
        )
    return content


def _unusable(path: Path, what: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"the installation's secret {what}", where=str(path), remedy=remedy)
