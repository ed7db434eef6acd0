"""VirusTotal: what engines and sandboxes say of files, addresses on the web, domains and IP addresses.

From excerpts of the documentation of API v3 (objects file, url, domain, ip_address and resolution: {"data": {type, id,
attributes, relationships}}, collections as an array under `data`), the objects as the vt command prints them with
`--format json` (attributes beside _id and _type), and of API v2 (/file/report, /url/report, /domain/report,
/ip-address/report; virus_total_apis puts them under `results`). Times are unix seconds in v3 and text in v2, both UTC.
v2 reports on domains and addresses do not say whose they are: the file's name does (the subject alone, or with vt,
virustotal, domain, ip, report around it: "vt_203.0.113.7.json"), or the setting `subject`; else they are rejected.

Each object is one record. A file is its SHA-256 with names, size and type; MD5 and SHA-1 are SAME_AS it. Counts of the
last analysis are properties of the subject. A file INDICATES the malware families that most engines name, and a family
is believed as far as engines agree: detections of all that gave a verdict, and among families by how often each is
named. Single engines' names of what they found are a property, never entities. A url is ASSOCIATED_WITH its host and
the content it served; domains RESOLVES_TO addresses, USES servers; addresses are MEMBER_OF their system. Related
objects of v3 and the detected urls and samples of v2 become links; undetected ones stay in the record's content.
"""

import re
from collections.abc import Callable
from typing import Any, ClassVar, Final
from urllib.parse import unquote

from clew.ingest.facts import FactBuilder, Facts
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.json_fields import object_of, objects_of, text_of
from clew.ingest.sources.json_values import batch_rows, nested_rows, sample_objects, settle_rows
from clew.ingest.sources.record_facts import is_address
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow
from clew.ingest.sources.virustotal_v2 import add_v2
from clew.ingest.sources.virustotal_v3 import V3_KINDS, add_v3

_LABEL: Final = "(?:vt|virustotal|virus_total|domain|ip|ip-address|report|v2)"
_NAME: Final = re.compile(
    rf"(?:{_LABEL}[_ -]++)*+(.{{1,300}}?)(?:[_ -]++{_LABEL})*+(?: ?\(\d{{1,3}}\))?(?:\.jsonl?)?", re.IGNORECASE
)
_HOST: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.IGNORECASE)


class VirusTotalSource:
    """Reads VirusTotal's reports; see the module's docstring for versions and meaning."""

    name: ClassVar[str] = "virustotal"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = (
        "VirusTotal API v3 and v2, vt --format json: file, url, domain, IP address. Times are UTC; a v2 domain or "
        "address is named by the file."
    )
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By content: v3's typed objects with attributes, or what only v2's reports hold together."""
        sampled = sample_objects(sample)
        if sampled.share(lambda values: _is_report(values) or _is_enveloped(values)) <= 0.5:
            return None
        wrapped = any(_is_enveloped(values) for values in sampled.objects)
        lines = sampled.one_a_line and not wrapped
        return Recognition(0.9, Framing.LINES if lines else Framing.DOCUMENT, "json-lines" if lines else "json")

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """Facts of some lines, or of a whole document. Each object is one record."""
        builder = FactBuilder()
        lines = context.variant == "json-lines"
        rows = batch_rows(batch, one_a_line=lines)
        if not lines:
            rows = [found for row in rows for found in _unwrapped(row)]
        subject = context.options.get("subject") or subject_of_file(context.file_name)

        def keep(record: int, row: ResultRow) -> None:
            _adder(row, subject)(builder, record, row)

        settle_rows(builder, rows, keep, first_record=batch.first_record)
        return builder.facts()


def subject_of_file(name: str) -> str | None:
    """The domain or address that a file is named by, as the module says."""
    match = _NAME.fullmatch(name[:400])
    if match is None:
        return None
    stem = unquote(match[1]) if "%" in match[1] else match[1]
    for text in (stem, stem.replace("_", ":")):  # an IPv6 address cannot be a file's name everywhere
        if is_address(text):
            return text
    return stem if _HOST.fullmatch(stem) else None


def _is_report(values: dict[str, Any]) -> bool:
    typed = text_of(values, "type", "_type") in V3_KINDS and text_of(values, "id", "_id")
    if typed and ("_type" in values or isinstance(values.get("attributes"), dict)):
        return True
    return isinstance(values.get("response_code"), int) and _v2_kind(values) is not None


def _is_enveloped(values: dict[str, Any]) -> bool:
    inner = objects_of(values, "data", most=20) or objects_of(values, "results", most=20)
    return bool(inner) and all(map(_is_report, inner[:-1] or inner))


def _unwrapped(row: ResultRow) -> list[ResultRow]:
    if row.fault is None and not _is_report(row.values):
        for key in ("data", "results"):
            if isinstance(row.values.get(key), list | dict):
                return nested_rows(row, key)
    return [row]


def _v2_kind(values: dict[str, Any]) -> str | None:
    """What a v2 report is about, by the members it has."""
    if "url" in values and values.keys() & {"scan_id", "scans", "positives", "filescan_id"}:
        return "url"
    if values.keys() & {"sha256", "md5", "sha1"} or {"resource", "verbose_msg"} <= values.keys():
        return "file"
    resolutions = objects_of(values, "resolutions", most=5)
    if any("ip_address" in resolution for resolution in resolutions) or values.keys() & {"domain_siblings", "whois"}:
        return "domain"
    if any("hostname" in resolution for resolution in resolutions) or values.keys() & {"as_owner", "asn"}:
        return "ip_address"
    return "host" if values.keys() & {"detected_urls", "undetected_urls", "verbose_msg"} else None


def _adder(row: ResultRow, subject: str | None) -> Callable[[FactBuilder, int, ResultRow], None]:
    """How to add a row, or RefusedRowError for what is none of the reports."""
    values = row.values
    if "error" in values and isinstance(values["error"], dict):
        stated = text_of(object_of(values, "error"), "code", "message")
        raise RefusedRowError("error_answer", f"line {row.line}: the service answered with an error: {stated}")
    kind = text_of(values, "type", "_type")
    if kind and "response_code" not in values:
        if kind not in V3_KINDS:
            raise RefusedRowError("unsupported_object", f"line {row.line}: objects of type {kind[:60]!r} are not read")
        return lambda builder, record, row: add_v3(builder, record, row, kind)
    known = _v2_kind(values)
    if known is None:
        raise RefusedRowError("unsupported_object", f"line {row.line}: neither a v3 object nor a v2 report")
    if known in {"domain", "ip_address", "host"}:
        if subject is None:
            raise RefusedRowError(
                "missing_subject",
                f"line {row.line}: a v2 report does not say whose it is; name the file <domain or address>.json "
                "and read it again",
            )
        known = "ip_address" if is_address(subject) else "domain"
    return lambda builder, record, row: add_v2(builder, record, row, known, subject)
