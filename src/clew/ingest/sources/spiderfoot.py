"""SpiderFoot: events of a scan in the CSV of its web page and of its command line.

The writers were read in smicallef/spiderfoot: `sfwebui.py` (2.12 to 4.0 write Updated, Type, Module, Source, F/P, Data;
for several scans Scan Name goes first; types are codes), `sf.py` and `modules/sfp__stor_stdout.py` (Source, Type, Data;
with -r Source Data before Data; types are words, `Source` is the module and nothing is quoted, so that data may run
over lines and hold the delimiter; also with tabs). Columns are found by name, so either order is read.

Each row is one record. The web page's times are the server's local ones without a zone: read in --timezone. No CSV
carries SpiderFoot's own confidence, visibility or risk; what is believed follows from the type (`spiderfoot_types`).
A row whose F/P is 1 was judged a false positive by a person: it is kept as a record and says nothing more. Types that
identify nothing (names of people, companies, raw content, descriptions) are kept as records only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final

from clew.ingest.facts import FactBuilder, Facts
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.csv_table import csv_columns, read_csv
from clew.ingest.sources.plain_text import decode_text, encode_text, numbered_lines
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow, optional_text, required_text, settle
from clew.ingest.sources.spiderfoot_types import KINDS, OPEN_PORTS, REPORTED_MALICIOUS, Kind, event_code
from clew.ingest.sources.times import RecordTimes
from clew.ingest.sources.value_shapes import endpoint, is_address, shape_of

_WEB: Final = frozenset({"updated", "type", "module", "source", "f/p", "data"})
_CONSOLE: Final = (("source", "type", "data"), ("source", "type", "source data", "data"))
_MODULE: Final = re.compile(r"\s*(?:sfp_\w{1,60}|SpiderFoot UI|SpiderFoot)\s*\Z", re.ASCII)
_SF_URL: Final = re.compile(r"</?SFURL>", re.IGNORECASE)
_URL: Final = re.compile(r"https?://[^\s<>\"]{3,2000}", re.IGNORECASE)
_SITE: Final = re.compile(r"(?!https?:)(\w[\w .+-]{0,40}?)\s*(?:\(|:)")  # "GitHub (Category: coding)", "Github: https…"
_CVE: Final = re.compile(r"CVE-\d{4}-\d{4,7}(?!\d)", re.IGNORECASE)
_BRACKETED: Final = re.compile(r"(.{0,200}?)\s*\[([^\]\n]{1,300})\]", re.DOTALL)
_LONGEST_NAME: Final = 300  # of software: longer banners are pages


@dataclass(frozen=True, slots=True)
class _Event:
    code: str
    data: str
    source: str | None
    module: str
    at: datetime | None
    content: dict[str, Any]

    @property
    def seen(self) -> dict[str, Any]:
        return {"first_seen": self.at, "last_seen": self.at}


@dataclass(slots=True)
class _Reading:
    builder: FactBuilder
    times: RecordTimes
    open_ports: dict[str, list[str]] = field(default_factory=dict)  # of each address, over the whole file


class SpiderFootSource:
    """Reads SpiderFoot's CSV; see the module's docstring for versions and meaning."""

    name: ClassVar[str] = "spiderfoot"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = (
        "SpiderFoot 2.12–4.0 CSV: web export of one or several scans, command line (-o csv, tab). "
        "Times are local without a zone: --timezone."
    )
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By its column names; those of the command line are common words, so a module's name must follow."""
        columns = csv_columns(sample.head)
        if columns >= _WEB and columns <= _WEB | {"scan name"}:
            return Recognition(0.95, Framing.DOCUMENT, "web")
        if columns in map(frozenset, _CONSOLE):
            rows = decode_text(sample.head).splitlines()[1:20]
            if not rows or any(_MODULE.match(re.split(r"[,;\t]", row)[0]) for row in rows):
                return Recognition(0.9 if rows else 0.5, Framing.DOCUMENT, "console")
        return None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """Facts of a whole file. Each row is one record."""
        data = b"\n".join(batch.records)
        reading = _Reading(FactBuilder(), RecordTimes(context.timezone))
        variant = context.variant or ("web" if csv_columns(data) >= _WEB else "console")
        rows = list(_web_rows(data) if variant == "web" else _console_rows(data))
        reading.open_ports = _open_ports(rows)

        def keep(record: int, row: ResultRow) -> None:
            event = _event(reading, row)
            reading.builder.record(record, row.line, event.content)
            _add(reading, record, event)

        settle(reading.builder, rows, keep)
        warning = reading.times.warning()
        if warning:
            reading.builder.warn(warning)
        return reading.builder.facts()


