"""dnsx (ProjectDiscovery): what the DNS answered, from its JSON lines.

The writers were read in projectdiscovery/dnsx (`libs/dnsx`: asn with as-number, cdn, cdn-name) and in
projectdiscovery/retryabledns, whose DNSData it writes: in 1.0 `soa` was a list of texts, name server and mailbox by
turns; now each SOA is an object with name, ns, mailbox and counters; `srv`, `caa`, `all` and `axfr` came later. An
array of the objects, as `jq -s` makes it, is read too.

`a` and `aaaa` hold every address in the answer, those of name and mail servers included. Where `all` (or the `all` of
a zone transfer) holds the records as text, each address goes to the name that owns it; else the host RESOLVES_TO them,
believed less where the same answer lists other hosts. CNAME: domain RESOLVES_TO domain. MX, NS and SRV: domain USES
the server. PTR: the name RESOLVES_TO the address that was asked for, which nobody confirmed. The mailbox of an SOA is
ASSOCIATED_WITH the domain. The record type is a property of each link. `timestamp` is when all of it was seen.
"""

import ipaddress
import re
from typing import Any, ClassVar, Final

from clew.ingest.facts import FactBuilder, Facts, Reference
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.json_fields import object_of, objects_of, text_of, texts_of, utc_time_of
from clew.ingest.sources.json_values import batch_rows, sample_objects, settle_rows
from clew.ingest.sources.record_facts import RecordFacts, address_in, dns_name, is_address, mailbox_of_soa
from clew.ingest.sources.result_rows import ResultRow, required_text

CONFIDENCE: Final = {
    "answered": 0.9,  # the answer was for this name
    "mixed": 0.6,  # the answer lists other hosts too, and the address may be one of theirs
    "reverse": 0.6,  # PTR: whoever holds the address says so
    "mailbox": 0.5,  # an SOA's contact, often the operator's and not the owner's
    "nonexistent": 0.3,  # the DNS denied the name
}
_LISTS: Final = frozenset({"a", "aaaa", "cname", "mx", "ptr", "soa", "ns", "txt", "srv", "caa", "all", "resolver"})
_OTHER_HOSTS: Final = ("mx", "ns", "srv", "soa")
_SERVERS: Final = {"mx": "MX", "ns": "NS", "srv": "SRV"}
_RESOURCE_RECORD: Final = re.compile(
    r"(\S{1,255})\s+\d{1,10}\s+(?:IN\s+)?([A-Z]{1,10})\s+(?:\d{1,5}\s+){0,3}(\S{1,255})\s*"
)
_MOST: Final = 2_000
_REVERSE: Final = re.compile(r"((?:\d{1,3}\.){4})in-addr\.arpa|((?:[0-9a-f]\.){32})ip6\.arpa", re.IGNORECASE)


