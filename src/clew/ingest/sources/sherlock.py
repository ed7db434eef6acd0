"""Sherlock: on which sites a handle has an account, in the text, CSV, XLSX and console output and the documented JSON.

The writers were read in sherlock-project/sherlock as of 0.9 (`sherlock.py`: "Total Websites : N", `response_time_ms`,
yes/no/error), 0.14 (`sherlock/`: "Total Websites Username Detected On : N", Claimed/Available/Unknown/Illegal) and
0.15–0.16 (`sherlock_project/`: text only with --txt, --xlsx with =HYPERLINK(...) cells, the WAF status; --print-found
leaves all but claimed sites out of CSV and XLSX). Maigret's CSV has the same columns but no response time, and is not
claimed here.

`Claimed` is a guess: sites that tell accounts by a message or by a redirect are claimed whatever the HTTP status, so a
site that blocks robots (403, 429) or is broken counts as a find. CONFIDENCE says how far each answer is believed.

A site row that was found gives username HAS_ACCOUNT social_profile; the address is a property of the profile, not an
entity, since each would stand for exactly one profile. Other rows are kept as records with the handle alone. Platforms
are folded to lower case; text output has none, so there they come from the address (see sherlock_text).
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from clew.ingest.facts import FactBuilder, Facts
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.csv_table import csv_columns, read_csv
from clew.ingest.sources.json_reports import JsonReport, read_json_reports, settle_fault, settle_rowless
from clew.ingest.sources.plain_text import first_byte
from clew.ingest.sources.result_rows import (
    RefusedRowError,
    ResultRow,
    Table,
    optional_text,
    required_text,
    settle,
    warn_of_count,
    wrong_type,
)
from clew.ingest.sources.sherlock_text import TextReport, looks_like_text, read_text
from clew.ingest.sources.xlsx_table import is_workbook, read_xlsx

CONFIDENCE: Final = {
    "unstated": 0.5,  # text and JSON carry no HTTP status: Sherlock's word alone
    "success": 0.7,  # 2xx: the page was served
    "redirect": 0.4,  # 3xx: many sites send unknown handles to a start or sign-in page
    "refused": 0.2,  # 401, 403, 429: the site answered the robot, not the question
    "failure": 0.3,  # other 4xx and 5xx: most often "no such user" in words Sherlock did not know
    "unanswered": 0.2,  # "?": no answer came at all
}
_REFUSED: Final = frozenset({401, 403, 429})
_FOUND: Final = frozenset({"claimed", "found", "yes"})
_COLUMNS: Final = frozenset({"username", "name", "url_user", "exists"})
_TIMES: Final = ("response_time_s", "response_time_ms")
_HYPERLINK: Final = re.compile(r'=HYPERLINK\("((?:[^"]|"")*)"(?:[,;].*)?\)', re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Site:
    """What a report says of one site. `status` is the tool's own word."""

    username: str
    platform: str
    status: str
    url: str | None = None
    http_status: int | str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    content: dict[str, Any] = field(default_factory=dict)

    @property
    def found(self) -> bool:
        return self.status.casefold() in _FOUND


class SherlockSource:
    """Reads Sherlock's reports; see the module's docstring for versions and meaning."""

    name: ClassVar[str] = "sherlock"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = "Sherlock 0.9–0.16: text, CSV, XLSX, console output; documented JSON. States no times."
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By content: named columns, the total line, the console's start line, or JSON `results` of platforms."""
        for variant, confidence in (
            ("xlsx", _xlsx_confidence(sample)),
            ("json", _json_confidence(sample)),
            ("csv", _csv_confidence(sample)),
            ("text", looks_like_text(sample)),
        ):
            if confidence:
                return Recognition(confidence, Framing.DOCUMENT, variant)
        return None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """Facts of a whole report. Each site row is one record."""
        data = b"\n".join(batch.records)
        builder = FactBuilder()
        match context.variant or _variant(data):
            case "json":
                _read_json(builder, data)
            case "csv":
                _read_table(builder, read_csv(data))
            case "xlsx":
                _read_workbook(builder, data)
            case _:
                _read_text(builder, read_text(data, context.options.get("username"), context.file_name))
        return builder.facts()


def _xlsx_confidence(sample: Sample) -> float:
    if not (is_workbook(sample.head) and sample.complete):
        return 0.0
    try:
        return 0.95 if _is_sherlock_table(read_xlsx(sample.head).columns) else 0.0
    except RefusedRowError:
        return 0.0


def _json_confidence(sample: Sample) -> float:
    report = next(read_json_reports(sample.head, "results"), None)
    if report is None or report.rows is None:
        return 0.0
    rows = [row.values for row in report.rows if row.fault is None]
    if rows:
        of_sites = {"platform", "status"} <= rows[0].keys()
        return (0.95 if "username" in report.head else 0.8) if of_sites else 0.0
    return 0.8 if {"username", "total_found"} <= report.head.keys() else 0.0


def _csv_confidence(sample: Sample) -> float:
    return 0.95 if _is_sherlock_table(csv_columns(sample.head)) else 0.0


def _is_sherlock_table(columns: Iterable[str]) -> bool:
    present = frozenset(columns)
    return present >= _COLUMNS and not present.isdisjoint(_TIMES)


def _variant(data: bytes) -> str:
    if is_workbook(data):
        return "xlsx"
    if first_byte(data) in (b"{", b"["):
        return "json"
    return "csv" if csv_columns(data) >= _COLUMNS else "text"


