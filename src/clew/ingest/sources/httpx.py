"""httpx (ProjectDiscovery): web servers that answered a probe, from its JSON lines.

The writer was read in projectdiscovery/httpx: `runner/runner.go` of 1.0 and 1.1 (keys with hyphens: status-code,
content-length, technologies, response-time, tls-grab, cnames) and `runner/types.go` of 1.3 to 1.7 (keys with
underscores: status_code, content_length, tech, time, tls, cname; `aaaa`, cdn_type, body_fqdn and resolvers added
later; `asn` with as-number before, as_number now). Both spellings are read as one. Several objects in an array, as
`jq -s` makes it of the lines, are read too.

A line gives the url with what its server said of itself, ASSOCIATED_WITH its host; url USES software (the server's
banner and each technology, "name:version" as name/version); the host's domain RESOLVES_TO the address that answered
and the others looked up with it; the address is MEMBER_OF its autonomous system; names in the certificate and in the
page are MENTIONed by the url. A CNAME is a RESOLVES_TO between domains. A probe without an answer (`failed`) leaves
only its host, hardly believed. `timestamp` carries an offset and is when all of it was seen.
"""

import re
from typing import Any, ClassVar, Final

from clew.ingest.facts import FactBuilder, Facts, Reference
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.json_fields import integer_of, object_of, text_of, texts_of, utc_time_of
from clew.ingest.sources.json_values import batch_rows, sample_objects, settle_rows
from clew.ingest.sources.record_facts import (
    RecordFacts,
    address_in,
    dns_name,
    host_of_url,
    host_type,
    is_address,
    software_name,
)
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow

CONFIDENCE: Final = {
    "answered": 0.9,  # the tool itself spoke with it
    "looked_up": 0.9,  # the tool itself asked the DNS
    "detected": 0.7,  # a technology recognised by patterns
    "certificate": 0.6,  # a name that a certificate claims
    "mentioned": 0.4,  # a name found in the page
    "failed": 0.3,  # asked for, but no answer
}
_RENAMED: Final = {
    "technologies": "tech",
    "cnames": "cname",
    "tls_grab": "tls",
    "response_time": "time",
    "response_body": "body",
    "favicon_mmh3": "favicon",
    "jarm_hash": "jarm",
    "hashes": "hash",
}
_OF_ANSWERS: Final = frozenset(
    {"status_code", "content_length", "content_type", "webserver", "tech", "words", "lines", "failed", "time", "method"}
)
_SHOWN: Final = (
    *("title", "webserver", "content_type", "method", "location", "final_url", "favicon", "jarm", "cdn_name"),
    *("cdn_type", "sni", "time", "body_sha256", "header_sha256"),
)
_MOST_NAMES: Final = 500
_TECHNOLOGY: Final = re.compile(r"(.{1,200}?):(\d[\w.+-]{0,40})", re.DOTALL)


