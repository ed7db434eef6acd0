"""Reports of VirusTotal's API v2 as facts; see `virustotal`."""

from collections.abc import Callable
from typing import Any, Final

from clew.ingest.facts import FactBuilder, Reference
from clew.ingest.sources.json_fields import integer_of, object_of, objects_of, text_of, texts_of, utc_time_of
from clew.ingest.sources.record_facts import RecordFacts, host_of_url
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow

CONFIDENCE: Final = {
    "report": 0.9,  # the subject of a report that holds an analysis
    "resolved": 0.7,  # passive DNS: it was so once
    "related": 0.7,  # what was seen with the subject
    "unknown": 0.3,  # the service does not know the subject
}
_MOST: Final = 1_000
_SAMPLES: Final = {
    "detected_communicating_samples": "COMMUNICATES_WITH",
    "detected_downloaded_samples": "ASSOCIATED_WITH",
    "detected_referrer_samples": "MENTIONS",
}


def add_v2(builder: FactBuilder, record: int, row: ResultRow, kind: str, subject: str | None) -> None:
    """Add a report of the kind; `subject` is whose it is where the report does not say."""
    values = row.values
    stated = _stated(values, kind) or subject
    if not stated:
        raise RefusedRowError("missing_field", f"line {row.line}: nothing says which {kind} the report is about")
    content = values if kind in {"file", "url"} else {**values, "subject": stated}
    builder.record(record, row.line, content)
    known = integer_of(values, "response_code") == 1
    seen = utc_time_of(values, "scan_date")
    facts = RecordFacts(builder, record, CONFIDENCE["report" if known else "unknown"], seen)
    _ADDERS[kind](facts, values, stated)


def verdict(values: dict[str, Any]) -> dict[str, Any]:
    """The counts of an analysis as properties."""
    positives, total = integer_of(values, "positives"), integer_of(values, "total")
    if positives is None or not total or not 0 <= positives <= total:
        return {}
    return {"malicious": positives, "engines": total, "detection_ratio": round(positives / total, 4)}


def _stated(values: dict[str, Any], kind: str) -> str | None:
    if kind == "file":
        return text_of(values, "sha256", "sha1", "md5", "resource")
    return text_of(values, "url", "resource") if kind == "url" else None


def _add_file(facts: RecordFacts, values: dict[str, Any], digest: str) -> None:
    scans = object_of(values, "scans")
    results = [text for scan in scans.values() if isinstance(scan, dict) and (text := text_of(scan, "result"))]
    properties = {
        **verdict(values),
        "detections": list(dict.fromkeys(results))[:100],
        "names": texts_of(values, "submission_names", most=200),
        "file_type": text_of(values, "type"),
        "size": integer_of(values, "size"),
        "tags": texts_of(values, "tags", most=200),
        "report": text_of(values, "permalink"),
        "last_analysis": text_of(values, "scan_date"),
    }
    file = facts.entity(
        "file_hash",
        digest,
        required=True,
        method="file_report",
        first_seen=utc_time_of(values, "first_seen"),
        last_seen=utc_time_of(values, "scan_date", "last_seen"),
        properties=properties,
    )
    for key in ("sha256", "sha1", "md5"):
        other = text_of(values, key)
        if other and other != digest:
            facts.relate(facts.entity("file_hash", other, method="file_report"), "SAME_AS", file)


def _add_url(facts: RecordFacts, values: dict[str, Any], url: str) -> None:
    properties = {
        **verdict(values),
        "report": text_of(values, "permalink"),
        "last_analysis": text_of(values, "scan_date"),
    }
    page = facts.entity("url", url, required=True, method="url_report", properties=properties)
    host = host_of_url(url)
    if host:
        facts.relate(page, "ASSOCIATED_WITH", facts.host(host, method="url_host"))


def _add_domain(facts: RecordFacts, values: dict[str, Any], name: str) -> None:
    categories = [text for key in values if key.endswith("category") and (text := text_of(values, key))]
    properties = {"categories": texts_of(values, "categories", most=50) + categories}
    domain = facts.entity("domain", name, required=True, method="domain_report", properties=properties)
    for resolution in objects_of(values, "resolutions", most=_MOST):
        address, at = text_of(resolution, "ip_address"), utc_time_of(resolution, "last_resolved")
        if address:
            target = facts.entity(
                "ip_address", address, method="passive_dns", confidence=CONFIDENCE["resolved"], first_seen=at
            )
            facts.relate(domain, "RESOLVES_TO", target, confidence=CONFIDENCE["resolved"], first_seen=at)
    for below in texts_of(values, "subdomains", most=_MOST):
        target = facts.entity("domain", below, method="passive_dns", confidence=CONFIDENCE["resolved"])
        facts.relate(target, "SUBDOMAIN_OF", domain, confidence=CONFIDENCE["resolved"])
    _add_seen_with(facts, domain, values)


def _add_address(facts: RecordFacts, values: dict[str, Any], address: str) -> None:
    properties = {"country_code": text_of(values, "country"), "as_owner": text_of(values, "as_owner")}
    subject = facts.entity("ip_address", address, required=True, method="address_report", properties=properties)
    number = text_of(values, "asn")
    if number:
        asn = facts.entity("asn", number, method="asn_lookup", properties={"name": text_of(values, "as_owner")})
        facts.relate(subject, "MEMBER_OF", asn)
    for resolution in objects_of(values, "resolutions", most=_MOST):
        name, at = text_of(resolution, "hostname"), utc_time_of(resolution, "last_resolved")
        if name:
            domain = facts.entity(
                "domain", name, method="passive_dns", confidence=CONFIDENCE["resolved"], first_seen=at
            )
            facts.relate(domain, "RESOLVES_TO", subject, confidence=CONFIDENCE["resolved"], first_seen=at)
    _add_seen_with(facts, subject, values)


def _add_seen_with(facts: RecordFacts, subject: Reference, values: dict[str, Any]) -> None:
    """Urls and files that engines detected and that were seen at the subject."""
    for found in objects_of(values, "detected_urls", most=_MOST):
        url, at = text_of(found, "url"), utc_time_of(found, "scan_date")
        if url:
            page = facts.entity(
                "url",
                url,
                method="detected_url",
                confidence=CONFIDENCE["related"],
                first_seen=at,
                properties=verdict(found),
            )
            facts.relate(page, "ASSOCIATED_WITH", subject, confidence=CONFIDENCE["related"], first_seen=at)
    for key, relationship in _SAMPLES.items():
        for found in objects_of(values, key, most=_MOST):
            digest, at = text_of(found, "sha256"), utc_time_of(found, "date")
            if digest:
                file = facts.entity(
                    "file_hash",
                    digest,
                    method="detected_sample",
                    confidence=CONFIDENCE["related"],
                    first_seen=at,
                    properties=verdict(found),
                )
                facts.relate(file, relationship, subject, confidence=CONFIDENCE["related"], first_seen=at)


_ADDERS: Final[dict[str, Callable[[RecordFacts, dict[str, Any], str], None]]] = {
    "file": _add_file,
    "url": _add_url,
    "domain": _add_domain,
    "ip_address": _add_address,
}
