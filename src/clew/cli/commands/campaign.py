"""`clew analyze` and `clew campaign`: which sources act together, how sure that is, and since when."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clew.cli.options import Invocation
    from clew.domains.campaigns.reading import Campaign, CampaignDetails

CANCELLED = 130  # as after Ctrl-C, which it was
CANCELLING = "cancelling at the next step; press Ctrl-C again to end at once"

CampaignArgument = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="Name or id of the campaign.")]
TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z"]


class DepthName(StrEnum):
    """How much is looked at."""

    MINIMAL = "minimal"
    STANDARD = "standard"
    DEEP = "deep"
    FORENSIC = "forensic"


class StatusName(StrEnum):
    """How a campaign stands."""

    ACTIVE = "active"
    DORMANT = "dormant"
    CONCLUDED = "concluded"
    MONITORING = "monitoring"


class ExportFormat(StrEnum):
    """What campaigns are exported as."""

    CSV = "csv"
    JSON = "json"
    MISP = "misp"
    STIX = "stix"


def analyze(
    context: typer.Context,
    since: Annotated[
        datetime | None, typer.Option("--since", formats=TIMES, help="Only sessions that began from then on (UTC).")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", formats=TIMES, help="Only sessions that began before (UTC).")
    ] = None,
    depth: Annotated[DepthName, typer.Option("--depth", help="How much is looked at.")] = DepthName.STANDARD,
    sensor: Annotated[
        list[str] | None, typer.Option("--sensor", metavar="NAME", help="Only this sensor; may be repeated.")
    ] = None,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find which sources act together.

    Without times and sensors the whole record is analysed, from where the last analysis ended. Ctrl-C cancels.
    """
    from clew.cli.desk.analysis_ports import Analysing
    from clew.cli.desk.opening import campaigns_of
    from clew.cli.interruption import stop_on_interrupt
    from clew.cli.output import print_json

    call = invocation(context, as_json, organization, data_dir)
    asked = Analysing(utc(since), utc(until), depth.value, tuple(sensor) if sensor else None)
    with stop_on_interrupt(CANCELLING) as stop:
        report = campaigns_of(call).analyze(asked, stop)
    if call.json:
        print_json(report)
    else:
        _print_report(report)
    if report["status"] == "cancelled":
        raise typer.Exit(CANCELLED)


def list_campaigns(
    context: typer.Context,
    status: Annotated[StatusName | None, typer.Option("--status", help="Only those that stand like that.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that were rejected, merged, or found to be none.")
    ] = False,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the campaigns, the one seen last first."""
    from clew.cli.desk.opening import campaigns_of
    from clew.cli.output import note

    call = invocation(context, as_json, organization, data_dir)
    found = campaigns_of(call).all(status=status and status.value, everything=everything)
    if not found and not call.json:
        note("No campaigns; `clew analyze` looks for some.")
        return
    _tell(call, found)


def show(
    context: typer.Context,
    campaign: CampaignArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who acts in a campaign, when, and how they are linked."""
    from clew.cli.desk.opening import campaigns_of
    from clew.cli.output import print_json

    call = invocation(context, as_json, organization, data_dir)
    found = campaigns_of(call).details(campaign)
    if call.json:
        print_json(found.as_dict())
    else:
        _print_details(found)


def explain(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="IP_A", help="An address.")],
    second: Annotated[str, typer.Argument(metavar="IP_B", help="Another one.")],
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how probably two addresses act together, and why."""
    from clew.cli.desk.opening import campaigns_of
    from clew.cli.evidence import print_evidence
    from clew.cli.output import line, print_json

    call = invocation(context, as_json, organization, data_dir)
    found = campaigns_of(call).explain(first, second)
    if call.json:
        print_json(found)
        return
    line(f"{first} and {second} act together with a probability of {found['probability']:.2f}")
    print_evidence(found["evidence"])


def merge(
    context: typer.Context,
    campaign: CampaignArgument,
    others: Annotated[list[str], typer.Argument(metavar="OTHER…", help="Campaigns that are the same.")],
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make campaigns one; later analyses keep them together."""
    _decide(invocation(context, as_json, organization, data_dir), campaign, "merge", parts=tuple(others))


