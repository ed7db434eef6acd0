"""The file of checkpoints outside the database: whoever cuts the newest rows and seals off there is given away here.

A line of JSON for each seal, on disk before the next one is made. A file that has grown long is shortened to the last
line of each organization, under a signed first line that says so.
"""

import contextlib
import fcntl
import hashlib
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson

from clew.domains.audit.chain import Header, Keys, Seal
from clew.kernel.directories import PRIVATE_FILE, ensure_own_directory, myself, write_privately
from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings

SHORTENED_BEYOND: Final = 1 << 20
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file as it stands there: a seal, or the note that earlier ones were left out, or neither."""

    number: int
    seal: Seal | None = None
    left_out: dict[str, Any] | None = None
    problem: str | None = None


class CheckpointFile:
    """The file, made when first written to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, settings: Settings) -> "CheckpointFile":
        """The file that the settings name."""
        return cls(settings.audit_checkpoint_file or settings.data_dir / "audit" / "checkpoints.ndjson")

    @contextlib.contextmanager
    def locked(self, *, shared: bool = False) -> Iterator[None]:
        """Keep the file and the database's seals in step for the block: sealers write, verifiers read both."""
        directory = self.path.parent
        try:
            directory.parent.mkdir(parents=True, exist_ok=True)
            ensure_own_directory(directory, myself())
            descriptor = os.open(directory / "checkpoints.lock", os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        except OSError as error:
            raise self._unusable(error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def append(self, seals: Iterable[Seal]) -> None:
        """Write a line for each seal, on disk before this returns. Raises ConfigurationError."""
        content = b"".join(map(seal_line, seals))
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, PRIVATE_FILE)
            with os.fdopen(descriptor, "ab") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._unusable(error) from error

    def lines(self) -> Iterator[Line]:
        """The lines of the file, in order; none if there is no file. A last line without its end is left out."""
        try:
            with self.path.open("rb") as file:
                for number, raw in enumerate(file, start=1):
                    if raw.endswith(b"\n"):
                        yield _parsed(number, raw)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unusable(error) from error

    def last_numbers(self) -> dict[UUID, int]:
        """The number of each organization's last seal in the file."""
        return {line.seal.header.organization_id: line.seal.header.number for line in self.lines() if line.seal}

    def mend_end(self) -> None:
        """Take a last line away that a crash left half-written."""
        with contextlib.suppress(FileNotFoundError), self.path.open("rb+") as file:
            content = file.read()
            whole = content.rfind(b"\n") + 1
            if whole != len(content):
                file.truncate(whole)
                os.fsync(file.fileno())

    def shorten(self, keys: Keys) -> bool:
        """Leave out all but the last line of each organization, if the file has grown long; whether it had."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return False
        if size <= SHORTENED_BEYOND:
            return False
        lines = list(self.lines())
        if any(line.problem for line in lines):
            return False  # what was tampered with stays as it is, to be found
        last = {line.seal.header.organization_id: line.seal for line in lines if line.seal}
        kept = b"".join(map(seal_line, last.values()))
        if size <= SHORTENED_BEYOND + 2 * len(kept):
            return False
        self._write_ends(keys, list(last.values()))
        return True

    def begin_anew(self, keys: Keys, ends: list[Seal], stamp: str) -> None:
        """Keep the file, if there is one, under a name with that stamp, and go on from these seals, one of a chain."""
        if self.path.exists():
            os.link(self.path, self.path.with_name(f"{self.path.stem}-before-restore-{stamp}{self.path.suffix}"))
        self._write_ends(keys, ends)

    def _write_ends(self, keys: Keys, ends: list[Seal]) -> None:
        kept = b"".join(map(seal_line, ends))
        digest = hashlib.sha256(kept).hexdigest()
        note = {
            "kept": len(ends),
            "sha256": digest,
            "signature": keys.sign("shortened file", digest.encode()).hex(),
        }
        write_privately(self.path, orjson.dumps(note) + b"\n" + kept, myself())

    def _unusable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"the file of audit checkpoints cannot be used: {error.strerror}",
            where=str(self.path),
            remedy="make it readable and writable for this user, or set CLEW_AUDIT_CHECKPOINT_FILE",
        )


def seal_as_dict(seal: Seal) -> dict[str, Any]:
    """A seal for JSON."""
    header = seal.header
    return {
        "organization": str(header.organization_id),
        "number": header.number,
        "sealed_at_us": (header.sealed_at - _EPOCH) // timedelta(microseconds=1),
        "rows": header.rows,
        "rows_before": header.rows_before,
        "last_id": header.last_id,
        "digest": seal.digest.hex(),
        "seal": seal.seal.hex(),
        "signature": seal.signature.hex(),
    }


def seal_from_dict(read: dict[str, Any]) -> Seal:
    """The seal that `seal_as_dict` wrote. Raises KeyError, ValueError, TypeError, OverflowError or struct.error."""
    header = Header(
        UUID(read["organization"]),
        int(read["number"]),
        _EPOCH + timedelta(microseconds=int(read["sealed_at_us"])),
        int(read["rows"]),
        int(read["rows_before"]),
        int(read["last_id"]),
    )
    header.encode()  # raises for numbers that no seal has
    return Seal(header, *(bytes.fromhex(read[name]) for name in ("digest", "seal", "signature")))


def seal_line(seal: Seal) -> bytes:
    """The line of a seal in the file."""
    return orjson.dumps(seal_as_dict(seal)) + b"\n"


def _parsed(number: int, raw: bytes) -> Line:
    try:
        read = orjson.loads(raw)
        if "kept" in read:
            return Line(number, left_out=read)
        return Line(number, seal=seal_from_dict(read))
    except (ValueError, KeyError, TypeError, OverflowError, AttributeError, struct.error) as error:
        return Line(number, problem=f"{type(error).__name__}: {error}")
