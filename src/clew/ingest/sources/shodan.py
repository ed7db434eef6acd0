"""Shodan: what its crawlers found at an address, as host objects, downloaded banners, searches and InternetDB answers.

From excerpts of achillean/shodan-python 1.31 (`cli/host.py`, `helpers.py`: a download is a banner a line, gzipped; an
address of IPv6 stands in `ipv6`), the Datapedia's list of banner properties, and the REST documentation of
/shodan/host/{ip} (a host with its banners under `data`; older answers hold `vulns` as a list of numbers, banners an
object by number, where "!" before it means "checked, not vulnerable") and /shodan/host/search (banners under
`matches`). InternetDB answers with ip, ports, hostnames, cpes, tags and vulns. Banner times carry no zone and are UTC,
as documented.

Each host, or each banner that stands alone, is one record. The ip_address carries organization, provider, place and a
property for each service ("tcp/22"), so that banners of one address add up; coordinates stand on it and make a
location entity, where it is LOCATED_AT. Hostnames (reverse DNS and certificates) RESOLVES_TO it; it is MEMBER_OF its
autonomous system, USES the software and SSH keys of its services, and INDICATES vulnerabilities, believed little where
Shodan only infers them from a version. The organization has no identifier there and so is no entity.
"""

from dataclasses import replace
from typing import Any, ClassVar, Final

from clew.ingest.facts import FactBuilder, Facts, Reference
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.json_fields import (
    coordinates_of,
    integer_of,
    number_of,
    object_of,
    objects_of,
    text_of,
    texts_of,
    utc_time_of,
)
from clew.ingest.sources.json_values import SampledObjects, batch_rows, nested_rows, sample_objects, settle_rows
from clew.ingest.sources.record_facts import RecordFacts, is_address, software_name
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow

CONFIDENCE: Final = {
    "answered": 0.9,  # a crawler spoke with the address
    "named": 0.6,  # reverse DNS or a certificate names it
    "located": 0.5,  # geolocation by address: often the provider's place
    "verified": 0.9,  # a vulnerability that a crawler checked
    "inferred": 0.4,  # a vulnerability that a version number suggests
}
_MOST: Final = 1_000
_INTERNETDB: Final = frozenset({"ip", "ports", "hostnames", "cpes", "tags", "vulns"})
_OF_ADDRESS: Final = ("org", "isp", "os", "last_update")
_OF_PLACE: Final = ("city", "region_code", "postal_code", "country_code", "country_name")


class ShodanSource:
    """Reads Shodan's JSON; see the module's docstring for shapes and meaning."""

    name: ClassVar[str] = "shodan"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = "Shodan: host JSON, downloaded banners (JSON lines), searches, InternetDB. Times are UTC."
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By content: hosts or banners with their address and port, or a search's matches of such."""
        sampled = sample_objects(sample)
        if sampled.share(_is_shodan) <= 0.5:
            return None
        lines = sampled.one_a_line or _is_cut_banner(sampled, sample)
        wrapped = any("matches" in values for values in sampled.objects)
        if lines and not wrapped:
            return Recognition(0.9, Framing.LINES, "json-lines")
        return Recognition(0.9, Framing.DOCUMENT, "json")

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """Facts of some lines, or of a whole document. Each host or banner is one record."""
        builder = FactBuilder()
        lines = context.variant == "json-lines"
        rows = batch_rows(batch, one_a_line=lines)
        if not lines:
            rows = [found for row in rows for found in (nested_rows(row, "matches") if _is_search(row) else [row])]

        def keep(record: int, row: ResultRow) -> None:
            _add(builder, record, row)

        settle_rows(builder, rows, keep, first_record=batch.first_record)
        return builder.facts()


def _is_shodan(values: dict[str, Any]) -> bool:
    if _is_host(values):
        return True
    matches = objects_of(values, "matches")
    return bool(matches) and all(map(_is_host, matches[:-1] or matches))


def _is_host(values: dict[str, Any]) -> bool:
    if values.keys() >= _INTERNETDB and isinstance(values["ports"], list) and isinstance(values["ip"], str):
        return True
    port = isinstance(values.get("port"), int) and values.keys() & {"_shodan", "transport", "hash", "opts"}
    ports = isinstance(values.get("ports"), list) and "hostnames" in values
    return bool(_address(values)) and bool(port or ports)


def _is_cut_banner(sampled: SampledObjects, sample: Sample) -> bool:
    """Whether the file begins with a banner so long that the sample does not hold its line."""
    return not sample.complete and b"\n" not in sample.head and not sampled.in_array and "port" in sampled.objects[0]


def _is_search(row: ResultRow) -> bool:
    return row.fault is None and isinstance(row.values.get("matches"), list) and _address(row.values) is None


def _address(values: dict[str, Any]) -> str | None:
    address = text_of(values, "ip_str", "ipv6")
    internetdb = values.get("ip")
    if address is None and isinstance(internetdb, str) and is_address(internetdb):
        return internetdb
    return address


