"""A report as one JSON document that holds everything, written piece by piece whatever its size.

Its keys are documented in docs/how-to/write-a-report.md and only ever added to; `format` names the set. All text is
written in ASCII with escapes, so that nothing in it can steer a terminal.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

FORMAT: Final = "clew-report-1"

Sink = Callable[[str], object]


def write_document(members: Mapping[str, Any], lists: Mapping[str, Iterable[Mapping[str, Any]]], sink: Sink) -> None:
    """Write one JSON object: the members first, then each list, one of its entries a line, as they come."""
    sink("{")
    separator = "\n"
    for name, value in members.items():
        sink(f"{separator}  {encoded(name)}: {encoded(value)}")
        separator = ",\n"
    for name, entries in lists.items():
        sink(f"{separator}  {encoded(name)}: [")
        separator = "\n"
        for entry in entries:
            sink(f"{separator}    {encoded(entry)}")
            separator = ",\n"
        sink("]" if separator == "\n" else "\n  ]")
        separator = ",\n"
    sink("\n}\n")


def encoded(value: Any) -> str:
    """The value as JSON on one line, in ASCII that can be printed."""
    return json.dumps(value, default=_plain, separators=(", ", ": "), allow_nan=False).replace("\x7f", "\\u007f")


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case UUID():
            return str(value)
        case Decimal():
            return float(value)
        case Mapping():
            return dict(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
