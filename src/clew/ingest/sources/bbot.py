"""BBOT: the events of a scan, one JSON object a line (output.json of 1.x, output.ndjson and output.json of 2.x).

The writer was read in blacklanternsecurity/bbot, `bbot/core/event/base.py` (BaseEvent.json), as of 1.x (`source` is
the parent's id, timestamp in unix seconds), 2.x (`parent`, uuid, netloc, host, dns_children, discovery_context;
timestamp in ISO 8601, without a zone in UTC) and the latest (`data_json` for what is an object, unix seconds again, a
URL as an object). The siem_friendly option of 1.x and 2.x puts `data` under the event's type.

Each event is one record; page bodies, raw headers and file contents are left out of it, the file itself is kept.
`host` with `resolved_hosts` gives resolutions. A name that resolved and a URL that was visited are believed more than
those only heard of; nothing else says how sure BBOT is. Findings become vulnerabilities where they name a CVE.
SCAN, FINISHED and types that identify nothing are kept as records only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from clew.ingest.facts import FactBuilder, Facts
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.epoch_times import read_epoch
from clew.ingest.sources.json_line_rows import json_line_rows, sampled_objects
from clew.ingest.sources.parent_domain import ParentDomains
from clew.ingest.sources.plain_text import whole_lines
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow, optional_text, required_text, settle, wrong_type
from clew.ingest.sources.times import RecordTimes
from clew.ingest.sources.value_shapes import endpoint, is_address, shape_of

CONFIDENCE: Final = {
    "resolved": 0.85,  # a name with addresses, an address, an open port
    "verified": 0.85,  # a URL that answered
    "heard": 0.4,  # unresolved names, unvisited URLs, affiliates
    "stated": 0.6,  # technologies, accounts, addresses on pages
    "finding": 0.5,
    "vulnerability": 0.7,  # BBOT keeps this word for what it tested
}
_OMITTED: Final = frozenset({"body", "raw_header", "raw_body", "request", "blob", "response-body"})
_CVE: Final = re.compile(r"(?<![A-Za-z0-9])CVE-\d{4}-\d{4,7}(?!\d)", re.IGNORECASE)
_OPEN_PORTS: Final = {"OPEN_TCP_PORT": "tcp", "OPEN_UDP_PORT": "udp"}
_TEXT_HOSTS: Final = frozenset({"DNS_NAME", "DNS_NAME_UNRESOLVED", "IP_ADDRESS"})
_URLS: Final = frozenset({"URL", "URL_UNVERIFIED", "CODE_REPOSITORY", "STORAGE_BUCKET", "HTTP_RESPONSE"})
_TYPE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,60}")
_MOST: Final = 1000  # entities of one event


@dataclass(frozen=True, slots=True)
class _Event:
    kind: str
    text: str | None  # data that is a text
    fields: dict[str, Any]  # data that is an object
    host: str | None
    resolved: tuple[str, ...]
    tags: frozenset[str]
    module: str
    at: datetime | None

    @property
    def seen(self) -> dict[str, Any]:
        return {"first_seen": self.at, "last_seen": self.at}

    def field(self, name: str) -> str | None:
        value = self.fields.get(name)
        return value.strip() or None if isinstance(value, str) else None


_Found = tuple[str, str, str | None, float, dict[str, Any] | None]
"""Entity type, value, qualifier, confidence, properties."""


class BbotSource:
    """Reads BBOT's events; see the module's docstring for versions and meaning."""

    name: ClassVar[str] = "bbot"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = "BBOT 1.x–2.x and later: NDJSON events. Times: unix seconds or ISO 8601, naive ones as UTC."
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By lines that are events: type, id, data, scan and scope distance."""
        lines = whole_lines(sample.head, complete=sample.complete).removeprefix(b"\xef\xbb\xbf").splitlines()
        lines = [line for line in lines if line.strip()][:50]
        if not lines or not lines[0].lstrip().startswith(b"{"):
            return None
        fits = sum(map(_is_event, sampled_objects(lines)))
        return Recognition(0.95, Framing.LINES, "ndjson") if fits * 2 > len(lines) else None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """Facts of some lines. Each event is one record."""
        builder = FactBuilder()
        times, parents = RecordTimes(context.timezone), ParentDomains()

        def keep(record: int, row: ResultRow) -> None:
            event = _event(row, times)
            builder.record(record, row.line, _content(row.values))
            _add(builder, record, event, parents)

        settle(builder, json_line_rows(batch), keep, first_record=batch.first_record)
        warning = times.warning()
        if warning:
            builder.warn(warning)
        return builder.facts()


