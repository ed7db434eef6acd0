"""Amass: hosts with addresses and networks in JSON lines of 2.x and 3.x, graph lines of 4.x, and text with addresses.

The writers were read in owasp-amass/amass: `cmd/amass/output.go` of 2.x (-json: name, domain, addresses of ip, cidr,
asn, desc; tag; one `source`; text with "[Source]" before the name), `cmd/amass/enum.go` of 3.x (text "name
address,address" with -ip; its JSON has `sources`) and what 4.x prints: lines "a (FQDN) --> a_record --> b (IPAddress)"
between FQDN, IPAddress, Netblock, ASN and RIROrganization, in colour unless told otherwise. A bare list of names could
be anyone's and is Subfinder's to claim, as is "name,address".

A and AAAA records resolve; a CNAME resolves to another name, as STIX has it; NS, MX and SRV records say what a name
uses; `node` puts a name under a domain. Blocks are no entities here: they are properties of the address they were said
of. A registry's organization has no identifier in this output, so it is a property of the network. Names are believed
most where they resolved. Nothing states a time.
"""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from clew.ingest.facts import FactBuilder, Facts
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.json_line_rows import json_line_rows, sampled_objects
from clew.ingest.sources.parent_domain import ParentDomains
from clew.ingest.sources.plain_text import decode_text, whole_lines, without_terminal_codes
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow, optional_text, required_text, settle, wrong_type
from clew.ingest.sources.value_shapes import is_address, shape_of

CONFIDENCE: Final = {
    "reported": 0.5,  # one source, not resolved
    "corroborated": 0.65,  # two sources or more
    "resolved": 0.85,  # Amass resolved it itself
    "reverse": 0.6,  # a PTR record: the address' owner says so
    "network": 0.8,  # routing data
}
_EDGE: Final = re.compile(
    r"(.{1,1024}?) \((FQDN|IPAddress|Netblock|ASN|RIROrganization)\) --> ([a-z_]{1,40}) --> "
    r"(.{1,1024}?) \((FQDN|IPAddress|Netblock|ASN|RIROrganization)\)"
)
_TEXT: Final = re.compile(r"(?:\[([^\]]{1,60})\]\s+)?([^\s,\[\]]{1,254})(?:[ ,]([0-9A-Fa-f:.,]{2,20000}))?")
_ENTITY: Final = {"FQDN": "domain", "IPAddress": "ip_address", "ASN": "asn"}
_RECORDS: Final = {"ns_record": "NS", "mx_record": "MX", "srv_record": "SRV"}
_RESOLUTIONS: Final = {"a_record": "A", "aaaa_record": "AAAA", "cname_record": "CNAME"}
_JSON_KEYS: Final = frozenset({"name", "domain", "addresses", "tag", "source", "sources", "timestamp", "type"})
_SAMPLED: Final = 200


@dataclass(slots=True)
class _Reading:
    builder: FactBuilder
    parents: ParentDomains = field(default_factory=ParentDomains)


