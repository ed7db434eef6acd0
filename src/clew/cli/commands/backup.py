"""`clew backup` and `clew restore`: copies of the whole installation, and records made from them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, invocation

if TYPE_CHECKING:
    from clew.domains.backups.service import Backup, Rehearsed, Restored, Taken
    from clew.kernel.settings import Settings

DirectoryArgument = Annotated[
    Path | None, typer.Argument(metavar="[DIR]", help="Directory of backups (else CLEW_BACKUP_DIR).")
]


def backup(
    context: typer.Context,
    directory: DirectoryArgument = None,
    keep_days: Annotated[
        int, typer.Option("--keep-days", min=1, max=36_500, help="Keep what leads to any second of so many days.")
    ] = 30,
    listing: Annotated[bool, typer.Option("--list", help="List the backups that are there, and make none.")] = False,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a backup of everything to a directory.

    That is the database, files, secrets and settings; others go on working meanwhile.

    Keep that directory as safe as the data directory: the secrets are in it. With CLEW_BACKUP_DIR set, the database
    also adds its log there all the time, and a restore can go to any second since the first backup.
    """
    from clew.cli.output import note, print_json
    from clew.cli.session import load_and_configure, opened_current_database
    from clew.domains.backups import service
    from clew.kernel.embedded.archive import Archive

    call = invocation(context, as_json, None, data_dir)
    place = _place(load_and_configure(call), directory)
    if listing:
        found = service.backups(Archive(place))
        if call.json:
            print_json([each.as_dict() for each in found])
        else:
            _print_backups(found)
        return
    with opened_current_database(call) as database:
        taken = service.take(database, place, keep_days=keep_days, observe=note)
    if call.json:
        print_json(taken.as_dict())
    else:
        _print_taken(taken)


def restore(
    context: typer.Context,
    directory: DirectoryArgument = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="As of this second (UTC if it does not say otherwise).")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put the present record aside; nobody may be using it.")
    ] = False,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Restore beside the present record, prove it, and remove it again.")
    ] = False,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the record anew from a backup, as of any second.

    Without --at as late as the archived log goes, or as of the backup's end if the log is not archived.

    The present record stays as it is until the restored one is whole, and is kept beside it then. All sessions are
    ended; views are made anew. A rehearsal that finds something wrong ends with 9.
    """
    from clew.cli import preparation
    from clew.cli.output import note, print_json
    from clew.cli.session import load_and_configure, opened_current_database
    from clew.domains.backups import service
    from clew.domains.backups.standing import RehearsalFailedError

    call = invocation(context, as_json, None, data_dir)
    settings = load_and_configure(call)
    place, moment = _place(settings, directory), _moment(at)
    if rehearse:
        tried = service.rehearse(settings, place, at=moment, upgrade=preparation.upgrade, observe=note)
        if call.json:
            print_json(tried.as_dict())
        else:
            _print_rehearsed(tried)
        if not tried.ok:
            raise RehearsalFailedError(
                "the restored record is not whole", where=tried.backup.name, remedy="try an older backup"
            )
        return
    made = service.restore(settings, place, at=moment, replace=replace, upgrade=preparation.upgrade, observe=note)
    if settings.backup_dir is not None:
        # What was archived before leads to the record that was replaced: from here on this backup does.
        with opened_current_database(call) as database:
            service.take(database, settings.backup_dir, observe=note)
    if call.json:
        print_json(made.as_dict())
    else:
        _print_restored(made)


def _place(settings: "Settings", directory: Path | None) -> Path:
    from clew.kernel.errors import InputError

    place = directory.expanduser().resolve() if directory is not None else settings.backup_dir
    if place is None:
        raise InputError("no directory of backups is named", where="DIR", remedy="name one, or set CLEW_BACKUP_DIR")
    if settings.data_dir in (place, *place.parents):
        raise InputError(
            "backups within the data directory would be lost with it",
            where=str(place),
            remedy="name a directory outside it, best on another disk",
        )
    return place


def _moment(text: str | None) -> datetime | None:
    from clew.kernel.errors import InputError

    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"{text!r} is not a time", where="--at", remedy="write it as in 2026-11-30T14:05:00Z or “2026-11-30 14:05”"
        ) from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _print_backups(found: "list[Backup]") -> None:
    from clew.cli.diagnosis.machine import written_size
    from clew.cli.output import line, table

    if not found:
        line("there is no backup here")
        return
    rows = [
        (
            each.name,
            f"{each.base.ended_at:%Y-%m-%d %H:%M:%S} UTC",
            written_size(each.base.size_bytes),
            "any second since" if each.with_log else "its end only",
            each.schema,
        )
        for each in found
    ]
    table(("backup", "ended", "database", "leads to", "schema"), rows)


def _print_taken(taken: "Taken") -> None:
    from clew.cli.diagnosis.machine import written_size
    from clew.cli.output import line, pairs

    made = taken.backup
    line(f"backup {made.name} is made", style="bold")
    pairs(
        {
            "where": made.path,
            "database": written_size(made.base.size_bytes),
            "new files": taken.new_files,
            "leads to": "any second from now on" if made.with_log else "its own end (no CLEW_BACKUP_DIR is set)",
            "removed as expired": ", ".join(taken.removed) or None,
        }
    )
    line("try it with `clew restore --rehearse`")


def _print_restored(made: "Restored") -> None:
    from clew.cli.output import line, pairs

    line(f"the record is restored from backup {made.backup.name}", style="bold")
    renewed = made.renewed
    pairs(
        {
            "data directory": made.data_dir,
            "as of": renewed.at.isoformat() if renewed.at else "the end of what is known",
            "sessions ended": renewed.sessions_ended,
            "jobs held": renewed.jobs_held,
            "views": "made anew" if renewed.views else "not up to date: see `clew projection status`",
            "the record before": made.replaced,
            "seconds": f"{made.seconds:.1f}",
        }
    )
    line("keys and users are as they were then: look whether one was revoked since (`clew key list`, `clew user list`)")


def _print_rehearsed(tried: "Rehearsed") -> None:
    from clew.cli.output import line, pairs, table

    line(f"backup {tried.backup.name} {'restores' if tried.ok else 'does NOT restore'} to a whole record", style="bold")
    pairs(
        {
            "audit trail": "holds" if tried.standing.audit_ok else "does not hold",
            "views": ", ".join(f"{n} {'equal' if e else 'DIFFERS'}" for n, e in tried.standing.views.items()) or None,
            "seconds": f"{tried.seconds:.1f}",
        }
    )
    rows = [
        (name, f"{restored:,}", "?" if present is None else f"{present:,}")
        for name, (restored, present) in tried.standing.rows.items()
    ]
    table(("rows of", "restored", "present"), rows)
