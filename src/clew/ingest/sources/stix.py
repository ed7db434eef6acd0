"""STIX 2.0 and 2.1 bundles, ATT&CK's among them; also the `objects` envelope of TAXII 2.1.

Written from the OASIS standards STIX 2.1 and 2.0. Each object is one record, and its content is the object as it came,
custom properties included. Threat actors, intrusion sets, malware, tools, campaigns, vulnerabilities and techniques are
entities by their names (techniques by their ATT&CK or CAPEC number); identities, locations and reports are told apart
by the id of the object. What an indicator's pattern says to be equal to a value is mentioned by the indicator, a
document, and INDICATES what the bundle relates the indicator to. Relationships become the ontology's, with the STIX
name among the properties where there is no such. Revoked and deprecated objects keep their facts and say so.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import msgspec
import orjson

from clew.ingest.facts import FactBuilder, Facts, Reference
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.json_values import visible_nul
from clew.ingest.sources.plain_text import decode_text, encode_text
from clew.ingest.sources.record_facts import RecordFacts
from clew.ingest.sources.result_rows import RefusedRowError
from clew.ingest.sources.stix_patterns import (
    DISCRIMINATED,
    DOMAIN_OBJECTS,
    OBSERVABLES,
    RELATIONS,
    equalities,
    hashes_of,
)

_ID: Final = re.compile(r"[a-z][a-z0-9-]{1,249}--[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_BUNDLE: Final = re.compile(rb'"type"\s*:\s*"bundle"')
_OBJECTS: Final = re.compile(rb'"objects"\s*:\s*\[')
_ANY_ID: Final = re.compile(rb'"id"\s*:\s*"[a-z][a-z0-9-]+--[0-9a-fA-F-]{36}"')
_CATALOGUES: Final = {"mitre-attack", "mitre-mobile-attack", "mitre-ics-attack", "capec", "cve"}
_CLASSES: Final = {"individual": "person", "organization": "organization", "class": None, "group": "organization"}
_MOST_TEXT: Final = 4000
_MOST_REFS: Final = 10_000


class _Bundle(msgspec.Struct):
    type: Any = None
    objects: list[msgspec.Raw] | None = None


_HEAD: Final = msgspec.json.Decoder(_Bundle)


class StixSource:
    """Reads STIX bundles; see the module's docstring for objects and meaning."""

    name: ClassVar[str] = "stix"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = "STIX 2.0 and 2.1 bundles (ATT&CK's too), and TAXII envelopes of objects. Times carry a zone"
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By the type `bundle` and an id of STIX's form, or an envelope of such objects."""
        head = _unmarked(sample.head)
        if not head.lstrip().startswith(b"{") or not _ANY_ID.search(head):
            return None
        if _BUNDLE.search(head) or _OBJECTS.search(head[:300]) or (b'"bundle--' in head and b'"objects"' in head):
            return Recognition(0.95, Framing.DOCUMENT, "bundle")
        return None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """One record an object. Relationships that leave the bundle name nothing."""
        builder = FactBuilder()
        record = batch.first_record
        for content, line in zip(batch.records, batch.lines, strict=True):
            record = _read_bundle(builder, _unmarked(bytes(content)), line, record)
        return builder.facts()


def objects_of(data: bytes, line: int = 1) -> Iterator[tuple[bytes, int]]:
    """The objects of a bundle as they stand there, with their lines. Raises RefusedRowError if it is none."""
    try:
        bundle = _HEAD.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedRowError("invalid_json", f"line {line}: {str(error)[:200]}") from None
    if bundle.objects is None and bundle.type != "bundle":
        raise RefusedRowError("missing_field", f"line {line}: no 'objects'")
    at, position = line, 0
    for raw in bundle.objects or ():
        content = bytes(raw)
        found = data.find(content, position)
        at += data.count(b"\n", position, max(position, found))
        position = max(position, found)
        yield content, at