def _read_json(builder: FactBuilder, data: bytes) -> None:
    record = 0
    for report in read_json_reports(data, "results"):
        if report.rows is None:
            record = settle_rowless(builder, report, "results", record)
            continue
        found = 0

        def keep(number: int, row: ResultRow, report: JsonReport = report) -> None:
            nonlocal found
            site = _json_site(report, row)
            _add(builder, number, row.line, site)
            found += site.found

        record = settle(builder, report.rows, keep, first_record=record)
        record = settle_fault(builder, report, record, kept=bool(report.rows))
        warn_of_count(builder, report.head.get("total_found"), found, "accounts found")


def _json_site(report: JsonReport, row: ResultRow) -> _Site:
    username = required_text(ResultRow(row.line, report.head, row.raw), "username")
    return _Site(
        username=username,
        platform=required_text(row, "platform"),
        status=required_text(row, "status"),
        url=optional_text(row, "url"),
        content={**row.values, "username": username},
    )


def _read_workbook(builder: FactBuilder, data: bytes) -> None:
    try:
        table = read_xlsx(data)
    except RefusedRowError as refusal:
        builder.reject(0, 1, refusal.reason, refusal.detail, data)
        return
    _read_table(builder, table)


def _read_table(builder: FactBuilder, table: Table) -> None:
    missing = _COLUMNS.difference(table.columns)

    def keep(record: int, row: ResultRow) -> None:
        if missing:
            raise RefusedRowError("missing_field", f"line {row.line}: no column {', '.join(sorted(missing))}")
        _add(builder, record, row.line, _table_site(row))

    settle(builder, table.rows, keep)


def _table_site(row: ResultRow) -> _Site:
    username = required_text(_as_text(row, "username"), "username")
    platform, status = required_text(_as_text(row, "name"), "name"), required_text(row, "exists")
    url, url_main = _address(row, "url_user"), _address(row, "url_main")
    http_status = _http_status(row.values.get("http_status"))
    content = {
        "username": username,
        "platform": platform,
        "url": url,
        "url_main": url_main,
        "status": status,
        "http_status": http_status,
        **{key: _number(row, key) for key in _TIMES},
    }
    return _Site(
        username=username,
        platform=platform,
        status=status,
        url=url,
        http_status=http_status,
        properties={"http_status": http_status, "site_url": url_main},
        content={key: value for key, value in content.items() if value is not None},
    )


def _as_text(row: ResultRow, key: str) -> ResultRow:
    """A spreadsheet stores the handle "12345" as a number; it is a handle all the same."""
    value = row.values.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return row
    return ResultRow(row.line, {key: f"{value:.0f}" if math.isfinite(value) else str(value)}, row.raw)


def _address(row: ResultRow, key: str) -> str | None:
    text = optional_text(row, key)
    formula = _HYPERLINK.fullmatch(text) if text else None
    return (formula[1].replace('""', '"').strip() or None) if formula else text


def _http_status(value: object) -> int | str | None:
    """The status as a number; "?" where Sherlock got no answer; None where it did not ask."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float) and math.isfinite(value):
        return int(value)
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else text or None


def _number(row: ResultRow, key: str) -> float | None:
    value = row.values.get(key)
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise wrong_type(row.line, key, "a number", value) from error


def _read_text(builder: FactBuilder, report: TextReport) -> None:
    found: dict[int, int] = {}

    def keep(record: int, row: ResultRow) -> None:
        site = _text_site(row)
        _add(builder, record, row.line, site)
        section = row.values["section"]
        found[section] = found.get(section, 0) + site.found

    settle(builder, report.rows, keep)
    for sections, total in report.totals:
        warn_of_count(builder, total, sum(found.get(section, 0) for section in sections), "accounts found")
    for warning in report.warnings:
        builder.warn(warning)


def _text_site(row: ResultRow) -> _Site:
    username = row.values.get("username")
    if not username:
        raise RefusedRowError(
            "missing_subject", f"line {row.line}: neither the file name nor the addresses tell the handle searched for"
        )
    content = {key: row.values.get(key) for key in ("username", "platform", "url", "status", "context")}
    return _Site(
        username=username,
        platform=required_text(row, "platform"),
        status=required_text(row, "status"),
        url=optional_text(row, "url"),
        content={key: value for key, value in content.items() if value is not None},
    )


def _add(builder: FactBuilder, record: int, line: int, site: _Site) -> None:
    builder.record(record, line, site.content)
    builder.mention(record, "username", site.username, required=True, confidence=0.9, method="search_handle")
    if not site.found:
        return
    platform = " ".join(site.platform.split()).casefold()
    confidence = _confidence(site.http_status)
    builder.mention(
        record,
        "social_profile",
        site.username,
        platform,
        required=True,
        confidence=confidence,
        properties={"url": site.url, **site.properties},
        method="site_check",
    )
    builder.link(
        record,
        ("username", site.username),
        "HAS_ACCOUNT",
        ("social_profile", site.username, platform),
        confidence=confidence,
    )


def _confidence(http_status: int | str | None) -> float:
    match http_status:
        case None:
            return CONFIDENCE["unstated"]
        case int() if 200 <= http_status < 300:
            return CONFIDENCE["success"]
        case int() if 300 <= http_status < 400:
            return CONFIDENCE["redirect"]
        case int() if http_status in _REFUSED:
            return CONFIDENCE["refused"]
        case int():
            return CONFIDENCE["failure"]
        case _:
            return CONFIDENCE["unanswered"]
