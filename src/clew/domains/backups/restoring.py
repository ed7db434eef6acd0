"""Making a record from a backup: beside the present one, made whole there, and then put in its place or thrown away.

Whatever happens on the way, kill -9 included, the present record is as it was until the very last step, which renames
a directory; what was left half-made is removed by the next restore.
"""

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from clew.domains.backups import catalogue
from clew.domains.backups.beside import lay_beside, lay_files
from clew.domains.backups.catalogue import Backup
from clew.domains.backups.renewing import Renewed, renew
from clew.domains.backups.standing import Standing, compare_standing
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database
from clew.kernel.directories import myself, sync_directory, write_privately
from clew.kernel.embedded.archive import Archive
from clew.kernel.embedded.layout import LOCATION_NAME, find_layout, prepare_layout
from clew.kernel.embedded.lease import lease_holders, start_lock
from clew.kernel.embedded.process import end_processes_of, stop_postmaster
from clew.kernel.errors import ConfigurationError, ConflictError
from clew.kernel.settings import Settings

Upgrade = Callable[[Database], object]
Observe = Callable[[str], None]
_LOCK_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Restored:
    """A record that was made from a backup: where it is, what was renewed in it, and where the one before is kept."""

    backup: Backup
    data_dir: Path
    renewed: Renewed
    replaced: Path | None
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "backup": self.backup.name,
            "data_dir": str(self.data_dir),
            **self.renewed.as_dict(),
            "replaced": str(self.replaced) if self.replaced else None,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A restore that was tried: what came of it beside the record as it is, and whether all of it holds."""

    backup: Backup
    renewed: Renewed
    standing: Standing
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether the restored record is whole: its audit trail holds and its views agree with it."""
        return self.standing.ok

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "backup": self.backup.name,
            "ok": self.ok,
            **self.renewed.as_dict(),
            **self.standing.as_dict(),
            "seconds": round(self.seconds, 3),
        }


def restore(
    settings: Settings,
    directory: Path,
    *,
    upgrade: Upgrade,
    at: datetime | None = None,
    replace: bool = False,
    observe: Observe = lambda _: None,
    clock: Clock = system_clock,
) -> Restored:
    """Make the record of the data directory from a backup, as it was at that second, or as late as is known.

    upgrade: brings the schema of a backup of an older program to the present one. replace: put aside a record that is
    there, which nobody may be using. Raises NotFoundError, InputError, ConflictError, ConfigurationError.
    """
    began = time.monotonic()
    _refuse_occupied(settings, replace=replace)
    with _recovered(settings, directory, at, observe) as (backup, database):
        upgrade(database)
        renewed = renew(database, backup, at, observe)
        recovered = database.settings
        _settle(database)
        observe("putting it in place")
        replaced = _put_in_place(recovered.data_dir, settings, replace=replace, clock=clock)
    return Restored(backup, settings.data_dir, renewed, replaced, time.monotonic() - began)


def rehearse(
    settings: Settings,
    directory: Path,
    *,
    upgrade: Upgrade,
    at: datetime | None = None,
    observe: Observe = lambda _: None,
) -> Rehearsed:
    """Restore beside the present record, which may be in use, look whether all of it holds, and remove it again."""
    began = time.monotonic()
    with _recovered(settings, directory, at, observe) as (backup, database):
        upgrade(database)
        renewed = renew(database, backup, at, observe)
        observe("proving it")
        standing = compare_standing(database, settings)
        return Rehearsed(backup, renewed, standing, time.monotonic() - began)


