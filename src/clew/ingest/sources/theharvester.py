"""theHarvester: e-mail addresses, hosts, addresses, networks and accounts found by searching for a domain.

The writers were read in laramies/theHarvester, `theHarvester/__main__.py`, as of 3.1 (XML only: email, host, vhost with
ip and hostname in each other's place, shodan and servers), of 4.0 (JSON beside the XML: only lists that are not empty,
no command) and of 4.4 and later (JSON and XML with the command line; `hosts` and `shodan` always there, people,
takeover_results), and `lib/completed_result.py` of the development after 4.10, which writes JSON lines: a summary
(target, times, counts) and then a line for each result (type, value, sources, actions and more for some types).

Each item of a list, and each element of the XML, is one record. theHarvester does not escape its XML before 4.8, so an
item with "&" or "<" is damaged and rejected alone. Hosts come from search engines and passive sources and are believed
little; one with an address was resolved and is believed more. Names of people are kept as records only: a name
identifies nobody. Shodan's rows in JSON tell no address and are kept as records. Only JSON lines state times: of the
whole search.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, NoReturn

from clew.ingest.facts import FactBuilder, Facts
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.harvester_items import HostItem, pair, read_host, target_of
from clew.ingest.sources.json_fields import text_of, utc_time_of
from clew.ingest.sources.json_line_rows import json_line_rows, sampled_objects
from clew.ingest.sources.json_reports import read_json_reports
from clew.ingest.sources.parent_domain import ParentDomains
from clew.ingest.sources.plain_text import decode_text, first_byte
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow, required_text, settle, wrong_type
from clew.ingest.sources.value_shapes import is_address, shape_of
from clew.ingest.sources.xml_records import Element, XmlReport, read_xml, settle_xml, xml_root

CONFIDENCE: Final = {
    "reported": 0.5,  # a search engine or a passive source named it
    "resolved": 0.75,  # theHarvester resolved it
    "target": 0.4,  # found while searching for a domain: the two have something to do with each other
    "takeover": 0.5,
}
_NO_ROWS: Final = "\0"  # a member no report has: all members are then read as the head
_SUMMARY: Final = frozenset({"target", "run_id", "result_count", "counts"})
_LINE_LISTS: Final = {
    "email": "emails",
    "ip": "ips",
    "shodan-host": "ips",
    "asn": "asns",
    "url": "interesting_urls",
}
"""Types of results in JSON lines, by the list that holds the same in JSON; the others are kept as records."""
_TEXT_LISTS: Final = {
    "emails": "email",
    "ips": "ip_address",
    "asns": "asn",
    "interesting_urls": "url",
    "trello_urls": "url",
}
_HOST_LISTS: Final = frozenset({"hosts", "vhosts"})
_ACCOUNT_LISTS: Final = {"twitter_people": "x", "linkedin_links": "linkedin"}
_KEPT_LISTS: Final = frozenset({"linkedin_people", "people", "shodan", "takeover_results"})
_LISTS: Final = frozenset(_TEXT_LISTS) | _HOST_LISTS | frozenset(_ACCOUNT_LISTS) | _KEPT_LISTS
_ELEMENTS: Final = ("email", "host", "vhost", "shodan", "servers")


@dataclass(slots=True)
class _Reading:
    """What one report's items share."""

    builder: FactBuilder
    target: str | None
    parents: ParentDomains = field(default_factory=ParentDomains)
    seen: dict[str, Any] = field(default_factory=dict)


