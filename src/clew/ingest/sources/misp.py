"""MISP: events as its REST API, its feeds and its JSON export write them (core format of MISP 2.4 and 2.5).

Written from knowledge of MISP's core format (draft-dulaunoy-misp-core-format) and of PyMISP's classes. Taken are
`{"Event": …}` alone, in arrays, a line each, or below `response`; times are seconds since 1970.

An event is one record and one document, and its content is the event as it came, unknown members included. An
attribute that an entity can be told from mentions it: the document MENTIONS the entity, with the attribute's times,
category and comment. A deleted attribute is said as such (`deleted` of the relation, newest by the attribute's time).
Clusters of galaxies and the tags that stand for them (`misp-galaxy:threat-actor="…"`) name threat actors, malware,
software and techniques; what is marked for detection (`to_ids`) INDICATES the malware or threat actor where the event
names a single one. Comments and descriptions are text, whatever they say.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import msgspec
import orjson

from clew.ingest.facts import LINKS, MENTIONS, FactBuilder, Facts, frame_of, to_json
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.json_values import visible_nul
from clew.ingest.sources.misp_types import ATTRIBUTES, GALAXIES, RELATIONS
from clew.ingest.sources.plain_text import decode_text, encode_text
from clew.ingest.sources.result_rows import RefusedRowError

_RECOGNISED: Final = re.compile(rb'"Event"\s*:\s*\{')
_EVENT_MEMBERS: Final = (
    b'"threat_level_id"', b'"Orgc"', b'"publish_timestamp"', b'"Attribute"', b'"analysis"', b'"info"', b'"uuid"',
)  # fmt: skip
_TECHNIQUE: Final = re.compile(r"\bT\d{4}(?:\.\d{3})?\b")
_GALAXY_TAG: Final = re.compile(r'misp-galaxy:([a-z0-9-]+)="([^"]{1,500})"')
_BY_LINE: Final = "lines"
_CONFIDENCE: Final = 0.6
_INDICATED: Final = 0.7
_MOST_COMMENT: Final = 2000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND: Final = 253_402_300_799  # of the year 9999
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


class _Tag(msgspec.Struct):
    name: Any = None


class _Cluster(msgspec.Struct):
    value: Any = None
    meta: Any = None


class _Galaxy(msgspec.Struct):
    type: Any = None
    GalaxyCluster: list[_Cluster] = []


class _Attribute(msgspec.Struct):
    type: Any = None
    value: Any = None
    category: Any = None
    comment: Any = None
    to_ids: Any = None
    deleted: Any = None
    timestamp: Any = None
    first_seen: Any = None
    last_seen: Any = None
    Tag: list[_Tag] | None = None


class _Object(msgspec.Struct):
    deleted: Any = None
    Attribute: list[_Attribute] | None = None


class _Event(msgspec.Struct):
    uuid: Any = None
    info: Any = None
    date: Any = None
    timestamp: Any = None
    threat_level_id: Any = None
    analysis: Any = None
    distribution: Any = None
    published: Any = None
    Orgc: Any = None
    Tag: list[_Tag] | None = None
    Galaxy: list[_Galaxy] | None = None
    Attribute: list[_Attribute] | None = None
    Object: list[_Object] | None = None


class _Wrapped(msgspec.Struct):
    Event: msgspec.Raw = msgspec.Raw(b"")
    response: msgspec.Raw = msgspec.Raw(b"")


_WRAPPED: Final = msgspec.json.Decoder(_Wrapped)
_RAWS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_EVENT: Final = msgspec.json.Decoder(_Event)


class MispSource:
    """Reads events of MISP; see the module's docstring for shapes and meaning."""

    name: ClassVar[str] = "misp"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = (
        "MISP 2.4 and 2.5 events as the API, feeds and exports write them: one, an array, `response`, or one a line. "
        "Times are Unix seconds"
    )
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By an `Event` at the beginning, with members that events have."""
        head = _unmarked(sample.head)
        if head.lstrip()[:1] not in {b"{", b"["} or not _RECOGNISED.search(head[:2000]):
            return None
        if sum(member in head for member in _EVENT_MEMBERS) < 2:
            return None
        lines = head.splitlines()
        by_line = len(lines) > 1 and all(_is_wrapped(line) for line in lines[:2] if line.strip())
        one_a_line = by_line and head.lstrip().startswith(b"{")
        return Recognition(0.95, Framing.LINES if one_a_line else Framing.DOCUMENT, _BY_LINE if one_a_line else "json")

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """One record an event; see the module's docstring."""
        reader = _Reader()
        record = batch.first_record
        for content, line in zip(batch.records, batch.lines, strict=True):
            found = list(events_of(_unmarked(bytes(content)), line))
            if context.variant == _BY_LINE and len(found) != 1:
                several = RefusedRowError("wrong_type", f"line {line}: not one event but {len(found)}")
                found = [(bytes(content), line, several)]
            for raw, at, fault in found:
                reader.take(record, at, raw, fault)
                record += 1
        return reader.facts()