@contextlib.contextmanager
def _recovered(
    settings: Settings, directory: Path, at: datetime | None, observe: Observe
) -> Iterator[tuple[Backup, Database]]:
    """A recovered database in a data directory of its own beside the present one; gone afterwards, unless it moved."""
    if settings.database_url is not None:
        raise ConfigurationError(
            "clew restores only the database that it runs itself",
            where="CLEW_DATABASE_URL",
            remedy="unset it to restore into an embedded one, or restore the server's own backup where it runs",
        )
    archive = Archive(directory)
    backup = catalogue.backup_for(archive, at)
    present = find_layout(settings)
    _remove_leftovers(settings)
    workspace = settings.data_dir.parent / f"{_prefix(settings)}{secrets.token_hex(4)}"
    # Not archived: what this server writes belongs to no other's log. And it tells nobody else's checkpoints.
    own = {"data_dir": workspace, "backup_dir": None, "audit_checkpoint_file": None, "secret_file": None}
    database = Database(settings.model_copy(update=own))
    try:
        observe(f"recovering backup {backup.name}")
        server = database.embedded
        if server is None:
            raise LookupError("without a database_url there is an embedded server")
        prepare_layout(database.settings)
        lay_beside(backup.path, database.settings)
        server.recover(backup.path, archive, at, present.cluster / "pg_wal" if present else None)
        lay_files(archive, settings.data_dir, workspace)
        yield backup, database
    finally:
        database.close()
        _remove(workspace)


def _settle(database: Database) -> None:
    server = database.embedded
    database.close()
    if server is not None:
        server.settle()


def _refuse_occupied(settings: Settings, *, replace: bool) -> None:
    layout = find_layout(settings)
    data_dir = settings.data_dir
    if layout is None:
        if data_dir.is_dir() and any(data_dir.iterdir()):
            raise ConflictError(
                "this directory is not empty and holds no record",
                where=str(data_dir),
                remedy="name an empty or a new one with --data-dir",
            )
        return
    if not replace:
        raise ConflictError(
            "there is a record already",
            where=str(data_dir),
            remedy="name a new directory with --data-dir, put this record aside with --replace, or try it with "
            "--rehearse",
        )
    if users := lease_holders(layout.run):
        raise ConflictError(
            f"this record is in use by process {', '.join(map(str, users))}",
            where=str(data_dir),
            remedy="end those programs (`clew serve` ends on SIGTERM), then try again",
        )


def _put_in_place(workspace: Path, settings: Settings, *, replace: bool, clock: Clock) -> Path | None:
    """Rename the finished data directory to its name; where the one before is kept, if there was one."""
    data_dir = settings.data_dir
    aside: Path | None = None
    layout = find_layout(settings)
    try:
        if layout is not None:
            with start_lock(layout.run, layout.owner, _LOCK_SECONDS):
                _refuse_occupied(settings, replace=replace)
                stop_postmaster(layout.cluster)
                stamp = clock().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
                aside = data_dir.with_name(f"{data_dir.name}-before-restore-{stamp}")
                data_dir.rename(aside)
                _remember(aside)
        workspace.rename(data_dir)
    except OSError as error:
        if aside is not None and not data_dir.exists():
            aside.rename(data_dir)
            _remember(data_dir)
        raise ConfigurationError(
            f"the restored record cannot be put there: {error.strerror}",
            where=str(data_dir),
            remedy="a directory on which a disk is mounted cannot be renamed: name one within it with --data-dir",
        ) from error
    _remember(data_dir)
    sync_directory(data_dir.parent)
    return aside


def _remember(data_dir: Path) -> None:
    """Where root had to put a cluster elsewhere, that place tells whose it is."""
    location = data_dir / LOCATION_NAME
    if location.is_file():
        place = Path(location.read_text(encoding="utf-8").strip())
        write_privately(place / "data_dir", os.fsencode(data_dir), myself())


def _prefix(settings: Settings) -> str:
    return f".{settings.data_dir.name}-restoring-"


def _remove_leftovers(settings: Settings) -> None:
    """Remove what restores left that were killed. One that is still at work holds its lease and is let be."""
    for leftover in settings.data_dir.parent.glob(f"{_prefix(settings)}*"):
        if not lease_holders(leftover / "run"):
            _remove(leftover)


def _remove(workspace: Path) -> None:
    if not workspace.is_dir():
        return
    location = workspace / LOCATION_NAME
    places = [workspace]
    if location.is_file():
        places.append(Path(location.read_text(encoding="utf-8").strip()))
    for place in reversed(places):
        if place.is_dir():
            stop_postmaster(place / "postgres")
            end_processes_of(place)
            shutil.rmtree(place)
