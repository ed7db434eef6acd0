"""Holehe: at which services an e-mail address is registered, in its CSV, its console output and the documented JSON.

The writer was read in megadose/holehe as of 1.58 (columns name, rateLimit, exists, emailrecovery, phoneNumber, others)
and 1.61 (domain, method and frequent_rate_limit added; modules that crash give `error`). The CSV does not hold the
address searched for: it is in the file's name (`holehe_<unix seconds>_<address>_results.csv`), together with the time
of the search, which is the one time stated and so the time the registration was seen. A file named by the address alone
still serves; otherwise the rows are rejected, to be read again under a name that tells whose they are.

What a row stands for. Where it names a domain (CSV, console, or a JSON service whose name is a domain), the address is
REGISTERED_WITH that domain. Where it names a service, the address is REGISTERED_WITH the organization of that name,
discriminated as `service:<name in lower case, letters and digits only>`. Where it names both, the organization also
OWNS the domain. So a CSV row "twitter, twitter.com" meets the JSON row "Twitter" in the organization and the console
row "twitter.com" in the domain, and no domain is invented for a bare name.

Rows that are rate limited, failed or negative are kept without a registration. Masked recovery addresses and numbers
are fragments: properties of the registration, never entities.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from clew.ingest.facts import FactBuilder, Facts
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.csv_table import csv_columns, read_csv
from clew.ingest.sources.holehe_text import looks_like_text, read_text
from clew.ingest.sources.json_reports import JsonReport, read_json_reports, settle_fault, settle_rowless
from clew.ingest.sources.plain_text import first_byte
from clew.ingest.sources.result_rows import (
    RefusedRowError,
    ResultRow,
    optional_text,
    required_text,
    settle,
    warn_of_count,
    wrong_type,
)

CONFIDENCE: Final = {
    "recovered": 0.9,  # the service answered with fragments of the account's own address or number
    "register": 0.7,  # the sign-up form said the address is taken
    "login": 0.7,  # the sign-in form knew the address
    "other": 0.6,  # other or unstated ways
    "often_limited": 0.5,  # Holehe itself says the service is quick to refuse it, which looks like an answer
}
_COLUMNS: Final = frozenset({"name", "ratelimit", "exists", "emailrecovery"})
_COPY: Final = r"(?: ?\(\d{1,3}\))?"  # what browsers and file managers add to a second copy's name
_NAMED_FILE: Final = re.compile(rf"holehe_(?:(\d{{10}})_)?(.+@.+)_results{_COPY}\.csv", re.IGNORECASE)
_ADDRESS_FILE: Final = re.compile(rf"([^\s@]+@[^\s@]+?\.[^\s@]+?){_COPY}\.(?:csv|txt|log)", re.IGNORECASE)
_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.IGNORECASE)
_BOOLEANS: Final = {"true": True, "false": False, "": None, "none": None}


@dataclass(frozen=True, slots=True)
class _Search:
    """Whose address was searched for, and when."""

    email: str | None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Service:
    """What a report says of one service. `used` is None where it could not be told."""

    name: str | None
    domain: str | None
    used: bool | None
    method: str | None = None
    often_limited: bool = False
    fragments: dict[str, str | None] = field(default_factory=dict)


class HoleheSource:
    """Reads Holehe's reports; see the module's docstring for versions and meaning."""

    name: ClassVar[str] = "holehe"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = (
        "Holehe 1.58–1.61: CSV, console output; documented JSON. Time: unix seconds in the file name."
    )
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By content: its column names, its boxed address with marked rows, or JSON `services` that `exists`."""
        for variant, confidence in (
            ("json", _json_confidence(sample)),
            ("csv", 0.95 if csv_columns(sample.head) >= _COLUMNS else 0.0),
            ("text", looks_like_text(sample)),
        ):
            if confidence:
                return Recognition(confidence, Framing.DOCUMENT, variant)
        return None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """Facts of a whole report. Each service row is one record."""
        data = b"\n".join(batch.records)
        builder = FactBuilder()
        match context.variant or _variant(data):
            case "json":
                _read_json(builder, data)
            case "csv":
                _read_csv(builder, data, _search_of_file(context))
            case _:
                _read_text(builder, data, _search_of_file(context))
        return builder.facts()


def _json_confidence(sample: Sample) -> float:
    report = next(read_json_reports(sample.head, "services"), None)
    if report is None or report.rows is None:
        return 0.0
    rows = [row.values for row in report.rows if row.fault is None]
    if rows:
        of_services = {"name", "exists"} <= rows[0].keys()
        return (0.95 if "email" in report.head else 0.7) if of_services else 0.0
    return 0.8 if {"email", "found"} <= report.head.keys() else 0.0


def _variant(data: bytes) -> str:
    if first_byte(data) in (b"{", b"["):
        return "json"
    return "csv" if {"name", "exists"} <= csv_columns(data) else "text"


def _search_of_file(context: ReadContext) -> _Search:
    named = _NAMED_FILE.fullmatch(context.file_name)
    if named:
        searched_at = datetime.fromtimestamp(int(named[1]), UTC) if named[1] else None
        return _Search(context.options.get("email", named[2]), searched_at)
    by_address = _ADDRESS_FILE.fullmatch(context.file_name)
    return _Search(context.options.get("email", by_address[1] if by_address else None))


