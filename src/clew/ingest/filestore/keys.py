"""Keys that wrap the keys of files. A file's own key never changes: another key of ours only wraps it anew."""

import hashlib
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from clew.kernel.errors import ConfigurationError

KEY_BYTES: Final = 32
ID_BYTES: Final = 16
_LINE: Final = re.compile(r"([A-Za-z0-9_.-]{1,60}):([0-9A-Fa-f]{64})")
_VARIABLE: Final = "CLEW_FILES_KEY_FILE"
_EXAMPLE: Final = "a line for each key as NAME:64 hexadecimal digits, the one in use first: `openssl rand -hex 32`"


@dataclass(frozen=True, slots=True, repr=False)
class FileKey:
    """A key of 32 bytes with its name."""

    name: str
    content: bytes

    @property
    def id(self) -> bytes:
        """By which files name it: 16 bytes that tell nothing about it."""
        return hashlib.sha256(b"clew file key\0" + self.content).digest()[:ID_BYTES]


@dataclass(frozen=True, slots=True, repr=False)
class KeyRing:
    """All keys; the first wraps what is stored from now on, the others open what was stored before."""

    keys: tuple[FileKey, ...]
    where: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """The keys in a file that only its owner may read. Raises ConfigurationError, which repeats nothing of it."""
        try:
            mode = path.stat().st_mode
            lines = path.read_text("ascii").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            detail = getattr(error, "strerror", None) or "it is not text"
            raise _wrong(path, f"cannot be read: {detail}", _EXAMPLE) from None
        if stat.S_IMODE(mode) & 0o077:
            raise _wrong(path, "others than its owner may read it", f"chmod 600 {path}")
        keys = []
        for number, line in enumerate(lines, 1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            parts = _LINE.fullmatch(text)
            if parts is None:
                raise _wrong(path, f"line {number} is no key", _EXAMPLE)
            keys.append(FileKey(parts[1], bytes.fromhex(parts[2])))
        if not keys:
            raise _wrong(path, "there is no key in it", _EXAMPLE)
        if len({key.name for key in keys}) < len(keys) or len({key.id for key in keys}) < len(keys):
            raise _wrong(path, "two of its keys have one name, or are one", _EXAMPLE)
        return cls(tuple(keys), str(path))

    @property
    def current(self) -> FileKey:
        """What wraps new files."""
        return self.keys[0]

    def by_id(self, identifier: bytes) -> FileKey | None:
        """The key of that id."""
        return next((key for key in self.keys if key.id == identifier), None)


def _wrong(path: Path, message: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(message, where=f"{_VARIABLE}: {path}", remedy=remedy)
