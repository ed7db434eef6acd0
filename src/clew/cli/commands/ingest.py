"""`clew ingest`: load files and account for every record."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from datetime import tzinfo

    from clew.ingest.service import LoadReport

READ_STATES = frozenset({"loaded", "known", "interrupted"})


def ingest(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Files, archives, or folders of them.")],
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="Where the files are from, if not recognised.")
    ] = None,
    case: Annotated[str | None, typer.Option("--case", metavar="NAME", help="Case to put them into, or open.")] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", metavar="ZONE", help="Of times without one, such as Europe/Berlin.")
    ] = None,
    region: Annotated[
        str | None, typer.Option("--region", metavar="XX", help="Of phone numbers without a country code, such as DE.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", metavar="FILE", help="Which columns of your own CSV or JSON are what.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --mapping: show ten rows of each file mapped, and write nothing.")
    ] = False,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Load what tools and honeypots wrote.

    The same file again adds nothing, and after an interruption the same command goes on from there.

    Ctrl-C ends the load after the batch in work; pressed again, at once. Either way the record stays consistent.
    """
    from clew.cli.desk.opening import loader_of
    from clew.cli.desk.ports import Loading
    from clew.cli.failures import InterruptedLoadError
    from clew.cli.interruption import stop_on_interrupt
    from clew.cli.mapping_preview import read_mapping, show_preview
    from clew.cli.output import print_json
    from clew.cli.reports import print_load_report
    from clew.cli.session import load_and_configure

    call = invocation(context, as_json, organization, data_dir)
    zone, region = _zone(timezone), _region(region)
    columns = None if mapping is None else read_mapping(mapping)
    if dry_run:
        show_preview(paths, columns, zone=zone, region=region or load_and_configure(call).default_region, call=call)
        return
    loading = Loading(tuple(paths), source, timezone, region, columns, case)
    with stop_on_interrupt() as stop:
        report = loader_of(call).load(loading, stop)
    if call.json:
        print_json(report.as_dict())
    else:
        print_load_report(report)
    if report.interrupted:
        raise InterruptedLoadError(
            "the load was interrupted; all that the report counts is in the record",
            remedy="run the same command again to go on",
        )
    _refuse_unread(paths, report)


def _zone(name: str | None) -> "tzinfo | None":
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones, such as "Europe"
        raise typer.BadParameter(
            f"{name!r} is no time zone; write one such as UTC, Europe/Berlin or America/New_York",
            param_hint="--timezone",
        ) from None


def _region(code: str | None) -> str | None:
    if code is None:
        return None
    from phonenumbers import SUPPORTED_REGIONS

    if code.upper() not in SUPPORTED_REGIONS:
        raise typer.BadParameter(f"{code!r} is no region; write two letters such as DE or US", param_hint="--region")
    return code.upper()


def _refuse_unread(paths: Sequence[Path], report: "LoadReport") -> None:
    """Raise InputError if one of the paths gave nothing; what the others gave is in the record by now."""
    from clew.kernel.errors import InputError

    missing = [path for path in paths if not os.path.lexists(path)]
    if missing:
        raise InputError(
            "no such file or directory",
            where=", ".join(map(str, missing)),
            remedy="check the path; what the other paths hold was loaded" if len(missing) < len(paths) else None,
        )
    read = {file.path for file in report.files if file.status in READ_STATES}
    barren = [path for path in paths if path not in read]
    if barren:
        raise InputError(
            "nothing in it could be loaded",
            where=", ".join(map(str, barren)),
            remedy="the warnings say why for each file; name the tool with --source if it is a format that clew reads",
        )
