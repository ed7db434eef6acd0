"""Making a backup: the cluster while it runs, then what lies beside it, then the description that makes it count."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, Final

from clew import __version__
from clew.domains.backups import catalogue
from clew.domains.backups.beside import copy_beside, mirror_files
from clew.domains.backups.catalogue import Backup
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database
from clew.kernel.directories import sync_directory
from clew.kernel.embedded.archive import Archive
from clew.kernel.embedded.server import EmbeddedServer
from clew.kernel.errors import ConfigurationError
from clew.kernel.schema_state import read_schema

KEPT_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that was made, how many files were new, and the names of backups that were removed as expired."""

    backup: Backup
    new_files: int
    removed: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return self.backup.as_dict() | {"new_files": self.new_files, "removed": list(self.removed)}


def take(
    database: Database,
    directory: Path,
    *,
    keep_days: int = KEPT_DAYS,
    observe: Callable[[str], None] = lambda _: None,
    clock: Clock = system_clock,
) -> Taken:
    """Add a backup of the whole installation to a directory, and remove what no second of the last days needs.

    Others read and write meanwhile. Raises ConfigurationError, ConflictError, DatabaseUnavailableError; a backup that
    could not be finished leaves nothing.
    """
    server = embedded_of(database)
    archive = Archive(directory)
    settings = database.settings
    now = clock().astimezone(UTC)
    server.prepare_archive(archive)
    with catalogue.alone(archive):
        schema = read_schema(database).revision or ""
        name = catalogue.new_name(now)
        observe("copying the database")
        workspace, base = server.base_backup(archive, f"{catalogue.UNFINISHED}{name}")
        observe("copying files")
        copy_beside(settings, workspace)
        new_files = mirror_files(settings.data_dir, archive)
        with_log = settings.backup_dir == directory
        catalogue.describe(workspace, base, program=__version__, schema=schema, with_log=with_log)
        made = archive.base / name
        workspace.rename(made)
        sync_directory(archive.base)
        if with_log:
            server.hand_over_log()
        every = catalogue.backups(archive)
        removed = catalogue.expired(every, keep_days, now)
        for old in removed:
            shutil.rmtree(old.path)
        if removed and with_log:
            server.prune_log(archive, next(each for each in every if each not in removed).path)
    (backup,) = (each for each in every if each.name == name)
    return Taken(backup, new_files, tuple(old.name for old in removed))


def embedded_of(database: Database) -> EmbeddedServer:
    """The embedded server. Raises ConfigurationError where the user runs one: its backups are made where it runs."""
    if database.embedded is None:
        raise ConfigurationError(
            "this database is not run by clew, which backs up only the one it runs",
            where=database.address,
            remedy="back it up where it runs (pg_basebackup with an archived log, or pgBackRest), with "
            "CLEW_DATA_DIR's files and secrets; after a restore run `clew projection rebuild`",
        )
    return database.embedded
