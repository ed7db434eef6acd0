"""How the report of a load is shown."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from clew.cli.output import heading, line, table, warn

if TYPE_CHECKING:
    from clew.ingest.service import FileReport, LoadReport

FILES_LISTED = 40
COUNTED = ("new", "merged", "duplicate", "rejected")


def print_load_report(report: "LoadReport") -> None:
    """The sum that accounts for every record, what came into the record, and what could not."""
    counts = report.counts
    for warning in report.warnings:
        warn(warning)
    if report.files:
        _print_files(report.files)
    line(accounting(counts.as_dict()), style="bold")
    added = f"{counts.entities:,} entities, {counts.relationships:,} relationships, {counts.events:,} events"
    if counts.posts:
        added += f", {counts.posts:,} posts"
    line(f"new in the record: {added}; {report.seconds:.1f} s")
    if report.resumed:
        line(f"{report.resumed:,} of these records had come in before an interruption")
    if counts.rejected:
        line(f"{counts.rejected:,} rejected records are kept in quarantine: see `clew quarantine list`", style="yellow")
        print_reasons(report.by_reason)


def _print_files(files: "Sequence[FileReport]") -> None:
    columns = ("read", *COUNTED)
    # Those that need looking at come first where not all can be listed.
    listed = files if len(files) <= FILES_LISTED else sorted(files, key=_is_in_order)[:FILES_LISTED]
    table(
        ("File", "From", "Status", *map(str.capitalize, columns)),
        [
            (file.file, file.source, file.status, *(f"{getattr(file.counts, name):,}" for name in columns))
            for file in listed
        ],
        right=range(3, 3 + len(columns)),
    )
    if len(files) > len(listed):
        line(f"… and {len(files) - len(listed):,} more files; --json lists all")
    line()


def _is_in_order(file: "FileReport") -> bool:
    return file.status in ("loaded", "known") and not file.counts.rejected


def accounting(counts: Mapping[str, int]) -> str:
    """The counts as a sum that adds up."""
    parts = " + ".join(f"{counts[name]:,} {name}" for name in COUNTED)
    return f"{counts['read']:,} read = {parts}"


def print_reasons(by_reason: Mapping[str, int]) -> None:
    """How many records were rejected for which reason."""
    heading("Rejected for")
    table(("Reason", "Records"), [(reason, f"{count:,}") for reason, count in sorted(by_reason.items())], right=(1,))