def _is_event(value: dict[str, object]) -> bool:
    kind, identifier = value.get("type"), value.get("id")
    if not isinstance(kind, str) or not isinstance(identifier, str) or not _TYPE.fullmatch(kind):
        return False
    return identifier.startswith(f"{kind}:") and ("data" in value or "data_json" in value) and "timestamp" in value


def _event(row: ResultRow, times: RecordTimes) -> _Event:
    kind = required_text(row, "type")
    if not _TYPE.fullmatch(kind):
        raise wrong_type(row.line, "type", "an event's type", kind)
    if row.values.get("data") is None and row.values.get("data_json") is None:
        raise RefusedRowError("missing_field", f"line {row.line}: no 'data'")
    data = row.values.get("data_json") if row.values.get("data") is None else row.values["data"]
    if isinstance(data, dict) and data.keys() == {kind}:
        data = data[kind]
    if not isinstance(data, str | dict | int | float | list):
        raise wrong_type(row.line, "data", "a text or an object", data)
    return _Event(
        kind,
        data.strip() if isinstance(data, str) else None,
        data if isinstance(data, dict) else {},
        optional_text(row, "host"),
        tuple(_texts(row.values.get("resolved_hosts")))[:_MOST],
        frozenset(_texts(row.values.get("tags"))),
        (optional_text(row, "module") or "bbot")[:60],
        _time(row, times),
    )


def _time(row: ResultRow, times: RecordTimes) -> datetime | None:
    stated = row.values.get("timestamp")
    if stated is None:
        return None
    try:
        at = read_epoch(stated) if isinstance(stated, int | float) else times.read(stated)
    except ValueError as error:
        raise RefusedRowError("invalid_timestamp", f"line {row.line}: {error}") from error
    if at is None:
        raise RefusedRowError("invalid_timestamp", f"line {row.line}: {stated!r:.80} is no moment of this time")
    return at


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str) and item.strip()] if isinstance(value, list) else []


def _content(values: dict[str, Any]) -> dict[str, Any]:
    """The event without page bodies and file contents; how long they were stays."""
    return {key: _without_bodies(value) if key in {"data", "data_json"} else value for key, value in values.items()}


def _without_bodies(data: Any, depth: int = 0) -> Any:
    if not isinstance(data, dict) or depth > 1:
        return data
    return {
        key: f"({len(value)} characters omitted)"
        if key in _OMITTED and isinstance(value, str)
        else _without_bodies(value, depth + 1)
        for key, value in data.items()
    }


def _add(builder: FactBuilder, record: int, event: _Event, parents: ParentDomains) -> None:
    subject = _subject(event)
    if subject is not None:
        _mention(builder, record, event, subject)
        _add_place(builder, record, event, subject, parents)
    for relation, found in list(_named(event))[:_MOST]:
        _mention(builder, record, event, found)
        if subject is not None and (subject[0], subject[1]) != (found[0], found[1]) and relation:
            details = {"port": _port(event), "url": event.field("url")}
            if relation.startswith("-"):
                builder.link(record, found[:3], relation[1:], subject[:3], confidence=found[3], **event.seen)
            else:
                builder.link(
                    record, subject[:3], relation, found[:3], confidence=found[3], properties=details, **event.seen
                )


def _mention(builder: FactBuilder, record: int, event: _Event, found: _Found) -> None:
    builder.mention(record, *found[:3], confidence=found[3], properties=found[4], method=event.module, **event.seen)


def _subject(event: _Event) -> _Found | None:
    """The host that the event is about: the host itself, or what it was found on."""
    name = event.host or event.field("host")
    if event.text and (event.kind in _OPEN_PORTS or (not name and event.kind in _TEXT_HOSTS)):
        name = event.text
    if not name or event.kind in {"SCAN", "FINISHED", "IP_RANGE", "EMAIL_ADDRESS", "SOCIAL", "ORG_STUB"}:
        return None
    place = endpoint(name)
    name = place[0] if place else name
    shape = shape_of(name)
    if shape not in {"domain", "ip_address"}:
        return None
    heard = event.kind == "DNS_NAME_UNRESOLVED" or "unresolved" in event.tags
    sure = shape == "ip_address" or event.resolved or event.kind in {"OPEN_TCP_PORT", "URL", "HTTP_RESPONSE"}
    confidence = CONFIDENCE["heard" if heard or not sure else "resolved"]
    properties: dict[str, Any] = {"in_scope": True if "in-scope" in event.tags else None}
    if event.kind in _OPEN_PORTS and place:  # a key for each: each event tells of one port only
        properties[f"open_{_OPEN_PORTS[event.kind]}_{place[1]}"] = True
    return shape, name.removeprefix("*."), None, confidence, properties