class DnsxSource:
    """Reads dnsx's JSON lines; see the module's docstring for versions and meaning."""

    name: ClassVar[str] = "dnsx"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = "dnsx 1.0–1.2: JSON lines of -json, SOA as texts or objects. Time: timestamp."
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By content: objects with a host and DNS answers or the resolver that gave them."""
        sampled = sample_objects(sample)
        if sampled.share(_is_answer) <= 0.5:
            return None
        framing = Framing.DOCUMENT if sampled.in_array else Framing.LINES
        return Recognition(0.9, framing, "json" if sampled.in_array else "json-lines")

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """Facts of some lines, or of a whole array of them. Each object is one record."""
        builder = FactBuilder()

        def keep(record: int, row: ResultRow) -> None:
            _add(builder, record, row)

        rows = batch_rows(batch, one_a_line=context.variant == "json-lines")
        settle_rows(builder, rows, keep, first_record=batch.first_record)
        return builder.facts()


def _is_answer(values: dict[str, Any]) -> bool:
    lists = [key for key in _LISTS & values.keys() if isinstance(values[key], list)]
    of_dns = "status_code_raw" in values or isinstance(values.get("status_code"), str) or "resolver" in lists
    return isinstance(values.get("host"), str) and bool(lists) and of_dns and not values.keys() & {"url", "input"}


def _add(builder: FactBuilder, record: int, row: ResultRow) -> None:
    values = row.values
    host = dns_name(required_text(row, "host"))
    reverse = _address_of(host)
    builder.record(record, row.line, values)
    facts = RecordFacts(builder, record, CONFIDENCE["answered"], utc_time_of(values, "timestamp"))
    denied = text_of(values, "status_code") == "NXDOMAIN"
    subject = facts.entity(
        "ip_address" if reverse else "domain",
        reverse or host,
        required=True,
        method="dns_query",
        confidence=CONFIDENCE["nonexistent"] if denied else None,
        properties=_properties(values),
    )
    owned = texts_of(values, "all", most=_MOST)
    for transfer in objects_of(object_of(values, "axfr"), "chain", most=100):
        owned += texts_of(transfer, "all", most=_MOST)
    if reverse:
        _add_names_of_address(facts, subject, values)
        return
    _add_owned(facts, owned[:_MOST])
    if not owned:
        _add_addresses(facts, subject, values)
    _add_others(facts, subject, values)
    _add_authority(facts, subject, values)


def _properties(values: dict[str, Any]) -> dict[str, Any]:
    return {
        "dns_status": text_of(values, "status_code"),
        "txt_records": texts_of(values, "txt", most=200),
        "caa_records": texts_of(values, "caa", most=200),
        "cdn_name": text_of(values, "cdn-name", "cdn_name"),
        "internal_ips": texts_of(values, "internal_ips", most=200),
    }


def _address_of(host: str) -> str | None:
    """The address that a host is, or whose reverse name it is."""
    if is_address(host):
        return host
    match = _REVERSE.fullmatch(host)
    if match is None:
        return None
    if match[1]:
        text = ".".join(reversed(match[1].strip(".").split(".")))
        return text if is_address(text) else None
    digits = "".join(reversed(match[2].strip(".").split(".")))
    return str(ipaddress.IPv6Address(int(digits, 16)))


def _add_names_of_address(facts: RecordFacts, address: Reference, values: dict[str, Any]) -> None:
    for name in texts_of(values, "ptr", most=_MOST):
        domain = facts.entity("domain", dns_name(name), method="dns_ptr", confidence=CONFIDENCE["reverse"])
        facts.relate(
            domain, "RESOLVES_TO", address, confidence=CONFIDENCE["reverse"], properties={"record_type": "PTR"}
        )
    _add_system(facts, [address[1]], values)


def _add_owned(facts: RecordFacts, records: list[str]) -> None:
    """Addresses and aliases by the record text that says whose they are."""
    for text in records:
        match = _RESOURCE_RECORD.fullmatch(text)
        if match is None or match[2] not in {"A", "AAAA", "CNAME"}:
            continue
        kind = "domain" if match[2] == "CNAME" else "ip_address"
        owner = facts.entity("domain", dns_name(match[1]), method="dns_resolution")
        target = facts.entity(kind, dns_name(match[3]), method="dns_resolution")
        facts.relate(owner, "RESOLVES_TO", target, properties={"record_type": match[2]})


def _add_addresses(facts: RecordFacts, domain: Reference, values: dict[str, Any]) -> None:
    confidence = CONFIDENCE["mixed" if any(values.get(key) for key in _OTHER_HOSTS) else "answered"]
    for key, kind, record_type in (
        ("a", "ip_address", "A"),
        ("aaaa", "ip_address", "AAAA"),
        ("cname", "domain", "CNAME"),
    ):
        for name in texts_of(values, key, most=_MOST):
            target = facts.entity(kind, dns_name(name), method="dns_resolution", confidence=confidence)
            facts.relate(domain, "RESOLVES_TO", target, confidence=confidence, properties={"record_type": record_type})


def _add_others(facts: RecordFacts, domain: Reference, values: dict[str, Any]) -> None:
    for key, record_type in _SERVERS.items():
        for name in texts_of(values, key, most=_MOST):
            if dns_name(name):  # an MX of "." says that the domain takes no mail
                server = facts.entity("domain", dns_name(name), method="dns_record")
                facts.relate(domain, "USES", server, properties={"record_type": record_type})
    _add_system(facts, texts_of(values, "a", "aaaa", most=_MOST), values)


def _add_authority(facts: RecordFacts, domain: Reference, values: dict[str, Any]) -> None:
    for authority in objects_of(values, "soa", most=100):
        zone = text_of(authority, "name")
        owner = facts.entity("domain", dns_name(zone), method="dns_record") if zone and dns_name(zone) else domain
        server, mailbox = text_of(authority, "ns"), mailbox_of_soa(dns_name(text_of(authority, "mailbox") or ""))
        if server and dns_name(server):
            target = facts.entity("domain", dns_name(server), method="dns_record")
            facts.relate(owner, "USES", target, properties={"record_type": "SOA"})
        if mailbox:
            contact = facts.entity("email", mailbox, method="soa_mailbox", confidence=CONFIDENCE["mailbox"])
            facts.relate(
                owner, "ASSOCIATED_WITH", contact, confidence=CONFIDENCE["mailbox"], properties={"role": "hostmaster"}
            )


def _add_system(facts: RecordFacts, addresses: list[str], values: dict[str, Any]) -> None:
    system = object_of(values, "asn")
    number = text_of(system, "as-number", "as_number")
    member = address_in(texts_of(system, "as-range", "as_range"), addresses)
    if member is None and len(addresses) == 1:
        member = addresses[0]
    if number and member:
        properties = {
            "name": text_of(system, "as-name", "as_name"),
            "country": text_of(system, "as-country", "as_country"),
        }
        asn = facts.entity("asn", number, method="asn_lookup", properties=properties)
        facts.relate(facts.entity("ip_address", member, method="asn_lookup"), "MEMBER_OF", asn)