def _read_json(builder: FactBuilder, data: bytes) -> None:
    record = 0
    for report in read_json_reports(data, "services"):
        if report.rows is None:
            record = settle_rowless(builder, report, "services", record)
            continue
        used = 0

        def keep(number: int, row: ResultRow, report: JsonReport = report) -> None:
            nonlocal used
            email = required_text(ResultRow(row.line, report.head, row.raw), "email")
            name = required_text(row, "name")
            domain = name if _DOMAIN.fullmatch(name) else optional_text(row, "domain")
            used += _flag(row, "exists", required=True) is True
            service = _service(row, None if domain == name else name, domain)
            _add(builder, number, row.line, _Search(email), service, {**row.values, "email": email})

        record = settle(builder, report.rows, keep, first_record=record)
        record = settle_fault(builder, report, record, kept=bool(report.rows))
        warn_of_count(builder, report.head.get("found"), used, "services that know the address")


def _read_csv(builder: FactBuilder, data: bytes, search: _Search) -> None:
    table = read_csv(data)
    missing = {"name", "exists"}.difference(table.columns)

    def keep(record: int, row: ResultRow) -> None:
        if missing:
            raise RefusedRowError("missing_field", f"line {row.line}: no column {', '.join(sorted(missing))}")
        service = _service(row, required_text(row, "name"), optional_text(row, "domain"))
        content = {key: value for key, value in row.values.items() if value}
        _add(builder, record, row.line, search, service, content)

    settle(builder, table.rows, keep)


def _read_text(builder: FactBuilder, data: bytes, search: _Search) -> None:
    report = read_text(data)

    def keep(record: int, row: ResultRow) -> None:
        email = optional_text(row, "email") or search.email
        service = _service(row, None, required_text(row, "domain"))
        content = {key: value for key, value in row.values.items() if value is not None}
        _add(builder, record, row.line, _Search(email), service, content)

    settle(builder, report.rows, keep)
    for stated, rows in report.checked:
        warn_of_count(builder, stated, rows, "services checked")


def _service(row: ResultRow, name: str | None, domain: str | None) -> _Service:
    """The row's verdict. A rate limit or an error overrides `exists`, which Holehe then sets without knowing."""
    exists = _flag(row, "exists")
    undetermined = _flag(row, "ratelimit", "rateLimit") or _flag(row, "error")
    return _Service(
        name=name,
        domain=domain,
        used=None if undetermined else exists,
        method=optional_text(row, "method"),
        often_limited=_flag(row, "frequent_rate_limit") is True,
        fragments={
            "email_recovery": _fragment(row, "emailrecovery"),
            "phone_number": _fragment(row, "phonenumber", "phoneNumber"),
            "others": _fragment(row, "others"),
        },
    )


def _flag(row: ResultRow, *keys: str, required: bool = False) -> bool | None:
    key = next((key for key in keys if key in row.values), keys[0])
    if required and key not in row.values:
        raise RefusedRowError("missing_field", f"line {row.line}: no {key!r}")
    value = row.values.get(key)
    if isinstance(value, str) and value.strip().casefold() in _BOOLEANS:
        value = _BOOLEANS[value.strip().casefold()]
    if value is not None and not isinstance(value, bool):
        raise wrong_type(row.line, key, "true or false", value)
    return value


def _fragment(row: ResultRow, *keys: str) -> str | None:
    value = next((row.values[key] for key in keys if row.values.get(key)), None)
    return str(value).strip() if isinstance(value, str | int | dict | list) and value != "None" else None


def _add(
    builder: FactBuilder, record: int, line: int, search: _Search, service: _Service, content: dict[str, Any]
) -> None:
    if not search.email:
        raise RefusedRowError(
            "missing_subject",
            f"line {line}: the address searched for is not in the file's name; name it "
            "holehe_<unix seconds>_<address>_results.csv and read it again",
        )
    builder.record(record, line, {**content, "email": search.email})
    builder.mention(
        record, "email", search.email, required=True, confidence=0.9, first_seen=search.at, method="search_address"
    )
    if service.used:
        _add_registration(builder, record, search, service)


def _add_registration(builder: FactBuilder, record: int, search: _Search, service: _Service) -> None:
    confidence = _confidence(service)
    ends: list[tuple[str, str, str | None]] = []
    if service.name:
        slug = "".join(character for character in service.name.casefold() if character.isalnum())
        ends.append(("organization", service.name, f"service:{slug}"))
    if service.domain:
        ends.append(("domain", service.domain, None))
    properties = {"method": service.method, **service.fragments}
    for end in ends:
        builder.mention(
            record, end[0], end[1], end[2], confidence=confidence, first_seen=search.at, method="service_check"
        )
        builder.link(
            record,
            ("email", search.email or ""),
            "REGISTERED_WITH",
            end,
            confidence=confidence,
            first_seen=search.at,
            properties=properties,
        )
    if len(ends) == 2:
        builder.link(record, ends[0], "OWNS", ends[1], confidence=0.6, first_seen=search.at)


def _confidence(service: _Service) -> float:
    if service.fragments.get("email_recovery") or service.fragments.get("phone_number"):
        return CONFIDENCE["recovered"]
    if service.often_limited:
        return CONFIDENCE["often_limited"]
    return CONFIDENCE.get(service.method or "", CONFIDENCE["other"])