def _web_rows(data: bytes) -> Iterator[ResultRow]:
    table = read_csv(data)
    missing = _WEB.difference(table.columns) - {"f/p", "module", "updated"}
    for row in table.rows:
        if missing and row.fault is None:
            detail = f"line {row.line}: no column {', '.join(sorted(missing))}"
            yield ResultRow(row.line, {}, row.raw, RefusedRowError("missing_field", detail))
        else:
            yield row


def _console_rows(data: bytes) -> Iterator[ResultRow]:
    """Unquoted rows: one begins where a module's name stands first, what follows until the next belongs to its data."""
    lines = numbered_lines(decode_text(data))
    header = next((text for _, text in lines if text.strip()), "")
    delimiter = max("\t,;", key=header.count)
    columns = tuple(cell.strip().casefold() for cell in header.split(delimiter))
    start, parts = 0, list[str]()
    for number, text in lines:
        if _MODULE.match(text.split(delimiter, 1)[0]):
            if parts:
                yield _console_row(columns, delimiter, start, "".join(parts))
            start, parts = number, [text]
        elif parts:
            parts.append(text)
        elif text.strip():
            fault = RefusedRowError("invalid_csv", f"line {number}: no module's name stands first")
            yield ResultRow(number, {}, encode_text(text.rstrip("\r\n")), fault)
    if parts:
        yield _console_row(columns, delimiter, start, "".join(parts))


def _console_row(columns: tuple[str, ...], delimiter: str, line: int, text: str) -> ResultRow:
    text = text.rstrip("\r\n")
    raw = encode_text(text)
    cells = text.split(delimiter)
    if columns not in _CONSOLE:
        return ResultRow(
            line, {}, raw, RefusedRowError("missing_field", f"line {line}: the header is not SpiderFoot's")
        )
    if len(columns) == 3:
        cells = text.split(delimiter, 2)
    if len(cells) != len(columns):
        detail = f"line {line}: {len(cells)} cells where the header has {len(columns)}; nothing quotes them"
        return ResultRow(line, {}, raw, RefusedRowError("invalid_csv", detail))
    named = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
    values = {"module": named["source"], "type": named["type"], "data": named["data"]}
    if "source data" in named:
        values["source"] = named["source data"]
    return ResultRow(line, values, raw)


def _open_ports(rows: list[ResultRow]) -> dict[str, list[str]]:
    """Each row tells of one port; the address' property is the list of all of them."""
    found: dict[str, set[tuple[int, str]]] = {}
    for row in rows:
        protocol = OPEN_PORTS.get(event_code(str(row.values.get("type", ""))[:80]))
        place = endpoint(str(row.values.get("data", ""))[:300]) if protocol else None
        if protocol and place and is_address(place[0]) and str(row.values.get("f/p", "")).strip() != "1":
            found.setdefault(place[0], set()).add((place[1], protocol))
    return {address: [f"{port}/{protocol}" for port, protocol in sorted(ports)] for address, ports in found.items()}


