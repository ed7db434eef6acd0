"""`clew analysis`: analyses that are done beside commands, by a server or worker, whatever crashes."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from clew.cli.commands.campaign import TIMES, DepthName
from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clew.cli.options import Invocation
    from clew.domains.analyses.reading import AnalysisSession

NOT_COMPLETED = 1

Since = Annotated[
    datetime | None, typer.Option("--since", formats=TIMES, help="Only sessions that began from then on (UTC).")
]
Until = Annotated[
    datetime | None, typer.Option("--until", formats=TIMES, help="Only sessions that began before (UTC).")
]
Of = Annotated[
    list[str] | None,
    typer.Option("--of", metavar="ADDRESS|ID", help="Only this source, or this session; may be repeated."),
]
AnalysisArgument = Annotated[UUID, typer.Argument(metavar="ANALYSIS", help="Id of the analysis.")]


def start(
    context: typer.Context,
    since: Since = None,
    until: Until = None,
    depth: Annotated[DepthName, typer.Option("--depth", help="How much is looked at.")] = DepthName.STANDARD,
    sensor: Annotated[
        list[str] | None, typer.Option("--sensor", metavar="NAME", help="Only this sensor; may be repeated.")
    ] = None,
    of: Of = None,
    campaign: Annotated[
        str | None, typer.Option("--campaign", metavar="NAME", help="Only the members of this campaign.")
    ] = None,
    priority: Annotated[int, typer.Option(min=1, max=10, help="10 goes first.")] = 5,
    callback: Annotated[
        str | None, typer.Option("--callback", metavar="URL", help="Address that is told of the end, signed.")
    ] = None,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have sessions analysed by a server or worker; tell its id at once.

    Without limits the whole record is analysed, from where the last analysis of it ended.
    """
    from clew.cli.commands.campaign import utc
    from clew.cli.desk.opening import analyses_of
    from clew.cli.output import line
    from clew.domains.analyses.request import NewAnalysisSession

    call = invocation(context, as_json, organization, data_dir)
    addresses, sessions = _named(of or ())
    asked = NewAnalysisSession(
        depth.value,
        utc(since),
        utc(until),
        tuple(sensor or ()) or None,
        addresses,
        sessions,
        campaign,
        priority,
        callback,
    )
    found = analyses_of(call).start(asked)
    if call.json:
        _print_json(found)
        return
    line(f"analysis {found.id} waits for a worker (`clew serve` or `clew worker`)")
    line(f"`clew analysis wait {found.id}` waits for its end")


def show(
    context: typer.Context,
    analysis: AnalysisArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how far an analysis is, by which steps, and what came of it."""
    from clew.cli.desk.opening import analyses_of

    call = invocation(context, as_json, organization, data_dir)
    _tell(call, analyses_of(call).find(analysis))


def list_analyses(
    context: typer.Context,
    status: Annotated[
        str | None,
        typer.Option("--status", metavar="STATE", help="Only queued, processing, completed, failed, cancelled ones."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Show at most so many.")] = 50,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List analyses, the newest first."""
    from clew.cli.desk.opening import analyses_of
    from clew.cli.output import note, print_json, table

    call = invocation(context, as_json, organization, data_dir)
    found = analyses_of(call).all(status=status, limit=limit)
    if call.json:
        print_json({"analyses": [_document(each) for each in found]})
        return
    if not found:
        note("No analyses; `clew analysis start` asks for one.")
        return
    table(
        ("Id", "Status", "Depth", "Priority", "Campaigns", "Seconds", "Since"),
        [
            (
                each.id, each.status, each.analysis_depth, each.priority, len(each.result.get("campaigns", ())),
                each.seconds, each.created_at,
            )
            for each in found
        ],
        right=(3, 4, 5),
        whole=(0,),
    )  # fmt: skip


def cancel(
    context: typer.Context,
    analysis: AnalysisArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel an analysis: at once if it waits, else behind the node it is at."""
    from clew.cli.desk.opening import analyses_of

    call = invocation(context, as_json, organization, data_dir)
    _tell(call, analyses_of(call).cancel(analysis))


def wait(
    context: typer.Context,
    analysis: AnalysisArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Wait until an analysis is over, with progress; exit code 1 unless it is completed. Ctrl-C waits no more."""
    from clew.cli.desk.opening import analyses_of
    from clew.cli.interruption import stop_on_interrupt

    call = invocation(context, as_json, organization, data_dir)
    with stop_on_interrupt("the analysis goes on; `clew analysis cancel` ends it") as stop:
        found = analyses_of(call).wait(analysis, stop)
    _tell(call, found)
    if found.status != "completed":
        raise typer.Exit(NOT_COMPLETED)


def _named(texts: "Sequence[str]") -> tuple[tuple[str, ...] | None, tuple[UUID, ...] | None]:
    """Addresses and ids of sessions, None where there are none."""
    addresses = tuple(each for each in texts if "." in each or ":" in each)
    sessions = tuple(_session(each) for each in texts if each not in addresses)
    return addresses or None, sessions or None


def _session(text: str) -> UUID:
    from clew.kernel.errors import InputError

    try:
        return UUID(text)
    except ValueError:
        raise InputError(
            f"{text[:60]!r} is neither an address nor the id of a session", where="--of", remedy="correct it"
        ) from None


def _tell(call: "Invocation", found: "AnalysisSession") -> None:
    from clew.cli.output import heading, line, pairs, table

    if call.json:
        _print_json(found)
        return
    line(f"analysis {found.id}: {found.status}", style="bold")
    at = None if found.current_step is None else f"{found.current_step} ({100 * (found.progress or 0):.0f} %)"
    described = {
        "depth": found.analysis_depth,
        "priority": found.priority,
        "since": f"{found.created_at:%Y-%m-%d %H:%M:%S} UTC",
        "at": at,
        "seconds": found.seconds,
        "campaigns": ", ".join(found.result.get("campaigns", ())) or None,
        "error": found.result.get("error"),
        "job": found.job_id,
    }
    if found.callback is not None:
        reason = f": {found.callback.reason}" if found.callback.reason else ""
        described["callback"] = f"{found.callback.status}{reason}"
    pairs({name: value for name, value in described.items() if value is not None})
    if found.steps:
        heading("Steps")
        rows = [(each.step, each.status, each.started_at, each.completed_at) for each in found.steps]
        table(("Step", "Status", "Began", "Ended"), rows)
    if text := found.result.get("assessment", {}).get("text"):
        heading("Assessment")
        for each in text.splitlines():
            line(each)


def _print_json(found: "AnalysisSession") -> None:
    from clew.cli.output import print_json

    print_json(_document(found))


def _document(found: "AnalysisSession") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(found)
