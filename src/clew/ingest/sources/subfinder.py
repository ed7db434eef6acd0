"""Subfinder: host names under a domain, in its plain and JSON-lines output and the documented JSON.

The writers were read in projectdiscovery/subfinder as of 2.0 (`pkg/runner/outputter.go`: a host a line, `host,ip`,
JSON lines of host and ip) and as of the latest 2.x (`host,ip,source` with -ip, `host,[source,…]` with -cs; JSON lines
of host, input, source or sources, ip, and wildcard_certificate, which is left out where false), and as of 1.x
(`libsubfinder/output/output.go`: an array of hosts, or in Aquatone's shape an object of hosts and their addresses,
empty where a host was not resolved). One file of -o may hold hosts of several inputs; what is plain or of 1.x does not
say which, so their parent is the registered domain by the public suffix list. JSON of 2.x names the input, which is
the parent where the host lies under it.

Each host is SUBDOMAIN_OF its parent and RESOLVES_TO its address where one is given. Passive sources remember what no
longer exists, so a name that resolved is believed more than one that was only reported. No times are stated.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import orjson

from clew.ingest.facts import FactBuilder, Facts
from clew.ingest.honeypots import objects_at_start
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.json_listing import listed_rows
from clew.ingest.sources.json_reports import JsonReport, read_json_reports, settle_fault, settle_rowless
from clew.ingest.sources.plain_text import encode_text, whole_lines
from clew.ingest.sources.registrable_domain import registrable_domain
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow, optional_text, required_text, settle, wrong_type

CONFIDENCE: Final = {
    "reported": 0.5,  # one passive source, or none named
    "corroborated": 0.65,  # two sources or more
    "resolved": 0.8,  # Subfinder resolved the name itself (-ip, -nW)
}
_HOST: Final = re.compile(
    rb"(?:\*\.)?(?=[^,]{1,254}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})\.?",
    re.IGNORECASE,
)
_LINE_KEYS: Final = frozenset({"host", "input", "source", "sources", "ip", "wildcard_certificate"})
_ADDRESS: Final = re.compile(rb"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*", re.IGNORECASE)
_SAMPLED_LINES: Final = 200
_LONGEST_NAME: Final = 1024  # in its own script, before it is written in ASCII


@dataclass(frozen=True, slots=True)
class _Found:
    host: str
    domain: str | None = None  # what was searched under
    addresses: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    wildcard_certificate: bool = False


class SubfinderSource:
    """Reads Subfinder's output; see the module's docstring for versions and meaning."""

    name: ClassVar[str] = "subfinder"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = (
        "Subfinder 1.x: plain, JSON; 2.x: plain, -ip, -cs, JSON lines or array; documented JSON. States no times."
    )
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By content. A bare list of hosts could be anyone's, so it is claimed with low confidence only."""
        lines = [line.strip() for line in whole_lines(sample.head, complete=sample.complete).splitlines()]
        lines = [line.removeprefix(b"\xef\xbb\xbf") for line in lines if line][:_SAMPLED_LINES]
        if not lines:
            return self._recognise_document(sample)
        if not lines[0].startswith((b"{", b"[")):
            confidence = _plain_confidence(lines)
            return Recognition(confidence, Framing.LINES, "plain") if confidence else None
        confidence = _json_lines_confidence(lines)
        if confidence:
            return Recognition(confidence, Framing.LINES, "json-lines")
        listed = _listed_confidence(sample.head)
        if listed:
            return Recognition(listed, Framing.DOCUMENT, "json-1.x")
        copied = _results_confidence(objects_at_start(sample))
        if copied:  # the JSON lines put into an array or indented, as `jq` does
            return Recognition(copied, Framing.JSON_VALUES, "json-values")
        return self._recognise_document(sample)

    def _recognise_document(self, sample: Sample) -> Recognition | None:
        report = next(read_json_reports(sample.head, "subdomains"), None)
        if report is None or report.rows is None:
            return None
        rows = [row.values for row in report.rows if row.fault is None]
        if "host" in report.head and (not rows or "subdomain" in rows[0]):
            return Recognition(0.95, Framing.DOCUMENT, "json")
        return Recognition(0.8, Framing.DOCUMENT, "json") if rows and "subdomain" in rows[0] else None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """Facts of some lines or of a whole report. Each host line or `subdomains` row is one record."""
        builder = FactBuilder()
        if context.variant == "json":
            _read_report(builder, b"\n".join(batch.records))
        elif context.variant == "json-1.x":
            _read_listed(builder, b"\n".join(batch.records))
        else:
            _read_lines(builder, batch)
        return builder.facts()