def _add(builder: FactBuilder, record: int, row: ResultRow) -> None:
    values = row.values
    address = _address(values)
    if address is None:
        raise RefusedRowError("missing_field", f"line {row.line}: no 'ip_str'")
    builder.record(record, row.line, values)
    host = RecordFacts(
        builder, record, CONFIDENCE["answered"], utc_time_of(values, "timestamp", "last_update", "Timestamp")
    )
    place = {**object_of(values, "location"), **values}
    subject = host.entity(
        "ip_address", address, required=True, method="internet_scan", properties=_address_properties(values, place)
    )
    _add_place(host, subject, place)
    _add_names(host, subject, values)
    _add_vulnerabilities(host, subject, values)
    _add_service(host, address, values)
    for service in objects_of(values, "data", most=_MOST):
        _add_vulnerabilities(_add_service(host, address, service), subject, service)


def _address_properties(values: dict[str, Any], place: dict[str, Any]) -> dict[str, Any]:
    ports = values.get("ports")
    known: dict[str, Any] = {key: text_of(values, key) for key in _OF_ADDRESS}
    known |= {key: text_of(place, key) for key in _OF_PLACE}
    known |= coordinates_of(place)
    known["tags"] = texts_of(values, "tags", most=_MOST)
    known["hostnames"] = texts_of(values, "hostnames", most=_MOST)
    known["cpe"] = texts_of(values, "cpes", most=_MOST)
    if isinstance(ports, list):
        known["ports"] = sorted({port for port in ports if isinstance(port, int) and 0 < port < 65_536})
    return known


def _add_place(facts: RecordFacts, subject: Reference, place: dict[str, Any]) -> None:
    coordinates = coordinates_of(place)
    if not coordinates:
        return
    point = f"geo:{coordinates['latitude']:.6f},{coordinates['longitude']:.6f}"
    names = [name for key in ("city", "country_name", "country_code") if (name := text_of(place, key))][:2]
    location = facts.entity(
        "location",
        ", ".join(names) or point,
        point,
        method="geolocation",
        confidence=CONFIDENCE["located"],
        properties=coordinates | {key: text_of(place, key) for key in _OF_PLACE},
    )
    facts.relate(subject, "LOCATED_AT", location, confidence=CONFIDENCE["located"])


def _add_names(facts: RecordFacts, subject: Reference, values: dict[str, Any]) -> None:
    for name in texts_of(values, "hostnames", most=_MOST):
        if not is_address(name):
            domain = facts.entity("domain", name, method="reverse_dns", confidence=CONFIDENCE["named"])
            facts.relate(domain, "RESOLVES_TO", subject, confidence=CONFIDENCE["named"])
    number = text_of(values, "asn")
    if number:
        properties = {"name": text_of(values, "org", "isp")}
        facts.relate(subject, "MEMBER_OF", facts.entity("asn", number, method="asn_lookup", properties=properties))


def _add_vulnerabilities(facts: RecordFacts, subject: Reference, values: dict[str, Any]) -> None:
    stated = values.get("vulns")
    details: dict[str, Any] = stated if isinstance(stated, dict) else dict.fromkeys(texts_of(values, "vulns"))
    for name in list(details)[:_MOST]:
        detail = details[name] if isinstance(details[name], dict) else {}
        if name.startswith("!") or not name.strip():
            continue
        confidence = CONFIDENCE["verified" if detail.get("verified") is True else "inferred"]
        properties = {"cvss": number_of(detail, "cvss"), "summary": text_of(detail, "summary")}
        weakness = facts.entity("vulnerability", name, method="internet_scan", confidence=0.9, properties=properties)
        facts.relate(subject, "INDICATES", weakness, confidence=confidence)


def _add_service(host: RecordFacts, address: str, service: dict[str, Any]) -> RecordFacts:
    """What a banner says of its port; returns the facts as seen when the banner was taken."""
    port = integer_of(service, "port")
    facts = replace(host, seen=utc_time_of(service, "timestamp") or host.seen)
    if port is None or not 0 < port < 65_536:
        return facts
    product, version = text_of(service, "product"), text_of(service, "version")
    module = text_of(object_of(service, "_shodan"), "module")
    name = software_name(product, version) if product else None
    place = f"{text_of(service, 'transport') or 'tcp'}/{port}"
    shown = {place: name or module or "open"}
    subject = facts.entity("ip_address", address, method="internet_scan", properties=shown)
    at = {"port": port, "transport": text_of(service, "transport")}
    if name:
        properties = {"cpe": texts_of(service, "cpe23", "cpe", most=50)}
        software = facts.entity("software", name, method="service_banner", properties=properties)
        facts.relate(subject, "USES", software, properties=at)
    key = object_of(service, "ssh")
    line = f"{text_of(key, 'type') or ''} {''.join((text_of(key, 'key') or '').split())}"
    if line.strip():
        facts.relate(subject, "USES", facts.entity("ssh_key", line, method="ssh_host_key"), properties=at)
    return facts