def events_of(data: bytes, line: int = 1) -> Iterator[tuple[bytes, int, RefusedRowError | None]]:
    """The events of a document as they stand there: bytes, line, and what keeps one from being one. Never raises."""
    at, position = line, 0
    for raw, fault in _pieces(data, line, 0):
        found = data.find(raw, position) if raw else position
        if found >= 0:
            at += data.count(b"\n", position, found)
            position = found
        yield raw, at, fault


def _pieces(data: bytes, line: int, depth: int) -> Iterator[tuple[bytes, RefusedRowError | None]]:
    try:
        if data.lstrip()[:1] == b"[":
            for each in _RAWS.decode(data):
                yield from _pieces(bytes(each), line, depth + 1)
            return
        wrapped = _WRAPPED.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = "invalid_json" if not isinstance(error, msgspec.ValidationError) else "wrong_type"
        yield data, RefusedRowError(reason, f"line {line}: {str(error)[:200]}")
        return
    if bytes(wrapped.response) and depth < 2:
        yield from _pieces(bytes(wrapped.response), line, depth + 1)
    elif bytes(wrapped.Event):
        yield bytes(wrapped.Event), None
    else:
        yield data, RefusedRowError("missing_field", f"line {line}: no 'Event'")


class _Reader:
    def __init__(self) -> None:
        self.builder = FactBuilder()
        self.mentions: list[tuple[Any, ...]] = []
        self.links: list[tuple[Any, ...]] = []

    def take(self, record: int, line: int, raw: bytes, fault: RefusedRowError | None) -> None:
        try:
            if fault is not None:
                raise fault
            event, content = _decoded(raw, line)
            self.builder.record(record, line, content)
        except RefusedRowError as refusal:
            self.builder.reject(record, line, refusal.reason, refusal.detail, raw)
            return
        except (TypeError, UnicodeEncodeError) as error:
            self.builder.reject(record, line, "unrepresentable_value", f"line {line}: {error}", raw)
            return
        self._say(record, event)

    def facts(self) -> Facts:
        kept = self.builder.facts()
        return Facts(
            records=kept.records,
            mentions=frame_of(self.mentions, MENTIONS),
            links=frame_of(self.links, LINKS),
            events=kept.events,
            rejects=kept.rejects,
            warnings=kept.warnings,
        )

    def _say(self, record: int, event: _Event) -> None:
        uuid = str(event.uuid).lower()
        title = _text(event.info) or f"MISP event {uuid}"
        seen = _moment(event.timestamp)
        document = ("document", title, f"misp:{uuid}")
        told = {
            "misp_event": uuid,
            "date": _text(event.date),
            "threat_level_id": _text(event.threat_level_id),
            "analysis": _text(event.analysis),
            "distribution": _text(event.distribution),
            "organization": _text(event.Orgc.get("name")) if isinstance(event.Orgc, dict) else None,
            "tags": _tag_names(event.Tag) or None,
        }
        self.mentions.append((record, *document, True, _CONFIDENCE, seen, seen, to_json(told), "misp_event"))
        named = self._say_context(record, document, event, seen)
        aims = [each for each in named if each[0] in {"malware", "threat_actor"}]
        aim = aims[0] if len(aims) == 1 else None
        for attribute in event.Attribute or ():
            self._say_attribute(record, document, attribute, aim, deleted=_truth(attribute.deleted))
        for held in event.Object or ():
            gone = _truth(held.deleted)
            for attribute in held.Attribute or ():
                self._say_attribute(record, document, attribute, aim, deleted=gone or _truth(attribute.deleted))

    def _say_context(
        self, record: int, document: tuple[str, str, str], event: _Event, seen: int | None
    ) -> list[tuple[str, str]]:
        """What the event's galaxies and tags name."""
        found: dict[tuple[str, str], None] = {}
        for galaxy in event.Galaxy or ():
            kind = GALAXIES.get(_text(galaxy.type) or "")
            for cluster in galaxy.GalaxyCluster if kind else ():
                found[_named(kind or "", _text(cluster.value) or "")] = None
        for tag in _tag_names(event.Tag):
            match = _GALAXY_TAG.fullmatch(tag)
            kind = GALAXIES.get(match[1]) if match else None
            if match and kind:
                found[_named(kind, match[2])] = None
        named = [each for each in found if each[1]]
        for kind, name in named:
            self.mentions.append((record, kind, name, None, False, _CONFIDENCE, seen, seen, None, "misp_galaxy"))
            self.links.append((record, *document, RELATIONS[kind], kind, name, None, _CONFIDENCE, seen, seen, None))
        return named

    def _say_attribute(
        self,
        record: int,
        document: tuple[str, str, str],
        attribute: _Attribute,
        aim: tuple[str, str] | None,
        *,
        deleted: bool,
    ) -> None:
        kind = attribute.type
        named = ATTRIBUTES.get(kind) if isinstance(kind, str) else None
        value = attribute.value
        if named is None or not isinstance(value, str) or not value:
            return
        last = _instant(attribute.last_seen) or _moment(attribute.timestamp)
        first = _instant(attribute.first_seen) or last
        said = _said(attribute, deleted=deleted)
        parts = value.split("|") if "|" in kind or kind == "malware-sample" else [value]
        for part, entity_type in named:
            if part >= len(parts):
                continue
            each = parts[part]
            self.mentions.append((record, entity_type, each, None, False, _CONFIDENCE, first, last, None, kind))
            self.links.append((record, *document, "MENTIONS", entity_type, each, None, _CONFIDENCE, first, last, said))
            if aim is not None and not deleted and _truth(attribute.to_ids):
                self.links.append(
                    (record, entity_type, each, None, "INDICATES", *aim, None, _INDICATED, first, last, None)
                )
        if kind == "domain|ip" and len(parts) == 2 and not deleted:
            ends = (named[0].entity_type, parts[0], None, "RESOLVES_TO", named[1].entity_type, parts[1], None)
            self.links.append((record, *ends, _CONFIDENCE, first, last, None))