class TheHarvesterSource:
    """Reads theHarvester's reports; see the module's docstring for versions and meaning."""

    name: ClassVar[str] = "theharvester"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = "theHarvester 3.x XML, 4.x XML, JSON, JSON lines (-f). Times: the search's, in JSON lines."
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By its root element, or by the names of its lists."""
        root = xml_root(sample.head)
        if root is not None:
            return Recognition(0.95, Framing.DOCUMENT, "xml") if root.tag == "theHarvester" else None
        first = next(iter(sampled_objects(sample.head.splitlines()[:1])), {})
        if first.get("type") == "summary" and first.keys() >= _SUMMARY:
            return Recognition(0.95, Framing.DOCUMENT, "json-lines")
        confidence = _json_confidence(sample)
        return Recognition(confidence, Framing.DOCUMENT, "json") if confidence else None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """Facts of a whole report. Each item is one record."""
        builder = FactBuilder()
        data = b"\n".join(batch.records)
        variant = context.variant or ("xml" if first_byte(data) == b"<" else "json")
        if variant == "json-lines":
            _read_lines(builder, data)
        elif variant == "xml":
            record = 0
            for report in read_xml(data, "theHarvester", _ELEMENTS, ("cmd",)):
                record = _read_xml(builder, report, record)
        else:
            _read_json(builder, data)
        return builder.facts()


def _json_confidence(sample: Sample) -> float:
    if first_byte(sample.head) != b"{":
        return 0.0
    report = next(read_json_reports(sample.head, _NO_ROWS), None)
    if report is None or not report.lines or not report.lines.keys() <= _LISTS | {"cmd"}:
        return 0.0
    lists = [value for key, value in report.head.items() if key in _TEXT_LISTS or key in _HOST_LISTS]
    if not all(isinstance(value, list) and all(isinstance(item, str) for item in value) for value in lists):
        return 0.0
    if "cmd" in report.lines:
        return 0.9 if isinstance(report.head.get("cmd", ""), str) and len(report.lines) > 1 else 0.0
    return 0.7 if len(report.lines) > 1 and "hosts" in report.lines else 0.0


def _read_json(builder: FactBuilder, data: bytes) -> None:
    text = decode_text(data)
    if not text.strip():
        return
    try:
        report = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        place = f"line {error.lineno}, column {error.colno}: " if isinstance(error, json.JSONDecodeError) else ""
        message = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply or no JSON"
        builder.reject(0, 1, "invalid_json", f"{place}{message}; the report is one JSON value and cannot be read", data)
        return
    if not isinstance(report, dict):
        builder.reject(0, 1, "wrong_type", f"line 1: an object is expected, not {type(report).__name__}", data)
        return
    command = report.get("cmd")
    reading = _Reading(builder, target_of(command) if isinstance(command, str) else None)

    def keep(record: int, row: ResultRow) -> None:
        _add_item(reading, record, row)

    settle(builder, _items(report), keep)


def _read_lines(builder: FactBuilder, data: bytes) -> None:
    """The summary is about the lines, and no record; a file whose first line is cut off is read without it."""
    lines = data.splitlines()
    rows = list(json_line_rows(RecordBatch(lines, list(range(1, len(lines) + 1)), 0)))
    rows = [row for row in rows if row.raw.strip()]
    summary = rows.pop(0).values if rows and rows[0].values.get("type") == "summary" else {}
    target = text_of(summary, "target")
    seen = {"first_seen": utc_time_of(summary, "started_at"), "last_seen": utc_time_of(summary, "completed_at")}
    reading = _Reading(builder, target if target and shape_of(target) == "domain" else None, seen=seen)

    def keep(record: int, row: ResultRow) -> None:
        _add_line(reading, record, row)

    settle(builder, iter(rows), keep)


def _add_line(reading: _Reading, record: int, row: ResultRow) -> None:
    kind, value = required_text(row, "type"), required_text(row, "value").strip()
    content = {**row.values, **({"target": reading.target} if reading.target else {})}
    host = HostItem(value, ()) if kind in {"hostname", "takeover"} and shape_of(value) == "domain" else None
    if kind == "hostname" and host is None:
        raise RefusedRowError("invalid_domain", f"line {row.line}: {value[:80]!r} is no host")
    if kind in {"ip", "shodan-host"} and not is_address(value):
        raise RefusedRowError("invalid_ip_address", f"line {row.line}: {value[:80]!r} is no address")
    reading.builder.record(record, row.line, content)
    if host is not None:
        _add_host(reading, record, host)
    elif kind in _LINE_LISTS:
        _add_value(reading, record, _LINE_LISTS[kind], value)
    else:
        _add_target(reading, record)


def _items(report: dict[str, Any]) -> Iterator[ResultRow]:
    """A row for each item of each list; what is no list is an item that is refused."""
    for key, value in report.items():
        if key == "cmd":
            continue
        items = list(value.items()) if key == "takeover_results" and isinstance(value, dict) else value
        if not isinstance(items, list):
            yield _item(key, value, wrong_type(1, key, "an array", value))
            continue
        for item in items:
            yield _item(key, item, None if key in _LISTS else RefusedRowError("unknown_list", f"line 1: {key[:80]!r}"))


def _item(key: str, value: object, fault: RefusedRowError | None) -> ResultRow:
    try:
        raw = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        raw, fault = b"", RefusedRowError("invalid_json", f"an item of {key[:80]!r} cannot be written again")
    return ResultRow(1, {"list": key, "value": value}, raw, fault)


def _add_item(reading: _Reading, record: int, row: ResultRow) -> None:
    key, value = row.values["list"], row.values["value"]
    content = {"list": key, "value": value, **({"target": reading.target} if reading.target else {})}
    if key in _KEPT_LISTS:
        reading.builder.record(record, row.line, content)
        _add_target(reading, record)
        return
    if not isinstance(value, str):
        raise wrong_type(row.line, key, "an array of texts", value)
    if not value.strip():
        raise RefusedRowError("missing_field", f"line {row.line}: an empty item of {key!r}")
    if key in _HOST_LISTS:
        item = read_host(value)
        if item is None:
            raise RefusedRowError("invalid_domain", f"line {row.line}: {value[:80]!r} is no host")
        reading.builder.record(record, row.line, content)
        _add_host(reading, record, item)
    else:
        reading.builder.record(record, row.line, content)
        _add_value(reading, record, key, value.strip())


def _add_value(reading: _Reading, record: int, key: str, value: str) -> None:
    builder = reading.builder
    kind, qualifier = _TEXT_LISTS.get(key), None
    if kind is None:
        kind, qualifier = "social_profile", _ACCOUNT_LISTS[key]
    builder.mention(
        record,
        kind,
        value,
        qualifier,
        required=True,
        confidence=CONFIDENCE["reported"],
        method="passive_search",
        **reading.seen,
    )
    if _add_target(reading, record) and kind in {"email", "social_profile"}:
        _associate(reading, record, (kind, value, qualifier))


def _add_host(reading: _Reading, record: int, item: HostItem) -> None:
    confidence = CONFIDENCE["resolved" if item.host and item.addresses else "reported"]
    said: dict[str, Any] = {"confidence": confidence, **reading.seen}
    host = item.host.removeprefix("*.") if item.host else None
    if host:
        _add_name(reading, record, host, said)
    for address in item.addresses:
        reading.builder.mention(record, "ip_address", address, required=host is None, method="dns_resolution", **said)
        if host:
            reading.builder.link(record, ("domain", host), "RESOLVES_TO", ("ip_address", address), **said)


def _add_name(reading: _Reading, record: int, host: str, said: dict[str, Any]) -> None:
    reading.builder.mention(record, "domain", host, required=True, method="passive_dns", **said)
    parent = reading.parents.parent(host, reading.target)
    if parent:
        reading.builder.mention(record, "domain", parent, method="searched_domain", **said)
        reading.builder.link(record, ("domain", host), "SUBDOMAIN_OF", ("domain", parent), **said)


def _add_target(reading: _Reading, record: int) -> bool:
    if reading.target is None:
        return False
    reading.builder.mention(
        record,
        "domain",
        reading.target,
        confidence=CONFIDENCE["reported"],
        method="searched_domain",
        **reading.seen,
    )
    return True


def _associate(reading: _Reading, record: int, found: tuple[str, str, str | None]) -> None:
    reading.builder.link(
        record,
        found,
        "ASSOCIATED_WITH",
        ("domain", reading.target or ""),
        confidence=CONFIDENCE["target"],
        **reading.seen,
    )


def _read_xml(builder: FactBuilder, report: XmlReport, record: int) -> int:
    command = next((element.text for element in report.others), "")
    reading = _Reading(builder, target_of(command))

    def keep(number: int, line: int, element: Element) -> None:
        _add_element(reading, number, line, element)

    return settle_xml(builder, report, keep, first_record=record)


def _add_element(reading: _Reading, record: int, line: int, element: Element) -> None:
    content: dict[str, Any] = {"list": element.tag, **{child.tag: child.text.strip() for child in element.children}}
    if element.text.strip():
        content["value"] = element.text.strip()
    if reading.target:
        content["target"] = reading.target
    match element.tag:
        case "email":
            address = element.text.strip()
            if shape_of(address) != "email":
                raise RefusedRowError("invalid_email", f"line {line}: {address[:80]!r} is no e-mail address")
            reading.builder.record(record, line, content)
            _add_value(reading, record, "emails", address)
        case "host" | "vhost":
            named = pair(element.first("ip").text, element.first("hostname").text)
            item = named if element.children else read_host(element.text)
            if item is None:
                raise RefusedRowError("invalid_domain", f"line {line}: the <{element.tag}> names no host")
            reading.builder.record(record, line, content)
            _add_host(reading, record, item)
        case "shodan":
            _add_shodan(reading, record, line, element, content)
        case _:
            content["servers"] = [server.text.strip() for server in element.all("server")]
            content.pop("server", None)
            reading.builder.record(record, line, content)
            _add_servers(reading, record, content["servers"])


def _add_shodan(reading: _Reading, record: int, line: int, element: Element, content: dict[str, Any]) -> None:
    address, port = element.first("host").text.strip(), element.first("port").text.strip()
    if not is_address(address):
        raise RefusedRowError("invalid_ip_address", f"line {line}: {address[:80]!r} is no address")
    reading.builder.record(record, line, content)
    reading.builder.mention(
        record,
        "ip_address",
        address,
        required=True,
        confidence=CONFIDENCE["resolved"],
        properties={"open_ports": [f"{port}/tcp"]} if port.isdecimal() and len(port) <= 5 else None,
        method="shodan",
    )


def _add_servers(reading: _Reading, record: int, servers: list[str]) -> None:
    """Lines such as "192.0.2.1:Server: nginx"."""
    for server in dict.fromkeys(servers):
        address, _, banner = server.partition(":Server:")
        if is_address(address.strip()) and banner.strip():
            used = ("software", banner.strip())
            reading.builder.mention(
                record, "ip_address", address.strip(), confidence=CONFIDENCE["resolved"], method="shodan"
            )
            reading.builder.mention(record, *used, confidence=CONFIDENCE["reported"], method="banner")
            reading.builder.link(
                record, ("ip_address", address.strip()), "USES", used, confidence=CONFIDENCE["reported"]
            )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
