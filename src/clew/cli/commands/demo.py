"""`clew demo`: the shipped sample case, from files to answers."""

from typing import TYPE_CHECKING

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, invocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clew.ingest.service import LoadReport
    from clew.records.cards import Card
    from clew.records.held import HeldRecord
    from clew.records.paths import PathResult
    from clew.records.summaries import HoneypotSummary

CASE = "Harbour Lantern"
HANDLE = "lanternkeeper_example"
ATTACKER = "198.51.100.21"
MEETING_POINT = "203.0.113.77"
SHOWN = 8


def demo(context: typer.Context, data_dir: DataDirectoryOption = None, as_json: JsonOption = False) -> None:
    """Load a made-up case and show what Clew does with it."""
    from dataclasses import replace

    from clew.cli.commands.path import DEFAULT_LENGTH
    from clew.cli.desk.local.loading import load
    from clew.cli.desk.ports import Loading
    from clew.cli.output import print_json
    from clew.cli.session import opened_record
    from clew.projections.service import followed
    from clew.records.cards import card
    from clew.records.finding import found_entities
    from clew.records.held import list_held
    from clew.records.paths import find_path
    from clew.records.summaries import honeypot_summary
    from clew.samples import sample_case_path

    called = invocation(context, as_json, None, data_dir)
    call = replace(called, organization="default")
    with opened_record(call) as record:
        with sample_case_path() as folder, followed(record.database):
            report = load(record, Loading((folder,), case=CASE))
        organization = record.organization_id
        with record.transaction() as connection:
            held = list_held(connection, organization)
            ends = [found_entities(connection, organization, value, None)[0].id for value in (HANDLE, ATTACKER)]
            meeting = found_entities(connection, organization, MEETING_POINT, None)[0].id
            shown = card(connection, organization, meeting, limit=SHOWN)
            way = find_path(connection, organization, *ends, max_length=DEFAULT_LENGTH)
            honeypots = honeypot_summary(connection, organization, limit=SHOWN)
    if call.json:
        print_json(
            {
                "case": CASE,
                "load": report.as_dict(),
                "quarantine": [each.as_dict() for each in held],
                "card": shown.as_dict(),
                "path": way.as_dict(),
                "honeypots": honeypots.as_dict(),
            }
        )
        return
    _print(report, held, shown, way, honeypots)


def _print(
    report: "LoadReport",
    held: "Sequence[HeldRecord]",
    shown: "Card",
    way: "PathResult",
    honeypots: "HoneypotSummary",
) -> None:
    from clew.cli.cards import print_card
    from clew.cli.commands.path import DEFAULT_LENGTH, print_path
    from clew.cli.commands.quarantine import print_held
    from clew.cli.output import heading, line
    from clew.cli.reports import print_load_report

    line(f"The sample case “{CASE}”: everything in it is invented.", style="bold")
    heading("1  Files went in, and every record is accounted for")
    print_load_report(report)
    heading("2  What could not be read is kept, with the reason     clew quarantine list")
    print_held(held)
    heading(f"3  What is known about one address, and from where     clew show {MEETING_POINT}")
    print_card(shown)
    heading(f"4  How a handle and an attacker hang together          clew path {HANDLE} {ATTACKER}")
    print_path(way, DEFAULT_LENGTH)
    heading("5  What the honeypots saw")
    _print_honeypots(honeypots)
    heading("Try next")
    for command in (
        f"clew show {HANDLE}",
        'clew search "lantern*" --facet entity_type --highlight',
        f'clew report "{CASE}"',
        "clew show dl.lantern-harbour.example",
        f'clew case show "{CASE}"',
        "clew quarantine list",
        "clew ingest PATH…        with what your own tools wrote",
        "clew doctor",
    ):
        line(command, indent=2)


def _print_honeypots(summary: "HoneypotSummary") -> None:
    from clew.cli.output import line, table

    line(f"{summary.sessions:,} sessions from {summary.addresses:,} addresses")
    line()
    table(
        ("Address", "Sessions", "Sensors", "Logins failed", "succeeded"),
        [
            (each["address"], each["sessions"], each["sensors"], each["login_failures"], each["login_successes"])
            for each in summary.top_addresses
        ],
        right=(1, 2, 3, 4),
    )
    line()
    table(
        ("Credential", "Addresses that used it"),
        [(each["credential"], each["addresses"]) for each in summary.top_credentials],
        right=(1,),
    )
    line()
    table(
        ("What several addresses sent alike", "Addresses", "Sessions"),
        [(each["payload"], each["addresses"], each["sessions"]) for each in summary.shared_payloads],
        right=(1, 2),
    )
