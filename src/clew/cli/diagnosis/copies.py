"""Whether the record could be restored: how old the newest backup is, and whether the log reaches the archive."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from clew.cli.diagnosis.finding import Finding, Status, checked
from clew.domains.backups.service import backups
from clew.kernel.database import Database
from clew.kernel.embedded.archive import Archive

_OLD = timedelta(days=2)
_ARCHIVED = sa.text(
    "SELECT current_setting('archive_mode') = 'on', last_failed_time > coalesce(last_archived_time, '-infinity'),"
    " last_failed_time FROM pg_stat_archiver"
)


def examine_copies(database: Database) -> Iterator[Finding]:
    """The newest backup and the archiving of the log, if the settings ask for them. Raises InputError."""
    directory = database.settings.backup_dir
    if database.embedded is None or directory is None:
        if database.embedded is not None:
            yield Finding("backups", "none are asked for: with CLEW_BACKUP_DIR any second could be restored")
        return
    every = backups(Archive(directory))
    age = datetime.now(UTC) - every[-1].base.ended_at if every else None
    yield checked(
        "backups",
        f"{len(every):,} in {directory}" + (f", the newest {_told(age)} old" if age is not None else ""),
        Status.WARN,
        "make one with `clew backup`, best every day",
        well=age is not None and age < _OLD,
    )
    with database.transaction(None) as connection:
        archives, failing, failed_at = connection.execute(_ARCHIVED).one()
    if not archives:
        remedy = "restart the database once: `clew db stop`, then any command"
        yield Finding("archived log", "the server was started before CLEW_BACKUP_DIR was set", Status.WARN, remedy)
    elif failing:
        detail = f"the log could not be archived at {failed_at:%Y-%m-%d %H:%M:%S} UTC, and piles up until it can"
        yield Finding("archived log", detail, Status.FAIL, f"look at free space and rights of {directory / 'wal'}")
    else:
        yield Finding("archived log", f"complete in {directory / 'wal'}")


def _told(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} hours" if hours >= 1 else "under an hour"