def _decoded(raw: bytes, line: int) -> tuple[_Event, dict[str, Any]]:
    try:
        shown = visible_nul(raw)
        event, content = _EVENT.decode(shown), orjson.loads(shown)
    except msgspec.ValidationError as error:
        raise RefusedRowError("wrong_type", f"line {line}: {str(error)[:200]}") from None
    except (msgspec.DecodeError, orjson.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedRowError("invalid_json", f"line {line}: {str(error)[:200]}") from None
    if not isinstance(event.uuid, str) or not _UUID.fullmatch(event.uuid):
        raise RefusedRowError("missing_field", f"line {line}: the event has no uuid")
    return event, content


def _said(attribute: _Attribute, *, deleted: bool) -> str | None:
    """What an attribute says beyond its value; the category alone is not worth a merge for each of a million."""
    comment = _text(attribute.comment)
    if not comment and not deleted:
        return None
    comment = comment[:_MOST_COMMENT] if comment else None
    return to_json({"comment": comment, "category": _text(attribute.category), "deleted": deleted or None})


def _named(kind: str, name: str) -> tuple[str, str]:
    """A technique is called by its number, wherever its name holds one: `PowerShell - T1059.001`."""
    number = _TECHNIQUE.search(name) if kind == "attack_pattern" else None
    return kind, number[0] if number else name


def _tag_names(tags: list[_Tag] | None) -> list[str]:
    return [tag.name for tag in tags or () if isinstance(tag.name, str) and tag.name]


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _truth(value: Any) -> bool:
    return value is True or value == 1 or value in {"1", "true"}


def _moment(value: Any) -> int | None:
    """Microseconds since 1970 of seconds, which are a number or text."""
    try:
        seconds = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds * 1_000_000 if 0 < seconds <= _LAST_SECOND else None


def _instant(value: Any) -> int | None:
    """The same of a time as `first_seen` and `last_seen` write it: ISO 8601 with a zone."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _unmarked(data: bytes) -> bytes:
    """UTF-8 without a mark, whatever the mark says that it was."""
    return encode_text(decode_text(data)) if data[:2] in {b"\xff\xfe", b"\xfe\xff", b"\xef\xbb"} else data


def _is_wrapped(line: bytes) -> bool:
    try:
        return bool(bytes(_WRAPPED.decode(line).Event))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
