"""Objects of VirusTotal's API v3 as facts; see `virustotal`."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from clew.ingest.facts import FactBuilder, Reference
from clew.ingest.sources.json_fields import integer_of, number_of, object_of, objects_of, text_of, texts_of, utc_time_of
from clew.ingest.sources.record_facts import RecordFacts, dns_name, host_of_url, mailbox_of_soa
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow

CONFIDENCE: Final = {
    "report": 0.9,  # the subject of a report
    "resolved": 0.8,  # the service's own resolution
    "related": 0.7,  # a sandbox or crawler saw them together
    "family_least": 0.05,  # a family that hardly any engine stands for
    "family_most": 0.95,
}
V3_KINDS: Final = frozenset({"file", "url", "domain", "ip_address", "resolution"})
_VERDICTS: Final = ("malicious", "suspicious", "harmless", "undetected")
_MOST: Final = 1_000
_RELATED: Final = {  # relationship: (type, what relates, whether the subject is the source)
    "contacted_ips": ("COMMUNICATES_WITH", True),
    "contacted_domains": ("COMMUNICATES_WITH", True),
    "contacted_urls": ("COMMUNICATES_WITH", True),
    "communicating_files": ("COMMUNICATES_WITH", False),
    "downloaded_files": ("ASSOCIATED_WITH", False),
    "embedded_domains": ("MENTIONS", True),
    "embedded_ips": ("MENTIONS", True),
    "embedded_urls": ("MENTIONS", True),
    "dropped_files": ("ASSOCIATED_WITH", True),
    "bundled_files": ("ASSOCIATED_WITH", True),
    "execution_parents": ("ASSOCIATED_WITH", False),
    "subdomains": ("SUBDOMAIN_OF", False),
    "last_serving_ip_address": ("ASSOCIATED_WITH", True),
    "network_location": ("ASSOCIATED_WITH", True),
}
_NO_FAMILY: Final = frozenset(
    {"generic", "gen", "agent", "malware", "malicious", "trojan", "virus", "unsafe", "suspicious", "heuristic", "pua"}
)  # engines say so of what they cannot name
_ENTITY_TYPES: Final = {"file": "file_hash", "url": "url", "domain": "domain", "ip_address": "ip_address"}
_RECORDS: Final = {"A": "ip_address", "AAAA": "ip_address", "CNAME": "domain", "MX": "domain", "NS": "domain"}


def add_v3(builder: FactBuilder, record: int, row: ResultRow, kind: str) -> None:
    """Add an object of the kind, its attributes under `attributes` or, as the vt command prints them, beside its id."""
    values = row.values
    attributes = object_of(values, "attributes") or values
    subject = _subject(values, attributes, kind)
    if subject is None:
        raise RefusedRowError("missing_field", f"line {row.line}: nothing says which {kind} this is")
    builder.record(record, row.line, values)
    seen = utc_time_of(attributes, "last_analysis_date", "last_modification_date", "date")
    facts = RecordFacts(builder, record, CONFIDENCE["report"], seen)
    who = _ADDERS[kind](facts, attributes, subject)
    _add_related(facts, who, object_of(values, "relationships"))


def _subject(values: dict[str, Any], attributes: dict[str, Any], kind: str) -> str | None:
    match kind:
        case "file":
            return text_of(attributes, "sha256") or text_of(values, "id", "_id")
        case "url":
            return text_of(attributes, "url")  # its id is a digest of the url, not the url
        case "resolution":
            return text_of(attributes, "host_name")
        case _:
            return text_of(values, "id", "_id")


def _verdict(attributes: dict[str, Any]) -> dict[str, Any]:
    """The counts of the last analysis as properties, with the share of engines that call it malicious."""
    stats = object_of(attributes, "last_analysis_stats")
    counts = {name: count for name in _VERDICTS if (count := integer_of(stats, name)) is not None and count >= 0}
    engines = sum(counts.values())
    known: dict[str, Any] = {**counts, "reputation": integer_of(attributes, "reputation")}
    if engines:
        known |= {"engines": engines, "detection_ratio": round(counts.get("malicious", 0) / engines, 4)}
    known["tags"] = texts_of(attributes, "tags", most=200)
    analysed = utc_time_of(attributes, "last_analysis_date")
    known["last_analysis"] = analysed.isoformat() if analysed else None
    return known


def _add_file(facts: RecordFacts, attributes: dict[str, Any], digest: str) -> Reference:
    results = object_of(attributes, "last_analysis_results")
    found = [text for engine in results.values() if isinstance(engine, dict) and (text := text_of(engine, "result"))]
    verdict = _verdict(attributes)
    threat = object_of(attributes, "popular_threat_classification")
    properties = {
        **verdict,
        "names": texts_of(attributes, "names", most=200),
        "meaningful_name": text_of(attributes, "meaningful_name"),
        "size": integer_of(attributes, "size"),
        "file_type": text_of(attributes, "type_description", "type_tag"),
        "magic": text_of(attributes, "magic"),
        "ssdeep": text_of(attributes, "ssdeep"),
        "tlsh": text_of(attributes, "tlsh"),
        "vhash": text_of(attributes, "vhash"),
        "imphash": text_of(object_of(attributes, "pe_info"), "imphash"),
        "threat_label": text_of(threat, "suggested_threat_label"),
        "detections": list(dict.fromkeys(found))[:100],
        "times_submitted": integer_of(attributes, "times_submitted"),
    }
    first = utc_time_of(attributes, "first_submission_date")
    last = utc_time_of(attributes, "last_submission_date", "last_analysis_date")
    file = facts.entity(
        "file_hash",
        digest,
        required=True,
        method="file_report",
        first_seen=_earlier(first, last),
        last_seen=last,
        properties=properties,
    )
    for key in ("sha1", "md5"):
        other = text_of(attributes, key)
        if other:
            facts.relate(facts.entity("file_hash", other, method="file_report"), "SAME_AS", file)
    _add_families(facts, file, threat, verdict.get("detection_ratio"))
    return file


def _earlier(first: datetime | None, last: datetime | None) -> datetime | None:
    return min(first, last) if first and last else first or last


def _add_families(facts: RecordFacts, file: Reference, threat: dict[str, Any], ratio: float | None) -> None:
    """Malware families by how many engines call the file malicious and how often each family is named."""
    named = {
        name: number_of(entry, "count") or 1.0
        for entry in objects_of(threat, "popular_threat_name", most=20)
        if (name := text_of(entry, "value")) and name.casefold() not in _NO_FAMILY
    }
    if not ratio:
        return  # no engine calls it malicious: names without a verdict are leftovers
    most = max(named.values(), default=1.0)
    for name, count in named.items():
        share = ratio * max(count, 0.0) / most if most > 0 else 0.0
        confidence = min(max(share, CONFIDENCE["family_least"]), CONFIDENCE["family_most"])
        malware = facts.entity("malware", name, method="threat_classification", confidence=confidence)
        facts.relate(file, "INDICATES", malware, confidence=confidence, properties={"engines": int(count)})


def _add_url(facts: RecordFacts, attributes: dict[str, Any], url: str) -> Reference:
    properties = {
        **_verdict(attributes),
        "title": text_of(attributes, "title"),
        "final_url": text_of(attributes, "last_final_url"),
        "status_code": integer_of(attributes, "last_http_response_code"),
        "threat_names": texts_of(attributes, "threat_names", most=100),
        "categories": _categories(attributes),
    }
    first, last = utc_time_of(attributes, "first_submission_date"), facts.seen
    page = facts.entity(
        "url",
        url,
        required=True,
        method="url_report",
        first_seen=_earlier(first, last),
        last_seen=last,
        properties=properties,
    )
    host = host_of_url(url)
    if host:
        facts.relate(page, "ASSOCIATED_WITH", facts.host(host, method="url_host"))
    served = text_of(attributes, "last_http_response_content_sha256")
    if served:
        facts.relate(page, "ASSOCIATED_WITH", facts.entity("file_hash", served, method="served_content"))
    return page


def _categories(attributes: dict[str, Any]) -> list[str]:
    stated = object_of(attributes, "categories")
    return list(dict.fromkeys(text for key in stated if (text := text_of(stated, key))))[:50]


def _add_domain(facts: RecordFacts, attributes: dict[str, Any], name: str) -> Reference:
    created, updated = utc_time_of(attributes, "creation_date"), utc_time_of(attributes, "last_update_date")
    properties = {
        **_verdict(attributes),
        "registrar": text_of(attributes, "registrar"),
        "created": created.isoformat() if created else None,
        "updated": updated.isoformat() if updated else None,
        "categories": _categories(attributes),
        "jarm": text_of(attributes, "jarm"),
    }
    domain = facts.entity("domain", name, required=True, method="domain_report", properties=properties)
    at = utc_time_of(attributes, "last_dns_records_date")
    for answer in objects_of(attributes, "last_dns_records", most=_MOST):
        _add_answer(facts, domain, answer, at)
    return domain


def _add_answer(facts: RecordFacts, domain: Reference, answer: dict[str, Any], at: datetime | None) -> None:
    record_type, value = text_of(answer, "type"), dns_name(text_of(answer, "value") or "")
    kind = _RECORDS.get(record_type or "")
    if kind and value:
        target = facts.entity(kind, value, method="dns_record", confidence=CONFIDENCE["resolved"], first_seen=at)
        relationship = "RESOLVES_TO" if record_type in {"A", "AAAA", "CNAME"} else "USES"
        facts.relate(
            domain,
            relationship,
            target,
            confidence=CONFIDENCE["resolved"],
            first_seen=at,
            properties={"record_type": record_type},
        )
    mailbox = mailbox_of_soa(dns_name(text_of(answer, "rname") or "")) if record_type == "SOA" else None
    if mailbox:
        contact = facts.entity("email", mailbox, method="soa_mailbox", confidence=0.5)
        facts.relate(domain, "ASSOCIATED_WITH", contact, confidence=0.5, properties={"role": "hostmaster"})


def _add_address(facts: RecordFacts, attributes: dict[str, Any], address: str) -> Reference:
    properties = {
        **_verdict(attributes),
        "country_code": text_of(attributes, "country"),
        "continent": text_of(attributes, "continent"),
        "network": text_of(attributes, "network"),
        "as_owner": text_of(attributes, "as_owner"),
        "jarm": text_of(attributes, "jarm"),
    }
    subject = facts.entity("ip_address", address, required=True, method="address_report", properties=properties)
    number = text_of(attributes, "asn")
    if number:
        asn = facts.entity("asn", number, method="asn_lookup", properties={"name": text_of(attributes, "as_owner")})
        facts.relate(subject, "MEMBER_OF", asn)
    return subject


def _add_resolution(facts: RecordFacts, attributes: dict[str, Any], name: str) -> Reference:
    domain = facts.entity("domain", name, required=True, method="passive_dns", confidence=CONFIDENCE["resolved"])
    address = text_of(attributes, "ip_address")
    if address:
        target = facts.entity("ip_address", address, method="passive_dns", confidence=CONFIDENCE["resolved"])
        properties = {"resolver": text_of(attributes, "resolver")}
        facts.relate(domain, "RESOLVES_TO", target, confidence=CONFIDENCE["resolved"], properties=properties)
    return domain


def _add_related(facts: RecordFacts, subject: Reference, relationships: dict[str, Any]) -> None:
    for key, (relationship, is_source) in _RELATED.items():
        for other in objects_of(object_of(relationships, key), "data", most=_MOST):
            kind = _ENTITY_TYPES.get(text_of(other, "type") or "")
            value = text_of(object_of(other, "attributes") or object_of(other, "context_attributes"), "url")
            value = value if kind == "url" else text_of(other, "id")
            if not kind or not value:
                continue
            target = facts.entity(kind, value, method="related_object", confidence=CONFIDENCE["related"])
            ends = (subject, target) if is_source else (target, subject)
            facts.relate(ends[0], relationship, ends[1], confidence=CONFIDENCE["related"])


_ADDERS: Final[dict[str, Callable[[RecordFacts, dict[str, Any], str], Reference]]] = {
    "file": _add_file,
    "url": _add_url,
    "domain": _add_domain,
    "ip_address": _add_address,
    "resolution": _add_resolution,
}