def _read_bundle(builder: FactBuilder, data: bytes, line: int, record: int) -> int:
    try:
        found = list(objects_of(data, line))
    except RefusedRowError as refusal:
        builder.reject(record, line, refusal.reason, refusal.detail, data)
        return record + 1
    rows: list[tuple[int, int, bytes, dict[str, Any]]] = []
    for raw, at in found:
        try:
            rows.append((record, at, raw, _object(raw, at)))
        except RefusedRowError as refusal:
            builder.reject(record, at, refusal.reason, refusal.detail, raw)
        record += 1
    known = _Known({str(value["id"]): value for _, _, _, value in rows})
    for number, at, raw, value in rows:
        try:
            builder.record(number, at, value)
        except (TypeError, UnicodeEncodeError) as error:
            builder.reject(number, at, "unrepresentable_value", f"line {at}: {error}", raw)
            continue
        known.say(builder, number, value)
    return record


def _object(raw: bytes, line: int) -> dict[str, Any]:
    try:
        value = orjson.loads(visible_nul(raw))
    except orjson.JSONDecodeError as error:
        raise RefusedRowError("invalid_json", f"line {line}: {error.msg}") from None
    if not isinstance(value, dict):
        raise RefusedRowError("wrong_type", f"line {line}: an object must be an object")
    if not isinstance(value.get("id"), str) or not _ID.fullmatch(value["id"]):
        raise RefusedRowError("missing_field", f"line {line}: the object has no id of the form type--uuid")
    if not isinstance(value.get("type"), str):
        raise RefusedRowError("missing_field", f"line {line}: the object has no type")
    return value


class _Known:
    """The objects of a bundle by their ids, as entities."""

    def __init__(self, objects: dict[str, dict[str, Any]]) -> None:
        self._objects = objects
        self._compared = {
            identifier: list(equalities(value["pattern"]))
            for identifier, value in objects.items()
            if value["type"] == "indicator" and isinstance(value.get("pattern"), str)
        }

    def say(self, builder: FactBuilder, record: int, value: dict[str, Any]) -> None:
        """The facts of one object."""
        surety = value.get("confidence")
        confidence = (
            surety / 100 if isinstance(surety, int) and not isinstance(surety, bool) and 0 <= surety <= 100 else 0.6
        )
        facts = RecordFacts(
            builder, record, confidence, _instant(value.get("modified")) or _instant(value.get("created"))
        )
        if value["type"] == "relationship":
            self._relate(facts, value)
            return
        if value["type"] == "sighting":
            self._sighted(facts, value)
            return
        here = self._mention(facts, value["id"], full=True)
        if here is None:
            return
        for entity_type, text in self._compared.get(value["id"], ()):
            facts.relate(here, "MENTIONS", facts.entity(entity_type, text, method="stix_pattern"))
        for referred in _texts(value.get("object_refs")):
            there = self._mention(facts, referred) if referred != value["id"] else None
            if there is not None and value["type"] in {"report", "note", "grouping"}:
                facts.relate(here, "MENTIONS", there)
        self._resolve(facts, value, here)

    def _relate(self, facts: RecordFacts, value: dict[str, Any]) -> None:
        source, target, kind = (value.get(name) for name in ("source_ref", "target_ref", "relationship_type"))
        if not all(isinstance(each, str) for each in (source, target, kind)):
            return
        here, there = self._mention(facts, str(source)), self._mention(facts, str(target))
        if here is None or there is None or kind == "revoked-by":
            return
        first = _instant(value.get("start_time")) or facts.seen
        last = _instant(value.get("stop_time")) or facts.seen
        first, last = (first, last) if first and last and first <= last else (facts.seen, facts.seen)
        known = RELATIONS.get(str(kind))
        said = {
            "stix_relationship": None if known else kind,
            "description": _short(value.get("description")),
            "revoked": value.get("revoked") is True or None,
        }
        said = {name: each for name, each in said.items() if each is not None}
        facts.relate(here, known or "ASSOCIATED_WITH", there, first_seen=first, last_seen=last, properties=said or None)
        if kind == "indicates":
            for entity_type, text in self._compared.get(str(source), ()):
                facts.relate(facts.entity(entity_type, text, method="stix_pattern"), "INDICATES", there)

    def _sighted(self, facts: RecordFacts, value: dict[str, Any]) -> None:
        seen = value.get("sighting_of_ref")
        here = self._mention(facts, seen) if isinstance(seen, str) else None
        for where in _texts(value.get("where_sighted_refs")):
            place = self._mention(facts, where)
            if here and place:
                facts.relate(here, "ASSOCIATED_WITH", place, properties={"stix_relationship": "sighting"})

    def _resolve(self, facts: RecordFacts, value: dict[str, Any], here: Reference) -> None:
        for referred in _texts(value.get("resolves_to_refs")) if value["type"] == "domain-name" else ():
            there = self._mention(facts, referred)
            if there is not None:
                facts.relate(here, "RESOLVES_TO", there)

    def _mention(self, facts: RecordFacts, identifier: str, *, full: bool = False) -> Reference | None:
        value = self._objects.get(identifier)
        reference = None if value is None else _reference(value)
        if value is None or reference is None:
            return None
        properties = _said(value) if full else None
        return facts.entity(*reference, method=f"stix_{value['type']}"[:60], properties=properties)


