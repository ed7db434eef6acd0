"""What Holehe prints: the address in a box of stars, then one marked row per service, then a legend and a count."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from clew.ingest.sources.base import Sample
from clew.ingest.sources.plain_text import (
    decode_text,
    encode_text,
    numbered_lines,
    whole_lines,
    without_terminal_codes,
)
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow

_STARS: Final = re.compile(r"\*{7,}")
_ADDRESS: Final = re.compile(r"\S+@\S+")
_ROW: Final = re.compile(r"\[([-+x!])\] (\S+)(.*)")
_LEGEND: Final = re.compile(r"\[\+\] Email used,")
_CHECKED: Final = re.compile(r"(\d{1,9}) websites checked in [\d.]+ seconds")
_DOMAIN: Final = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_CREATED: Final = "Date, time of the creation "
_FULL_NAME: Final = "FullName "


@dataclass(slots=True)
class TextReport:
    """Rows with `email` (None where no box was printed), `domain`, `exists`, `ratelimit`, `error` and fragments.

    `checked` pairs each count of services printed with the number of rows above it; runs with --only-used, which print
    fewer rows on purpose, are left out.
    """

    rows: list[ResultRow] = field(default_factory=list)
    checked: list[tuple[int, int]] = field(default_factory=list)


def looks_like_text(sample: Sample) -> float:
    """How surely the sample is Holehe's console output, 0–1."""
    text = decode_text(whole_lines(sample.head, complete=sample.complete))
    lines = [shown for _, line in numbered_lines(text) if (shown := without_terminal_codes(line))]
    boxed = any(
        _STARS.fullmatch(line) and len(line) == len(lines[index + 1]) + 6 and _ADDRESS.fullmatch(lines[index + 1])
        for index, line in enumerate(lines[:-1])
    )
    marked = any((row := _ROW.fullmatch(line)) and _DOMAIN.fullmatch(row[2]) for line in lines)
    if boxed:
        return 0.95 if marked or any(_LEGEND.match(line) for line in lines) else 0.5
    return 0.8 if marked and any(_LEGEND.match(line) or _CHECKED.fullmatch(line) for line in lines) else 0.0


def read_text(data: bytes) -> TextReport:
    """Rows of everything printed, of one search or of several one after the other. Never raises."""
    report = TextReport()
    email: str | None = None
    after_stars = False
    rows_of_search: list[ResultRow] = []
    for number, line in numbered_lines(decode_text(data)):
        shown = without_terminal_codes(line)
        if after_stars and _ADDRESS.fullmatch(shown):
            email, rows_of_search = shown, []
        elif checked := _CHECKED.fullmatch(shown):
            if any(row.values.get("exists") is not True for row in rows_of_search):
                report.checked.append((int(checked[1]), len(rows_of_search)))
            rows_of_search = []
        elif (marked := _ROW.fullmatch(shown)) and not _LEGEND.match(shown):
            row = _row(number, line, marked, email)
            report.rows.append(row)
            rows_of_search.append(row)
        after_stars = bool(_STARS.fullmatch(shown))
    return report


def _row(number: int, line: str, marked: re.Match[str], email: str | None) -> ResultRow:
    mark, domain, rest = marked[1], marked[2], marked[3]
    values: dict[str, Any] = {
        "email": email,
        "domain": domain,
        "exists": {"+": True, "-": False}.get(mark),
        "ratelimit": True if mark == "x" else None,
        "error": True if mark == "!" else None,
    }
    if mark == "+":
        values.update(_fragments(rest))
    elif rest.strip():
        values["others"] = rest.strip()
    fault = None
    if not _DOMAIN.fullmatch(domain):
        fault = RefusedRowError("invalid_domain", f"line {number}: {domain[:80]!r} is not a service's domain")
    return ResultRow(number, values, encode_text(line.rstrip("\r\n")), fault)


def _fragments(rest: str) -> dict[str, str]:
    """Recovery address, number and others, which follow the domain parted by " / ", the address first."""
    address, *more = rest.split(" / ")
    found = {"emailrecovery": address.strip()} if address.strip() else {}
    for piece in more:
        key = "others" if piece.startswith((_FULL_NAME, _CREATED)) else "phonenumber"
        found[key] = f"{found[key]} / {piece.strip()}" if key in found else piece.strip()
    return found