class AmassSource:
    """Reads Amass' output; see the module's docstring for versions and meaning."""

    name: ClassVar[str] = "amass"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = "Amass 2–3 JSON lines, 3 text with addresses (-ip, -src), 4 graph lines. States no times."
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By content: JSON lines of named hosts with `addresses`, graph lines, or names followed by addresses."""
        lines = whole_lines(sample.head, complete=sample.complete).removeprefix(b"\xef\xbb\xbf").splitlines()
        lines = [line for line in lines if line.strip()][:_SAMPLED]
        if not lines:
            return None
        if lines[0].lstrip().startswith(b"{"):
            objects = sampled_objects(lines)
            fits = [value for value in objects if _is_host(value)]
            return Recognition(0.9, Framing.LINES, "json-lines") if fits and len(fits) * 2 > len(lines[:50]) else None
        texts = [without_terminal_codes(decode_text(line)) for line in lines]
        edges = sum(_EDGE.fullmatch(text) is not None for text in texts)
        if edges * 2 > len(texts):
            return Recognition(0.95, Framing.LINES, "graph")
        hosts = [_text_parts(text) for text in texts]
        if all(hosts) and any(host and (host[0] or host[2]) for host in hosts):
            separated = all("," not in text.partition(" ")[0] for text in texts)
            return Recognition(0.6, Framing.LINES, "text") if separated else None
        return None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """Facts of some lines. Each line is one record."""
        reading = _Reading(FactBuilder())
        first = batch.records[0].lstrip(b"\xef\xbb\xbf \t") if batch.records else b""
        if context.variant == "json-lines" or (not context.variant and first.startswith(b"{")):

            def keep(record: int, row: ResultRow) -> None:
                _add_host(reading, record, row)

            settle(reading.builder, json_line_rows(batch), keep, first_record=batch.first_record)
        else:
            _read_lines(reading, batch)
        return reading.builder.facts()


def _is_host(value: dict[str, object]) -> bool:
    stated = "tag" in value or "source" in value or "sources" in value
    return {"name", "domain", "addresses"} <= value.keys() <= _JSON_KEYS and stated


def _text_parts(text: str) -> tuple[str, str, tuple[str, ...]] | None:
    """Source, name and addresses of a text line; None where it is none."""
    match = _TEXT.fullmatch(text.strip())
    if not match or shape_of(match[2]) != "domain":
        return None
    addresses = tuple(part for part in (match[3] or "").split(",") if part)
    return (match[1] or "", match[2], addresses) if all(map(is_address, addresses)) else None


def _add_host(reading: _Reading, record: int, row: ResultRow) -> None:
    name, domain = required_text(row, "name"), optional_text(row, "domain")
    sources = _sources(row)
    listed = row.values.get("addresses")
    if listed is not None and not isinstance(listed, list):
        raise wrong_type(row.line, "addresses", "an array", listed)
    addresses = []
    for item in listed or ():
        if not isinstance(item, dict):
            raise wrong_type(row.line, "addresses", "an array of objects", item)
        address = ResultRow(row.line, item, row.raw)
        addresses.append(
            (
                required_text(address, "ip"),
                optional_text(address, "cidr"),
                item.get("asn"),
                optional_text(address, "desc"),
            )
        )
    reading.builder.record(record, row.line, row.values)
    _add_name(reading, record, name, domain, sources, resolved=bool(addresses))
    for ip, cidr, number, description in addresses:
        _add_address(reading, record, name, ip, sources, cidr)
        if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 2**32:
            _add_network(reading, record, ip, number, description)


def _sources(row: ResultRow) -> list[str]:
    found = row.values.get("sources") or row.values.get("source") or []
    listed = found if isinstance(found, list) else [found]
    if not all(isinstance(source, str) for source in listed):
        raise wrong_type(row.line, "sources", "an array of texts", found)
    return sorted({source.strip() for source in listed if source.strip()})


def _add_name(
    reading: _Reading, record: int, name: str, domain: str | None, sources: list[str], *, resolved: bool
) -> None:
    host = name.removeprefix("*.")
    confidence = CONFIDENCE["resolved" if resolved else "corroborated" if len(sources) > 1 else "reported"]
    reading.builder.mention(
        record, "domain", host, required=True, confidence=confidence, method="subdomain_enumeration"
    )
    parent = reading.parents.parent(host, domain)
    if parent:
        properties = {"sources": sources or None}
        reading.builder.mention(record, "domain", parent, confidence=confidence, method="searched_domain")
        reading.builder.link(
            record, ("domain", host), "SUBDOMAIN_OF", ("domain", parent), confidence=confidence, properties=properties
        )


def _add_address(
    reading: _Reading, record: int, name: str, ip: str, sources: list[str], cidr: str | None = None
) -> None:
    confidence = CONFIDENCE["resolved"]
    block = {"netblock": cidr} if cidr else None
    reading.builder.mention(record, "ip_address", ip, confidence=confidence, properties=block, method="dns_resolution")
    reading.builder.link(
        record,
        ("domain", name.removeprefix("*.")),
        "RESOLVES_TO",
        ("ip_address", ip),
        confidence=confidence,
        properties={"sources": sources or None},
    )


def _add_network(reading: _Reading, record: int, ip: str, number: int, description: str | None) -> None:
    network = ("asn", f"AS{number}")
    properties = {"description": description}
    reading.builder.mention(
        record, *network, confidence=CONFIDENCE["network"], properties=properties, method="routing_data"
    )
    reading.builder.link(record, ("ip_address", ip), "MEMBER_OF", network, confidence=CONFIDENCE["network"])


def _read_lines(reading: _Reading, batch: RecordBatch) -> None:
    for record, (data, line) in enumerate(zip(batch.records, batch.lines, strict=True), start=batch.first_record):
        try:
            text = _line_text(data, line)
            edge = _EDGE.fullmatch(text)
            if edge:
                _add_edge(reading, record, line, edge)
                continue
            source, name, addresses = _required_parts(text, line)
            content = {"name": name, "source": source, "addresses": list(addresses)}
            reading.builder.record(record, line, {key: value for key, value in content.items() if value})
            sources = [source.strip()] if source.strip() else []
            _add_name(reading, record, name, None, sources, resolved=bool(addresses))
            for ip in addresses:
                _add_address(reading, record, name, ip, sources)
        except RefusedRowError as refusal:
            reading.builder.reject(record, line, refusal.reason, refusal.detail, data)


def _required_parts(text: str, line: int) -> tuple[str, str, tuple[str, ...]]:
    parts = _text_parts(text)
    if parts is None:
        raise RefusedRowError("unreadable_line", f"line {line}: neither a relation nor a host with addresses")
    return parts


def _line_text(data: bytes, line: int) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise RefusedRowError("invalid_encoding", f"line {line}: byte {error.start + 1} is not UTF-8") from error
    if "\0" in text:
        raise RefusedRowError("nul_character", f"line {line}: holds the character U+0000, which cannot be stored")
    return without_terminal_codes(text.removeprefix("\ufeff"))


def _add_edge(reading: _Reading, record: int, line: int, edge: re.Match[str]) -> None:
    source, source_kind, relation, target, target_kind = (part.strip() for part in edge.groups())
    for value, kind in ((source, source_kind), (target, target_kind)):
        if kind == "IPAddress" and not is_address(value):
            raise RefusedRowError("invalid_ip_address", f"line {line}: {value[:80]!r} is no address")
    content = {
        "source": source,
        "source_type": source_kind,
        "relation": relation,
        "target": target,
        "target_type": target_kind,
    }
    reading.builder.record(record, line, content)
    confidence = CONFIDENCE["resolved" if relation != "ptr_record" else "reverse"]
    properties: dict[str, dict[str, Any]] = {"source": {}, "target": {}}
    if source_kind == "Netblock" and target_kind == "IPAddress":
        properties["target"] = {"netblock": source}
    if source_kind == "ASN" and target_kind == "RIROrganization":
        properties["source"] = {"description": target}
    for value, kind, side in ((source, source_kind, "source"), (target, target_kind, "target")):
        if kind in _ENTITY and not (relation == "ptr_record" and _reversed_address(value)):
            reading.builder.mention(
                record,
                _ENTITY[kind],
                value.removeprefix("*."),
                required=True,
                confidence=CONFIDENCE["network"] if kind == "ASN" else confidence,
                properties=properties[side],
                method="dns_enumeration",
            )
    _relate(reading, record, (source, source_kind), relation, (target, target_kind))


def _relate(reading: _Reading, record: int, source: tuple[str, str], relation: str, target: tuple[str, str]) -> None:
    if source[1] != "FQDN" or target[1] not in {"FQDN", "IPAddress"}:
        return
    here = ("domain", source[0].removeprefix("*."))
    there = (_ENTITY[target[1]], target[0].removeprefix("*."))
    link, resolved = reading.builder.link, CONFIDENCE["resolved"]
    if here == there:
        return
    if relation in _RESOLUTIONS:
        link(record, here, "RESOLVES_TO", there, confidence=resolved, properties={"record": _RESOLUTIONS[relation]})
    elif relation in _RECORDS:
        link(record, here, "USES", there, confidence=resolved, properties={"record": _RECORDS[relation]})
    elif relation == "node" and target[1] == "FQDN":
        link(record, there, "SUBDOMAIN_OF", here, confidence=resolved)
    elif relation == "ptr_record" and (address := _reversed_address(source[0])):
        reading.builder.mention(record, "ip_address", address, confidence=CONFIDENCE["reverse"], method="reverse_dns")
        properties = {"record": "PTR"}
        link(
            record,
            there,
            "RESOLVES_TO",
            ("ip_address", address),
            confidence=CONFIDENCE["reverse"],
            properties=properties,
        )


def _reversed_address(name: str) -> str | None:
    """The address behind 10.2.0.192.in-addr.arpa or its IPv6 counterpart."""
    labels = name.casefold().rstrip(".").split(".")
    if labels[-2:] == ["in-addr", "arpa"] and len(labels) == 6:
        text = ".".join(reversed(labels[:4]))
    elif labels[-2:] == ["ip6", "arpa"] and len(labels) == 34:
        digits = "".join(reversed(labels[:32]))
        text = ":".join(digits[at : at + 4] for at in range(0, 32, 4))
    else:
        return None
    return str(ipaddress.ip_address(text)) if is_address(text) else None
