"""Evidence of coordination as the command line shows it: the reasons, then where the sessions are in the logs."""

from collections.abc import Sequence
from typing import Any, Final

from clew.cli.output import heading, line, table

_LINES_SHOWN: Final = 50


def print_evidence(evidence: Sequence[dict[str, Any]]) -> None:
    """A table of the reasons, and one of the files and lines that they rest on."""
    if not evidence:
        line("no evidence", indent=2)
        return
    rows = [(each["kind"], f"{each['score']:.2f}", each["text"]) for each in evidence]
    table(("Kind", "Score", "What"), rows, right=(1,))
    _print_lines(evidence)


def _print_lines(evidence: Sequence[dict[str, Any]]) -> None:
    named = {
        (each["file"] or "?", each["first_line"], each["last_line"], each["session_id"], each["events"])
        for one in evidence
        for each in one["lines"]
    }
    if not named:
        return
    heading("Where these sessions are in the logs")
    rows = [
        (file, f"{first}–{last}" if first != last else str(first), events, session)
        for file, first, last, session, events in sorted(named)
    ]
    table(("File", "Lines", "Events", "Session"), rows[:_LINES_SHOWN], right=(2,))
    if len(rows) > _LINES_SHOWN:
        line(f"and {len(rows) - _LINES_SHOWN} more: see --json", indent=2)