class HttpxSource:
    """Reads httpx's JSON lines; see the module's docstring for versions and meaning."""

    name: ClassVar[str] = "httpx"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = "httpx (ProjectDiscovery) 1.0–1.7: JSON lines of -json, old and new keys. Time: timestamp."
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By content: objects with a url and what only an HTTP probe tells of it."""
        sampled = sample_objects(sample)
        share = sampled.share(_is_probe)
        if share <= 0.5:
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


def _is_probe(values: dict[str, Any]) -> bool:
    known = _renamed(values)
    subject = isinstance(known.get("url"), str) or isinstance(known.get("input"), str)
    return subject and len(known.keys() & _OF_ANSWERS) >= 3 and "matched-at" not in values


def _renamed(values: dict[str, Any]) -> dict[str, Any]:
    keys = {key: key.replace("-", "_") for key in values}
    return {_RENAMED.get(key, key): values[old] for old, key in keys.items()}


def _add(builder: FactBuilder, record: int, row: ResultRow) -> None:
    values = _renamed(row.values)
    url = text_of(values, "url")
    asked = text_of(values, "input")
    if not url and not asked:
        raise RefusedRowError("missing_field", f"line {row.line}: neither 'url' nor 'input'")
    builder.record(record, row.line, row.values)
    facts = RecordFacts(builder, record, CONFIDENCE["answered"], utc_time_of(values, "timestamp"))
    if values.get("failed") is True or not url:
        host = host_of_url(url or asked or "")
        if host:
            facts.host(host, method="probe_failed", confidence=CONFIDENCE["failed"])
        return
    page = facts.entity("url", url, required=True, method="http_probe", properties=_page_properties(values))
    _add_software(facts, page, values)
    _add_host(facts, page, values, host_of_url(url))
    _add_names(facts, page, values)


def _page_properties(values: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {key: text_of(values, key) for key in _SHOWN}
    for key in ("status_code", "content_length", "port", "words", "lines"):
        shown[key] = integer_of(values, key)
    shown["technologies"] = texts_of(values, "tech")
    for key in ("vhost", "websocket", "http2", "cdn", "pipeline"):
        shown[key] = True if values.get(key) is True else None
    digests = object_of(values, "hash")
    for key in ("body_sha256", "body_md5", "header_sha256"):
        shown[key] = shown.get(key) or text_of(digests, key)
    return shown


def _add_software(facts: RecordFacts, page: Reference, values: dict[str, Any]) -> None:
    banner = text_of(values, "webserver")
    named = {banner: CONFIDENCE["answered"]} if banner else {}
    for technology in texts_of(values, "tech", most=_MOST_NAMES):
        match = _TECHNOLOGY.fullmatch(technology)
        named.setdefault(software_name(match[1], match[2]) if match else technology, CONFIDENCE["detected"])
    for name, confidence in named.items():
        software = facts.entity("software", name, method="http_fingerprint", confidence=confidence)
        facts.relate(page, "USES", software, confidence=confidence)


def _add_host(facts: RecordFacts, page: Reference, values: dict[str, Any], host: str | None) -> None:
    if not host:
        return
    subject = facts.host(host, method="http_probe")
    facts.relate(page, "ASSOCIATED_WITH", subject)
    answered = next((value for key in ("host_ip", "host") if (value := text_of(values, key)) and is_address(value)), "")
    addresses = list(dict.fromkeys(texts_of(values, "a", "aaaa", most=_MOST_NAMES)))
    if answered and answered not in addresses:
        addresses.insert(0, answered)
    if subject[0] == "domain":
        _resolve(facts, subject, addresses, texts_of(values, "cname", most=_MOST_NAMES))
    system = object_of(values, "asn")
    number = text_of(system, "as_number", "as-number")
    member = host if subject[0] == "ip_address" else address_in(_ranges(system), addresses) or answered
    if number and member:
        properties = {
            "name": text_of(system, "as_name", "as-name"),
            "country": text_of(system, "as_country", "as-country"),
        }
        asn = facts.entity("asn", number, method="asn_lookup", properties=properties)
        facts.relate(facts.entity("ip_address", member, method="asn_lookup"), "MEMBER_OF", asn)


def _ranges(system: dict[str, Any]) -> list[str]:
    return texts_of(system, "as_range", "as-range")


def _resolve(facts: RecordFacts, domain: Reference, addresses: list[str], aliases: list[str]) -> None:
    for address in addresses:
        target = facts.entity("ip_address", address, method="dns_resolution", confidence=CONFIDENCE["looked_up"])
        facts.relate(domain, "RESOLVES_TO", target, confidence=CONFIDENCE["looked_up"])
    for alias in aliases:
        target = facts.entity("domain", dns_name(alias), method="dns_resolution", confidence=CONFIDENCE["looked_up"])
        facts.relate(
            domain, "RESOLVES_TO", target, confidence=CONFIDENCE["looked_up"], properties={"record_type": "CNAME"}
        )


def _add_names(facts: RecordFacts, page: Reference, values: dict[str, Any]) -> None:
    certificate = object_of(values, "tls")
    for method, names in (
        (
            "certificate",
            texts_of(certificate, "subject_cn", "subject_an", "common_name", "dns_names", most=_MOST_NAMES),
        ),
        ("mentioned", texts_of(values, "body_fqdn", "body_domains", most=_MOST_NAMES)),
    ):
        for name in names:
            if host_type(name) == "domain" and "." in name:
                target = facts.entity("domain", name, method=f"{method}_name", confidence=CONFIDENCE[method])
                facts.relate(page, "MENTIONS", target, confidence=CONFIDENCE[method])
