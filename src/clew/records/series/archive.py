"""Days whose points lie in files: Parquet, named by their content, listed in `series_archives`, read by DuckDB.

A file is written beside, synced and renamed before the transaction that lists it and takes its rows out of the
database commits: dying in between leaves a file that nobody lists, and `sweep` removes it. Files lie among the
record's other files, so a backup has them. DuckDB may read this directory and nothing else, and fetches no extension.
"""

import contextlib
import hashlib
import os
import secrets
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final
from uuid import UUID

import numpy as np

from clew.kernel.directories import sync_directory
from clew.kernel.errors import ClewError
from clew.records.series.rollups import POINT, ROLLUP, Array

if TYPE_CHECKING:
    import duckdb

_KINDS: Final = {"raw": POINT, "1m": ROLLUP}
_LOCAL: Final[dict[str, Any]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "2",
}
_PART: Final = ".part-"


class ArchiveDamagedError(ClewError):
    """A file with old points is not there, or not what was written."""

    code: ClassVar[str] = "series_archive"
    exit_code: ClassVar[int] = 9


@dataclass(frozen=True, slots=True)
class Archived:
    """A file of a day: which measurement's points, or roll-ups by the minute ("1m"), and what it must be."""

    organization_id: UUID
    measurement: str
    day: int
    resolution: str
    sha256: str
    bytes: int
    rows: int


class Archive:
    """The files of all organizations below one directory. Usable from several threads."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / "files" / "series"
        self._local = threading.local()

    def path(self, archived: Archived) -> Path:
        """Where a file lies."""
        return self._root / archived.organization_id.hex / f"{archived.sha256}.parquet"

    def write(self, organization_id: UUID, measurement: str, day: int, resolution: str, rows: Array) -> Archived:
        """Write rows (POINT or ROLLUP, ordered) to a file that nobody lists yet. Raises OSError if the disk is full."""
        import polars as pl  # noqa: PLC0415 - who only writes points has no need of it

        place = self._root / organization_id.hex
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = place / f"{_PART}{secrets.token_hex(8)}"
        try:
            frame = pl.DataFrame({name: np.ascontiguousarray(rows[name]) for name in rows.dtype.names or ()})
            frame.write_parquet(part, compression="zstd", statistics=True)
            content = part.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            archived = Archived(organization_id, measurement, day, resolution, digest, len(content), len(rows))
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            part.rename(self.path(archived))
        finally:
            part.unlink(missing_ok=True)
        sync_directory(place)
        return archived

    def read(
        self, files: Sequence[Archived], begin: int, end: int, series: Iterable[int] | None = None, *, resolution: str
    ) -> Array:
        """Rows of files of that resolution with begin <= time < end, of these series or all, ordered.

        Raises ArchiveDamagedError.
        """
        kind = _KINDS[resolution]
        if not files:
            return np.empty(0, kind)
        for each in files:
            self._require_size(each)
        names = ", ".join(kind.names or ())
        wanted = None if series is None else sorted(series)
        only = "" if wanted is None else " AND series IN (SELECT unnest($series::BIGINT[]))"
        statement = (
            f"SELECT {names} FROM read_parquet($files) WHERE time >= $begin AND time < $end{only} ORDER BY series, time"  # noqa: S608  names are our own
        )
        asked: dict[str, Any] = {"files": [str(self.path(each)) for each in files], "begin": begin, "end": end}
        if wanted is not None:
            asked["series"] = wanted
        columns = self._asked(statement, asked, files)
        rows = np.empty(len(columns["time"]), kind)
        for name in kind.names or ():
            rows[name] = columns[name]
        return rows

    def check(self, archived: Archived) -> None:
        """Raises ArchiveDamagedError unless the file is byte for byte what was written."""
        self._require_size(archived)
        if hashlib.sha256(self.path(archived).read_bytes()).hexdigest() != archived.sha256:
            raise self._damaged(archived, "its content changed")

    def sweep(self, organization_id: UUID, listed: Iterable[str]) -> int:
        """Remove files of an organization that are not listed by their SHA-256; how many. Nobody may be writing any."""
        place = self._root / organization_id.hex
        kept = {f"{digest}.parquet" for digest in listed}
        strays = [path for path in place.iterdir() if path.name not in kept] if place.is_dir() else []
        for stray in strays:
            stray.unlink(missing_ok=True)
        return len(strays)

    def _asked(self, statement: str, asked: dict[str, Any], files: Sequence[Archived]) -> dict[str, Any]:
        import duckdb  # noqa: PLC0415  loaded by those who read old days only

        try:
            with self._opened() as connection:
                return connection.execute(statement, asked).fetchnumpy()
        except duckdb.Error as error:
            raise self._damaged(files[0], f"it or one beside it cannot be read: {str(error)[:200]}") from error

    @contextlib.contextmanager
    def _opened(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        """This thread's connection."""
        import duckdb  # noqa: PLC0415

        found = getattr(self._local, "connection", None)
        if found is None:
            found = duckdb.connect(":memory:", config=_LOCAL)
            root = str(self._root).replace("'", "''")
            found.execute(f"SET allowed_directories = ['{root}']")
            found.execute("SET enable_external_access = false")
            found.execute("SET lock_configuration = true")
            self._local.connection = found
        yield found

    def _require_size(self, archived: Archived) -> None:
        try:
            size = self.path(archived).stat().st_size
        except OSError as error:
            raise self._damaged(archived, f"it cannot be opened: {error.strerror}") from error
        if size != archived.bytes:
            raise self._damaged(archived, f"it has {size:,} bytes and should have {archived.bytes:,}")

    def _damaged(self, archived: Archived, reason: str) -> ArchiveDamagedError:
        return ArchiveDamagedError(
            f"a file with old points of {archived.measurement} is damaged: {reason}",
            where=str(self.path(archived)),
            remedy="put the file of that name back from a backup (archive/files/series)",
        )