def _reference(value: dict[str, Any]) -> tuple[str, str, str | None] | None:
    kind, name = value["type"], value.get("name")
    if kind in OBSERVABLES:
        text = value.get("value")
        return (OBSERVABLES[kind], text, None) if isinstance(text, str) and text else None
    if kind == "file":
        digest = next(hashes_of(value.get("hashes")), None)
        return ("file_hash", digest, None) if digest else None
    if kind == "autonomous-system" and isinstance(value.get("number"), int):
        return "asn", f"AS{value['number']}", None
    if kind in DOMAIN_OBJECTS:
        number = _catalogued(value) if kind in {"attack-pattern", "vulnerability"} else None
        text = number or name
        return (DOMAIN_OBJECTS[kind], text, None) if isinstance(text, str) and text.strip() else None
    if kind in DISCRIMINATED:
        text = name if isinstance(name, str) and name.strip() else value.get("pattern") or value["id"]
        entity_type = _CLASSES.get(str(value.get("identity_class")), "organization") if kind == "identity" else None
        return (entity_type or DISCRIMINATED[kind], str(text)[:500], f"stix:{value['id']}")
    return None


def _catalogued(value: dict[str, Any]) -> str | None:
    references = value.get("external_references")
    for each in references if isinstance(references, list) else ():
        if (
            isinstance(each, dict)
            and each.get("source_name") in _CATALOGUES
            and isinstance(each.get("external_id"), str)
        ):
            return str(each["external_id"])
    return None


def _said(value: dict[str, Any]) -> dict[str, Any]:
    """What an object says of its entity, as far as it is worth a question."""
    tactics = [each.get("phase_name") for each in value.get("kill_chain_phases") or () if isinstance(each, dict)]
    return {
        "stix_id": value["id"],
        "name": _short(value.get("name")),
        "description": _short(value.get("description")),
        "pattern": _short(value.get("pattern")),
        "aliases": _texts(value.get("aliases"))[:100],
        "tactics": [each for each in tactics if isinstance(each, str)][:50],
        "version": _short(value.get("x_mitre_version")),
        "revoked": value.get("revoked") is True or None,
        "deprecated": value.get("x_mitre_deprecated") is True or None,
    }


def _short(value: Any) -> str | None:
    return value[:_MOST_TEXT] if isinstance(value, str) and value else None


def _texts(value: Any) -> list[str]:
    return [each for each in value[:_MOST_REFS] if isinstance(each, str)] if isinstance(value, list) else []


def _instant(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _unmarked(data: bytes) -> bytes:
    return encode_text(decode_text(data)) if data[:2] in {b"\xff\xfe", b"\xfe\xff", b"\xef\xbb"} else data