def _plain_confidence(lines: list[bytes]) -> float:
    hosts = [line.split(b",", 1) for line in lines]
    if not all(_is_host(host[0], registered=True) for host in hosts):
        return 0.0
    if all(len(host) == 1 for host in hosts):
        return 0.3
    details = [host[1] for host in hosts if len(host) == 2]
    if len(details) == len(hosts) and all(_ADDRESS.match(detail) or detail.startswith(b"[") for detail in details):
        return 0.7
    return 0.0


def _is_host(name: bytes, *, registered: bool = False) -> bool:
    """Whether it is a host's name, in ASCII or its own script; if `registered`, one under a public suffix."""
    try:
        host = _host(name, 1)
    except RefusedRowError:
        return False
    return not registered or registrable_domain(host) is not None


def _listed_confidence(head: bytes) -> float:
    """Of an array of hosts, which could be anyone's, and of an object of hosts and addresses."""
    rows = [row for _, row in zip(range(_SAMPLED_LINES), listed_rows(head), strict=False)]
    if rows and rows[-1].fault is not None:
        rows.pop()  # where the sample ends
    for row in rows:
        host, address = row.values.get("host"), row.values.get("ip", "")
        if not isinstance(host, str) or not isinstance(address, str):
            return 0.0
        if not _is_host(encode_text(host), registered=True) or (
            address and not _ADDRESS.fullmatch(encode_text(address))
        ):
            return 0.0
    return 0.0 if not rows else 0.55 if "ip" in rows[0].values else 0.35


def _json_lines_confidence(lines: Iterable[bytes]) -> float:
    return _results_confidence([_parsed(line) for line in lines])


def _parsed(line: bytes) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _results_confidence(values: Sequence[object]) -> float:
    """Of parsed results; more than half have to be of a host."""
    claimed = 0
    stated_source = False
    for value in values:
        if not isinstance(value, dict) or not isinstance(value.get("host"), str) or not value.keys() <= _LINE_KEYS:
            continue
        if value.keys() & {"input", "source", "sources", "ip"} and _is_host(encode_text(value["host"])):
            claimed += 1
            stated_source = stated_source or not value.keys().isdisjoint({"source", "sources"})
    if claimed * 2 <= len(values):
        return 0.0
    return 0.9 if stated_source else 0.6


def _read_lines(builder: FactBuilder, batch: RecordBatch) -> None:
    parents: dict[str, str | None] = {}
    for record, (data, line) in enumerate(zip(batch.records, batch.lines, strict=True), start=batch.first_record):
        text = data.removeprefix(b"\xef\xbb\xbf") if record == 0 else data
        try:
            found = _json_line(text, line) if text.lstrip().startswith(b"{") else _plain_line(text.strip(), line)
            _add(builder, record, line, found, parents)
        except RefusedRowError as refusal:
            builder.reject(record, line, refusal.reason, refusal.detail, data)


def _plain_line(data: bytes, line: int) -> _Found:
    host, _, details = data.partition(b",")
    if not details:
        return _Found(_host(host, line))
    if details.startswith(b"["):
        if not details.endswith(b"]"):
            raise RefusedRowError("truncated", f"line {line}: the list of sources is not closed")
        return _Found(_host(host, line), sources=_names(_text(details[1:-1], line).split(",")))
    address, _, source = details.partition(b",")
    if not _ADDRESS.fullmatch(address.strip()):
        raise RefusedRowError("invalid_ip_address", f"line {line}: {_shown(address)} is no address")
    return _Found(_host(host, line), addresses=(_text(address.strip(), line),), sources=_names([_text(source, line)]))


def _json_line(data: bytes, line: int) -> _Found:
    try:
        values = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise RefusedRowError("invalid_json", f"line {line}, column {error.colno}: {error.msg}") from error
    row = ResultRow(line, values, data)
    return _found(row, _host(required_text(row, "host").encode(), line), optional_text(row, "input"))


def _read_report(builder: FactBuilder, data: bytes) -> None:
    record = 0
    parents: dict[str, str | None] = {}
    for report in read_json_reports(data, "subdomains"):
        if report.rows is None:
            record = settle_rowless(builder, report, "subdomains", record)
            continue

        def keep(number: int, row: ResultRow, report: JsonReport = report) -> None:
            head = ResultRow(row.line, report.head, row.raw)
            domain = _host(required_text(head, "host").encode(), row.line)
            host = _host(required_text(row, "subdomain").encode(), row.line)
            _add(builder, number, row.line, _found(row, host, domain), parents)

        record = settle(builder, report.rows, keep, first_record=record)
        record = settle_fault(builder, report, record, kept=bool(report.rows))