def _add_place(builder: FactBuilder, record: int, event: _Event, subject: _Found, parents: ParentDomains) -> None:
    """Addresses that a name resolved to, and the domain it lies under."""
    if subject[0] != "domain":
        return
    for address in dict.fromkeys(event.resolved):
        if is_address(address):
            found = ("ip_address", address, None, CONFIDENCE["resolved"], None)
            _mention(builder, record, event, found)
            builder.link(record, subject[:3], "RESOLVES_TO", found[:3], confidence=found[3], **event.seen)
    parent = parents.parent(subject[1]) if event.kind.startswith("DNS_NAME") else None
    if parent:
        above = ("domain", parent, None, subject[3], None)
        _mention(builder, record, event, above)
        builder.link(record, subject[:3], "SUBDOMAIN_OF", above[:3], confidence=subject[3], **event.seen)


def _port(event: _Event) -> int | None:
    place = endpoint(event.field("host") or event.text or "")
    return place[1] if place else None


def _named(event: _Event) -> Iterator[tuple[str | None, _Found]]:
    """What the event names besides its host, with the relation that the host has to it ("-X": it has to the host)."""
    if event.kind in _URLS:
        address = event.text or event.field("url")
        if address and shape_of(address) == "url":
            sure = event.kind in {"URL", "HTTP_RESPONSE"}
            yield None, ("url", address, None, CONFIDENCE["verified" if sure else "heard"], None)
    elif event.kind in {"VULNERABILITY", "FINDING"}:
        yield from _findings(event)
    elif event.kind in {"EMAIL_ADDRESS", "USERNAME", "SOCIAL"}:
        yield from _accounts(event)
    elif event.kind in {"TECHNOLOGY", "PROTOCOL"}:
        software = event.field("technology") or (event.field("banner") or "").partition("\n")[0].strip()[:300]
        if software:
            properties = {"protocol": event.field("protocol")}
            yield "USES", ("software", software, None, CONFIDENCE["stated"], properties)
    elif event.kind in {"VHOST", "VIRTUAL_HOST"}:
        name = event.field("vhost") or event.field("virtual_host")
        if name and shape_of(name) == "domain":
            relation = "-RESOLVES_TO" if event.host and is_address(event.host) else "-ASSOCIATED_WITH"
            yield relation, ("domain", name, None, CONFIDENCE["stated"], None)
    elif event.kind == "ASN":
        number = event.fields.get("asn", event.text)
        properties = {key: event.field(key) for key in ("name", "description", "country")}
        if isinstance(number, int | str):
            yield "MEMBER_OF", ("asn", str(number)[:80], None, CONFIDENCE["resolved"], properties)


def _accounts(event: _Event) -> Iterator[tuple[str | None, _Found]]:
    if event.kind == "SOCIAL":
        profile, platform, handle = event.field("url"), event.field("platform"), event.field("profile_name")
        if handle and platform:
            yield None, ("social_profile", handle, platform, CONFIDENCE["stated"], {"url": profile})
        elif profile:
            yield None, ("social_profile", profile, None, CONFIDENCE["stated"], None)
    elif event.text and event.kind == "EMAIL_ADDRESS":
        yield None, ("email", event.text, None, CONFIDENCE["stated"], None)
    elif event.text:
        yield None, ("username", event.text, None, CONFIDENCE["heard"], None)


def _findings(event: _Event) -> Iterator[tuple[str, _Found]]:
    told = " ".join(text for key in ("name", "description", "cve") if (text := event.field(key)))
    numbers = [*_CVE.findall(told), *_CVE.findall(" ".join(_texts(event.fields.get("cves"))))]
    confidence = CONFIDENCE["vulnerability" if event.kind == "VULNERABILITY" else "finding"]
    properties = {"severity": event.field("severity")}
    for number in dict.fromkeys(text.upper() for text in numbers):
        yield "INDICATES", ("vulnerability", number, None, confidence, properties)