def _event(reading: _Reading, row: ResultRow) -> _Event:
    code = event_code(required_text(row, "type")[:80])
    data = _SF_URL.sub("", required_text(row, "data")).strip()
    updated = optional_text(row, "updated")
    source = optional_text(row, "source")
    content: dict[str, Any] = {
        "type": code,
        "data": data,
        "source": source,
        "module": optional_text(row, "module"),
        "updated": updated,
        "scan": optional_text(row, "scan name"),
        "false_positive": True if optional_text(row, "f/p") == "1" else None,
    }
    try:
        at = reading.times.read(updated) if updated else None
    except ValueError as error:
        raise RefusedRowError("invalid_timestamp", f"line {row.line}: {error}") from error
    kept = {key: value for key, value in content.items() if value is not None}
    return _Event(code, data, source, content["module"] or "spiderfoot", at, kept)


def _add(reading: _Reading, record: int, event: _Event) -> None:
    kind = KINDS.get(event.code)
    if kind is None or "false_positive" in event.content:
        return
    found = _found(kind, event)
    if found is None:
        return
    value, properties = found
    if kind.entity == "ip_address" and value in reading.open_ports and event.code in OPEN_PORTS:
        properties["open_ports"] = reading.open_ports[value]
    target = (kind.entity, value, properties.get("site") if kind.entity == "social_profile" else kind.qualifier)
    reading.builder.mention(
        record, *target, confidence=kind.confidence, properties=properties, method=event.module[:60], **event.seen
    )
    _relate(reading.builder, record, event, kind, target)


def _found(kind: Kind, event: _Event) -> tuple[str, dict[str, Any]] | None:
    """The entity's value in the event's data, and what else the data says of it."""
    data, first = event.data, event.data.partition("\n")[0].strip()
    if event.code in REPORTED_MALICIOUS:
        listed = _BRACKETED.match(data)
        value = listed[2].strip() if listed else first
        reported = {"reported_malicious_by": listed[1].strip() or event.module} if listed else {}
        return (value, reported or {"reported_malicious_by": event.module}) if shape_of(value) == kind.entity else None
    if event.code in OPEN_PORTS:
        place = endpoint(first)
        return (place[0], {}) if place and is_address(place[0]) else None
    if kind.entity == "vulnerability":
        number = _CVE.search(data)
        severity = event.code.rpartition("_")[2].casefold() if "CVE_" in event.code else None
        return (number[0].upper(), {"severity": severity}) if number else None
    if kind.entity == "social_profile":
        address = _URL.search(data)
        site = _SITE.match(first)
        return (address[0], {"site": site[1].strip() if site else None}) if address else None
    if kind.entity == "email":
        mailbox, _, breach = first.partition(" [")
        return mailbox.strip(), {"breach": breach.rstrip("]") or None}
    if kind.entity == "software" and (len(first) > _LONGEST_NAME or first.startswith(("{", "[", "<"))):
        return None
    return first, {}


def _relate(builder: FactBuilder, record: int, event: _Event, kind: Kind, target: tuple[str, str, str | None]) -> None:
    if not event.source:
        return
    source = event.source.partition("\n")[0].strip()
    place = endpoint(source)
    shape = shape_of(source)
    if place and shape_of(place[0]) in {"domain", "ip_address"}:
        source, shape = place[0], shape_of(place[0])
    wanted, relation, inverse = kind.sources, kind.relation, kind.inverse
    if event.code in {"AFFILIATE_INTERNET_NAME", "INTERNET_NAME"} and shape == "ip_address":
        wanted, relation, inverse = frozenset({"ip_address"}), None, "RESOLVES_TO"
    if shape is None or shape not in wanted or (shape, source.casefold()) == (target[0], target[1].casefold()):
        return
    if inverse == "SUBDOMAIN_OF" and not target[1].casefold().endswith(f".{source.casefold()}"):
        return
    origin = (shape, source, None)
    builder.mention(record, *origin, confidence=kind.confidence, method=event.module[:60], **event.seen)
    ends = (origin, relation, target) if relation else (target, inverse or "ASSOCIATED_WITH", origin)
    details = {"port": place[1]} if place and shape in {"domain", "ip_address"} else None
    builder.link(record, *ends, confidence=kind.confidence, properties=details, **event.seen)