def split(
    context: typer.Context,
    campaign: CampaignArgument,
    parts: Annotated[
        list[str], typer.Argument(metavar="PART…", help="Sources that leave it, or campaigns that were merged into it.")
    ],
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make some sources a campaign of their own.

    Later analyses keep the two sides apart.
    """
    _decide(invocation(context, as_json, organization, data_dir), campaign, "split", parts=tuple(parts))


def pin(
    context: typer.Context,
    campaign: CampaignArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep the sources of a campaign together.

    They stay so whatever later analyses find.
    """
    _decide(invocation(context, as_json, organization, data_dir), campaign, "pin")


def reject(
    context: typer.Context,
    campaign: CampaignArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a campaign is none.

    Later analyses do not put its sources together again.
    """
    _decide(invocation(context, as_json, organization, data_dir), campaign, "reject")


def rename(
    context: typer.Context,
    campaign: CampaignArgument,
    name: Annotated[str, typer.Argument(help="What it is to be called.")],
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a campaign a name; later analyses leave it alone."""
    _decide(invocation(context, as_json, organization, data_dir), campaign, "rename", name=name)


def attribute(
    context: typer.Context,
    campaign: CampaignArgument,
    actor: Annotated[str, typer.Argument(metavar="ACTOR", help="Who is behind it; empty: nobody knows.")],
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who is behind a campaign."""
    _decide(invocation(context, as_json, organization, data_dir), campaign, "attribute", name=actor)


def undo(
    context: typer.Context,
    campaign: CampaignArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back what was decided about a campaign last."""
    _decide(invocation(context, as_json, organization, data_dir), campaign, "undo")


def export(
    context: typer.Context,
    campaigns: Annotated[
        list[str] | None, typer.Argument(metavar="[CAMPAIGN…]", help="Names or ids (else every campaign).")
    ] = None,
    form: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="Rows of indicators, everything, MISP events or a STIX bundle."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Write to this file, readable by you alone.")
    ] = None,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export campaigns with their indicators.

    In CSV, what a spreadsheet would take for a formula begins with an apostrophe.
    """
    import sys

    from clew.cli.commands.report import private_file
    from clew.cli.desk.opening import campaigns_of
    from clew.cli.output import line, print_json

    call = invocation(context, as_json, organization, data_dir)
    wanted = form or (ExportFormat.JSON if call.json else ExportFormat.CSV)
    asked = tuple(campaigns or ())
    if output is None:
        campaigns_of(call).export(asked, wanted.value, sys.stdout.write)
        return
    with private_file(output) as file:
        campaigns_of(call).export(asked, wanted.value, file.write)
    if call.json:
        print_json({"file": output, "format": wanted.value, "bytes": file.size, "sha256": file.digest.hexdigest()})
    else:
        line(f"wrote {output}: {wanted.upper()}, {file.size:,} bytes, readable by you alone")


def _decide(
    call: "Invocation", campaign: str, kind: str, *, parts: tuple[str, ...] = (), name: str | None = None
) -> None:
    from clew.cli.desk.analysis_ports import Decision
    from clew.cli.desk.opening import campaigns_of

    _tell(call, campaigns_of(call).decide(campaign, Decision(kind, parts, name)))


def _tell(call: "Invocation", found: "Sequence[Campaign]") -> None:
    from clew.cli.output import print_json, table

    if call.json:
        print_json([each.as_dict() for each in found])
        return
    table(
        ("Name", "Status", "Sure", "Sources", "Sessions", "First seen", "Last seen", "Id"),
        [
            (
                each.name, _standing(each), f"{each.confidence:.2f}", each.sources, each.sessions, each.first_seen,
                each.last_seen, each.id,
            )
            for each in found
        ],
        right=(2, 3, 4),
        whole=(7,),
    )  # fmt: skip


def _standing(campaign: "Campaign") -> str:
    if campaign.merged_into is not None:
        return "merged"
    return "rejected" if campaign.is_rejected else campaign.status


def _print_report(report: dict[str, Any]) -> None:
    from clew.cli.output import line, pairs

    if report["status"] != "completed":
        line(f"analysis {report['analysis_id']}: {report['status']}; nothing of it was kept")
        return
    new, changed = report["campaigns_new"], report["campaigns_changed"]
    line(f"{len(report['campaigns'])} campaigns in {report['sessions']:,} sessions ({new} new, {changed} changed)")
    pairs(
        {
            "Confidence": f"{report['confidence']:.2f}",
            **{name.capitalize(): f"{score:.2f}" for name, score in report["scores"].items()},
            "Sessions read": f"{report['sessions_read']:,}",
            "Seconds": report["seconds"],
            "Analysis": report["analysis_id"],
        }
    )
    if report["campaigns"]:
        line("`clew campaign list` lists them, `clew campaign show CAMPAIGN` says how one is linked")


def _print_details(found: "CampaignDetails") -> None:
    from clew.cli.evidence import print_evidence
    from clew.cli.output import heading, line, pairs, table

    campaign = found.campaign
    line(campaign.name, style="bold")
    described = {
        "status": _standing(campaign),
        "confidence": f"{campaign.confidence:.2f}",
        "threat actor": campaign.threat_actor,
        "seen": f"{campaign.first_seen:%Y-%m-%d %H:%M} to {campaign.last_seen:%Y-%m-%d %H:%M} UTC"
        if campaign.first_seen and campaign.last_seen
        else None,
        "sessions": campaign.sessions,
        "scores": {name: f"{score:.2f}" for name, score in found.scores.items()},
        "id": campaign.id,
    }
    pairs({name: value for name, value in described.items() if value is not None})
    heading("How they are linked")
    print_evidence(found.evidence)
    heading(f"Sources ({campaign.sources})")
    table(
        ("Address", "Sure", "Sessions", "First seen", "Last seen"),
        [
            (each.source_ip, f"{each.confidence:.2f}", each.sessions, each.first_seen, each.last_seen)
            for each in found.members[:50]
        ],
        right=(1, 2),
    )
    heading(f"Indicators ({len(found.indicators)})")
    table(
        ("Type", "Value", "Sure", "Count"),
        [
            (each.type, each.value, f"{each.confidence:.2f}", each.count)
            for each in [one for one in found.indicators if one.type != "ip"][:50]
        ],
        right=(2, 3),
    )
    if found.techniques:
        heading("Techniques")
        table(
            ("ATT&CK", "Name", "Commands"),
            [(each["id"], each["name"], each["count"]) for each in found.techniques],
            right=(2,),
        )


def utc(moment: datetime | None) -> datetime | None:
    """A time as it was given; one without a zone is UTC."""
    from datetime import UTC

    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