def _read_listed(builder: FactBuilder, data: bytes) -> None:
    parents: dict[str, str | None] = {}

    def keep(number: int, row: ResultRow) -> None:
        host = _host(required_text(row, "host").encode(), row.line)
        _add(builder, number, row.line, _found(row, host, None), parents)

    settle(builder, listed_rows(data), keep)


def _found(row: ResultRow, host: str, domain: str | None) -> _Found:
    sources = (*_texts(row, "source"), *_texts(row, "sources"))
    return _Found(host, domain, _texts(row, "ip"), _names(sources), row.values.get("wildcard_certificate") is True)


def _add(builder: FactBuilder, record: int, line: int, found: _Found, parents: dict[str, str | None]) -> None:
    builder.record(record, line, _content(found))
    confidence = CONFIDENCE["reported"]
    if found.addresses:
        confidence = CONFIDENCE["resolved"]
    elif len(found.sources) > 1:
        confidence = CONFIDENCE["corroborated"]
    properties: dict[str, Any] | None = None
    if found.wildcard_certificate:
        properties = {"wildcard_certificate": True}
    host = found.host.removeprefix("*.")
    builder.mention(
        record, "domain", host, required=True, confidence=confidence, properties=properties, method="passive_dns"
    )
    known = {"sources": list(found.sources)} if found.sources else None
    parent = _parent(found, host, parents)
    if parent:
        builder.mention(record, "domain", parent, confidence=confidence, method="searched_domain")
        builder.link(
            record, ("domain", host), "SUBDOMAIN_OF", ("domain", parent), confidence=confidence, properties=known
        )
    for address in found.addresses:
        builder.mention(record, "ip_address", address, confidence=confidence, method="dns_resolution")
        builder.link(
            record, ("domain", host), "RESOLVES_TO", ("ip_address", address), confidence=confidence, properties=known
        )


def _content(found: _Found) -> dict[str, Any]:
    content: dict[str, Any] = {"host": found.host}
    if found.domain:
        content["input"] = found.domain
    if found.addresses:
        content["ip"] = list(found.addresses)
    if found.sources:
        content["sources"] = list(found.sources)
    if found.wildcard_certificate:
        content["wildcard_certificate"] = True
    return content


def _parent(found: _Found, host: str, parents: dict[str, str | None]) -> str | None:
    """The domain searched where the host lies under it, else the registered domain; None where that is the host."""
    name = host.casefold().rstrip(".")
    domain = (found.domain or "").casefold().rstrip(".")
    if domain and (name == domain or name.endswith("." + domain)):
        return None if name == domain else domain
    above = name.partition(".")[2]  # siblings are many: the suffix list is asked once for all of them
    if above not in parents:
        if len(parents) >= 65_536:
            parents.clear()
        registered = registrable_domain(above)
        parents[above] = registered if registered and "." in above else None
    parent = parents[above] or registrable_domain(name)
    return None if parent == name else parent


def _host(data: bytes, line: int) -> str:
    name = data.strip()
    if _HOST.fullmatch(name):
        return name.decode("ascii")
    if not name:
        raise RefusedRowError("missing_field", f"line {line}: no host name")
    if len(name) > _LONGEST_NAME:
        raise RefusedRowError("invalid_domain", f"line {line}: {len(name)} bytes are too many for a host name")
    try:
        text = name.decode()
        ascii_name = text.encode("idna")  # a searched domain may be given in its own script
    except UnicodeDecodeError as error:
        raise RefusedRowError("invalid_encoding", f"line {line}: the host name is not UTF-8") from error
    except UnicodeError as error:
        raise RefusedRowError("invalid_domain", f"line {line}: {_shown(name)} is no host name") from error
    if not _HOST.fullmatch(ascii_name):
        raise RefusedRowError("invalid_domain", f"line {line}: {_shown(name)} is no host name")
    return text


def _text(data: bytes, line: int) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise RefusedRowError("invalid_encoding", f"line {line}: byte {error.start + 1} is not UTF-8") from error
    if "\0" in text:
        raise RefusedRowError("nul_character", f"line {line}: holds the character U+0000, which cannot be stored")
    return text


def _texts(row: ResultRow, key: str) -> tuple[str, ...]:
    value = row.values.get(key)
    if value is None or value == "":
        return ()
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in values):
        raise wrong_type(row.line, key, "text or an array of texts", value)
    if any("\0" in item for item in values):
        raise RefusedRowError("nul_character", f"line {row.line}: {key!r} holds the character U+0000")
    return tuple(item.strip() for item in values if item.strip())


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({name.strip() for name in names if name.strip()}))


def _shown(data: bytes) -> str:
    return repr(data[:80].decode("utf-8", "replace"))
