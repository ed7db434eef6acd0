"""Sherlock's two plain shapes: the text file (one address a line, then a total) and what it prints.

The text file names neither handle nor site. The handle is the file's name, as Sherlock makes it, where at least one
address contains it; else (`--output results.txt`) the one part that all addresses share. The site is told by the
address: its host where the ontology knows it as a platform, else the label of its registered domain.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from clew.ingest.sources.base import Sample
from clew.ingest.sources.plain_text import (
    decode_text,
    encode_text,
    numbered_lines,
    whole_lines,
    without_terminal_codes,
)
from clew.ingest.sources.registrable_domain import registrable_domain, registrable_label
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow
from clew.ontology.platforms import canonical_platform

_TOTAL: Final = re.compile(r"Total Websites(?: Username Detected On)? : (\d{1,9})")
_START: Final = re.compile(r"\[\*\] Checking username (.+?) on:")
_END: Final = re.compile(r"\[\*\] (?:Search completed with|Results:) ?(\d{1,9})(?: results)?")
_PRINTED: Final = re.compile(r"\[([+-])\](?: ?\[\d+ ?ms\])? (.+?):(?: (.*))?$")
_ADDRESS: Final = re.compile(r"https?://\S+", re.IGNORECASE)
_PARTS: Final = re.compile(r"[^/?=&#@]+")
_LONGEST_HOST: Final = 100  # the ontology knows no longer platform name
_HANDLE_SUFFIXES: Final = (".txt", ".text", ".log", ".out")

# Sites whose address leads the rules of `_platform` astray, with the word Sherlock uses for them, so that the text
# output of a search and its CSV name the same account. Other spellings are the ontology's business.
_PLATFORM_OF_PREFIX: Final = {
    "about.me/": "about.me",
    "archive.org/": "archive.org",
    "dev.to/": "dev community",
    "last.fm/": "last.fm",
    "play.google.com/": "google play",
    "steamcommunity.com/groups/": "steam community (group)",
    "linktr.ee/": "linktree",
    "ask.fm/": "ask.fm",
    "itch.io/": "itch.io",
    "mastodon.cloud/": "mastodon.cloud",
    "mastodon.xyz/": "mastodon.xyz",
    "mstdn.io/": "mstdn.io",
    "chaos.social/": "chaos.social",
}
_UNDETERMINED_TEXTS: Final = {
    "Illegal Username Format For This Site!": "Illegal",
    "Blocked by bot detection (proxy may help)": "WAF",
    "Not Found!": "Available",
}


@dataclass(slots=True)
class TextReport:
    """Rows with `username`, `platform`, `url`, `status`, `context` and the `section` (search) they belong to.

    `totals` are the counts the file states, each with the sections it covers.
    """

    rows: list[ResultRow] = field(default_factory=list)
    totals: list[tuple[range, int]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def looks_like_text(sample: Sample) -> float:
    """How surely the sample is Sherlock's text or console output, 0–1."""
    text = decode_text(whole_lines(sample.head, complete=sample.complete))
    lines = [shown for _, line in numbered_lines(text) if (shown := without_terminal_codes(line))]
    if any(_START.fullmatch(line) for line in lines):
        return 0.95
    others = [line for line in lines if not _TOTAL.fullmatch(line)]
    if not all(_ADDRESS.fullmatch(line) for line in others):
        return 0.0
    if len(others) < len(lines):
        return 0.95
    handle = _file_handle(sample.name).casefold()
    return 0.3 if others and handle and all(handle in unquote(line).casefold() for line in others) else 0.0


def read_text(data: bytes, handle: str | None, file_name: str) -> TextReport:
    """Rows of a text file or of printed output. `handle` overrides what file name and addresses say."""
    report = TextReport()
    section = first_of_total = 0
    printed_for: str | None = None
    for number, line in numbered_lines(decode_text(data)):
        shown = without_terminal_codes(line)
        if start := _START.fullmatch(shown):
            section, printed_for = section + 1, start[1]
        elif (total := _TOTAL.fullmatch(shown)) or (total := _END.fullmatch(shown)):
            report.totals.append((range(first_of_total, section + 1), int(total[1])))
            section = first_of_total = section + 1
        elif row := _row(shown, printed=printed_for is not None):
            raw = encode_text(line.rstrip("\r\n"))
            values = {**row, "username": printed_for or handle, "section": section}
            report.rows.append(ResultRow(number, values, raw, _fault(number, row, shown)))
    if printed_for is None and handle is None:
        _name_handle(report, file_name)
    return report


def _row(shown: str, *, printed: bool) -> dict[str, Any] | None:
    """The fields of a line that is a row; None for blank lines and, in printed output, all that is not about a site."""
    printed_row = _PRINTED.fullmatch(shown)
    if printed_row:
        sign, platform, rest = printed_row[1], printed_row[2], (printed_row[3] or "").strip()
        if sign == "+":
            return {"platform": platform, "url": rest, "status": "Claimed"}
        return {"platform": platform, "status": _UNDETERMINED_TEXTS.get(rest, "Unknown"), "context": rest}
    if printed or not shown:
        return None
    return {"platform": _platform(shown), "url": shown, "status": "Claimed"}


def _fault(number: int, row: dict[str, Any], shown: str) -> RefusedRowError | None:
    if row["status"] != "Claimed" or (_ADDRESS.fullmatch(row["url"]) and row["platform"]):
        return None
    return RefusedRowError("invalid_url", f"line {number}: not the address of a profile: {shown[:80]!r}")


def _platform(address: str) -> str | None:
    """The site's name: a spelling the ontology knows of the host or its registered domain, else the domain's label."""
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").casefold().removeprefix("www.")
    except ValueError:  # brackets that hold no IPv6 address
        return None
    if not any(character.isalnum() for character in host):
        return None
    for prefix, platform in _PLATFORM_OF_PREFIX.items():
        if f"{host}{parts.path}/".startswith(prefix) or host.endswith("." + prefix.rstrip("/")):
            return platform
    for name in (host, registrable_domain(host)):
        known = canonical_platform(name) if name and len(name) <= _LONGEST_HOST else ""
        if known and known != re.sub(r"[\W_]+", "_", name or ""):
            return known
    return registrable_label(host) or host


def _name_handle(report: TextReport, file_name: str) -> None:
    addresses = [row.values["url"] for row in report.rows if row.fault is None and "url" in row.values]
    handle = _file_handle(file_name)
    if not handle or not any(handle.casefold() in unquote(address).casefold() for address in addresses):
        handle = _shared_part(addresses) or ""
        if handle:
            report.warnings.append(f"the file's name {file_name!r} is in no address; the handle is taken as {handle!r}")
    for row in report.rows:
        row.values["username"] = handle


def _file_handle(file_name: str) -> str:
    path = PurePosixPath(file_name)
    return path.stem if path.suffix.casefold() in _HANDLE_SUFFIXES else path.name


def _shared_part(addresses: list[str]) -> str | None:
    """The one piece of host or path that all of at least two addresses have in common, ignoring case."""
    counts: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    for address in addresses:
        host, _, path = unquote(address).partition("://")[2].partition("/")
        parts = [*host.split(".")[:1], *_PARTS.findall(path)]
        spelled.update({part.casefold(): part for part in parts})
        counts.update({part.casefold() for part in parts})
    shared = [part for part, count in counts.items() if count == len(addresses)]
    return spelled[shared[0]] if len(addresses) > 1 and len(shared) == 1 else None
