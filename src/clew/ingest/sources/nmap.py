"""nmap's XML (-oX, -oA): hosts with names, open ports, software, operating system, SSH keys and vulnerabilities.

Read in nmap/nmap: `docs/nmap.dtd` and what `nmap.cc` writes around the hosts (--resume opens a second root without
attributes). What differs between versions: older hosts have no start and end of their own, so the scan's hold; `cpe`
stands below service since 5.50, tables below script since 6.25; `hosthint` (7.9x) says twice what `host` says and is
passed over. --traceroute adds `trace` (see `nmap_trace`): hops are addresses of their own, each of which passed packets
on to the next one that answered (COMMUNICATES_WITH). Dates as text are in the scanner's zone and are not read: the
same moments stand in unix seconds. masscan writes the same elements, one host for each port.

Each host is one record. An interrupted scan lacks the closing tag, --append-output puts one scan behind the other:
both are read as far as hosts are whole. Nmap says by a port's number alone what service may be there (method "table");
only what it probed (method "probed") becomes software. A PTR name is what the address' owner claims. Hosts that did
not answer are records without entities, unless nmap resolved a name to them.

The whole file is handed over at once, so a scan of more than the loader's document limit must be split by hosts.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, ClassVar, Final

from clew.ingest.facts import FactBuilder, Facts
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.epoch_times import read_epoch
from clew.ingest.sources.nmap_scripts import certificate_names, findings, host_keys
from clew.ingest.sources.nmap_trace import hops_of
from clew.ingest.sources.result_rows import RefusedRowError
from clew.ingest.sources.value_shapes import is_address
from clew.ingest.sources.xml_records import Element, XmlReport, read_xml, settle_xml, xml_root

CONFIDENCE: Final = {
    "host": 0.95,  # it answered
    "forward": 0.9,  # nmap itself resolved the name it was given
    "reverse": 0.6,  # a PTR record: the address' owner says so
    "key": 0.95,  # the server proved to hold it
    "system": 0.8,  # of nmap's own accuracy, for the best match
    "hop": 0.7,  # it answered a packet on its way; that it passed the next one on, too, is likely
    "certificate": 0.6,  # a name that the server's certificate claims
}
_MOST_PORTS: Final = 65_536 * 3
_ORDER: Final = ("name", "product", "version", "extrainfo", "tunnel", "hostname", "ostype", "devicetype")


@dataclass(frozen=True, slots=True)
class _Port:
    number: str  # such as "22/tcp"
    state: str
    service: dict[str, str]
    cpe: tuple[str, ...]
    scripts: tuple[Element, ...]

    @property
    def software(self) -> str | None:
        """Product and version, where nmap got an answer that told it."""
        if self.service.get("method") != "probed" or not self.service.get("product"):
            return None
        return f"{self.service['product']} {self.service.get('version', '')}".strip()


@dataclass(frozen=True, slots=True)
class _Host:
    address: str
    element: Element
    start: datetime | None
    end: datetime | None
    ports: tuple[_Port, ...]
    names: tuple[tuple[str, str], ...]  # name and "user" or "PTR"
    content: dict[str, Any] = field(default_factory=dict)

    @property
    def seen(self) -> dict[str, Any]:
        return {"first_seen": self.start or self.end, "last_seen": self.end or self.start}

    @property
    def up(self) -> bool:
        return self.element.first("status").attributes.get("state", "up") == "up"


class NmapSource:
    """Reads nmap's XML; see the module's docstring for versions and meaning."""

    name: ClassVar[str] = "nmap"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = (
        "nmap 4–7 XML (-oX), also interrupted or appended; masscan's XML. Times: unix seconds of host or scan."
    )
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By its root element."""
        root = xml_root(sample.head)
        if root is None or root.tag != "nmaprun":
            return None
        return Recognition(0.95, Framing.DOCUMENT, "xml")

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """Facts of a whole file. Each host is one record."""
        builder = FactBuilder()
        record = 0
        for report in read_xml(b"\n".join(batch.records), "nmaprun", ("host",), ("runstats",)):
            record = _read_scan(builder, report, record)
        return builder.facts()


def _read_scan(builder: FactBuilder, report: XmlReport, record: int) -> int:
    finished = next(iter(report.others), Element("runstats", {})).first("finished").attributes
    start, end = read_epoch(report.attributes.get("start")), read_epoch(finished.get("time"))
    if finished.get("exit") == "error":
        builder.warn(f"nmap stopped with an error: {finished.get('errormsg', 'none given')[:200]}")

    def keep(number: int, line: int, element: Element) -> None:
        host = _host(line, element, start, end)
        builder.record(number, line, host.content)
        _add(builder, number, host)

    return settle_xml(builder, report, keep, first_record=record)


def _host(line: int, element: Element, start: datetime | None, end: datetime | None) -> _Host:
    addresses = {
        address.attributes.get("addrtype", "ipv4"): address.attributes
        for address in reversed(list(element.all("address")))
    }
    address = (addresses.get("ipv4") or addresses.get("ipv6") or {}).get("addr", "").strip()
    if not address:
        raise RefusedRowError("missing_field", f"line {line}: the host has no address")
    if not is_address(address):
        raise RefusedRowError("invalid_ip_address", f"line {line}: {address[:80]!r} is no address")
    ports = tuple(_port(port) for group in element.all("ports") for port in group.all("port"))[:_MOST_PORTS]
    names = tuple(
        (name.attributes["name"], name.attributes.get("type", "PTR"))
        for group in element.all("hostnames")
        for name in group.all("hostname")
        if name.attributes.get("name", "").strip()
    )
    host = _Host(
        address,
        element,
        read_epoch(element.attributes.get("starttime")) or start,
        read_epoch(element.attributes.get("endtime")) or end,
        ports,
        names,
    )
    host.content.update(_content(host, addresses.get("mac", {})))
    return host


def _port(element: Element) -> _Port:
    service = element.first("service")
    return _Port(
        f"{element.attributes.get('portid', '?')}/{element.attributes.get('protocol', '?')}"[:32],
        element.first("state").attributes.get("state", "unknown"),
        service.attributes,
        tuple(cpe.text.strip() for cpe in service.all("cpe")),
        tuple(element.all("script")),
    )


def _content(host: _Host, mac: dict[str, str]) -> dict[str, Any]:
    system = _system(host.element)
    content: dict[str, Any] = {
        "address": host.address,
        "status": host.element.first("status").attributes.get("state"),
        "mac": mac.get("addr"),
        "mac_vendor": mac.get("vendor"),
        "hostnames": [{"name": name, "type": kind} for name, kind in host.names],
        "ports": [_port_content(port) for port in host.ports],
        "scripts": {script.attributes.get("id", "?"): _output(script) for script in _host_scripts(host)},
        "os": system[0] if system else None,
        "traceroute": [hop.content for hop in hops_of(host.element)],
        "started_at": host.start.isoformat() if host.start else None,
        "ended_at": host.end.isoformat() if host.end else None,
    }
    return {key: value for key, value in content.items() if value}


def _port_content(port: _Port) -> dict[str, Any]:
    service = {key: port.service[key] for key in (*_ORDER, "method", "conf") if port.service.get(key)}
    scripts = {script.attributes.get("id", "?"): _output(script) for script in port.scripts}
    content = {"port": port.number, "state": port.state, "service": service, "cpe": list(port.cpe), "scripts": scripts}
    return {key: value for key, value in content.items() if value}


def _output(script: Element) -> str:
    return script.attributes.get("output", "")


def _host_scripts(host: _Host) -> list[Element]:
    return [script for group in host.element.all("hostscript") for script in group.all("script")]


def _system(host: Element) -> tuple[str, float] | None:
    """The best match's name and nmap's accuracy, 0–1."""
    matches = [
        (match.attributes["name"], int(match.attributes["accuracy"]) / 100)
        for match in host.first("os").all("osmatch")
        if match.attributes.get("name") and re.fullmatch(r"\d{1,2}|100", match.attributes.get("accuracy", ""))
    ]
    return max(matches, key=lambda match: match[1], default=None)


def _add(builder: FactBuilder, record: int, host: _Host) -> None:
    if not host.up and not any(kind == "user" for _, kind in host.names):
        return
    opened = [port for port in host.ports if port.state == "open"]
    system = _system(host.element)
    builder.mention(
        record,
        "ip_address",
        host.address,
        required=True,
        confidence=CONFIDENCE["host"] if host.up else CONFIDENCE["reverse"],
        properties={
            "open_ports": [port.number for port in opened] or None,
            "mac_address": host.content.get("mac"),
            "mac_vendor": host.content.get("mac_vendor"),
            "operating_system": system[0] if system else None,
            "host_state": host.content.get("status"),
        },
        method="port_scan",
        **host.seen,
    )
    _add_names(builder, record, host)
    _add_software(builder, record, host, opened)
    if system:
        _use(
            builder, record, host, ("software", system[0]), system[1] * CONFIDENCE["system"], {"operating_system": True}
        )
    if host.up:
        _add_way(builder, record, host)
    for place, script in [*((port.number, script) for port in opened for script in port.scripts), *_everywhere(host)]:
        _add_script(builder, record, host, place, script)


def _add_way(builder: FactBuilder, record: int, host: _Host) -> None:
    hops = [hop for hop in hops_of(host.element) if hop.is_known_everywhere]
    for hop in hops:
        address = ("ip_address", hop.address)
        builder.mention(record, *address, confidence=CONFIDENCE["hop"], method="traceroute", **host.seen)
        if hop.name:
            reverse = CONFIDENCE["reverse"]
            builder.mention(record, "domain", hop.name, confidence=reverse, method="reverse_dns", **host.seen)
            builder.link(
                record,
                ("domain", hop.name),
                "RESOLVES_TO",
                address,
                confidence=reverse,
                properties={"record": "PTR"},
                **host.seen,
            )
    for before, after in pairwise(hops):
        if before.address != after.address:
            builder.link(
                record,
                ("ip_address", before.address),
                "COMMUNICATES_WITH",
                ("ip_address", after.address),
                confidence=CONFIDENCE["hop"],
                properties={"via": "traceroute", "steps": after.ttl - before.ttl},
                **host.seen,
            )


def _everywhere(host: _Host) -> list[tuple[str | None, Element]]:
    return [(None, script) for script in _host_scripts(host)]


def _add_names(builder: FactBuilder, record: int, host: _Host) -> None:
    for name, kind in dict.fromkeys(host.names):
        if is_address(name.strip()):
            continue
        forward = kind == "user"
        confidence = CONFIDENCE["forward" if forward else "reverse"]
        method = "dns_resolution" if forward else "reverse_dns"
        builder.mention(record, "domain", name, confidence=confidence, method=method, **host.seen)
        builder.link(
            record,
            ("domain", name),
            "RESOLVES_TO",
            ("ip_address", host.address),
            confidence=confidence,
            properties={"record": None if forward else "PTR"},
            **host.seen,
        )


def _add_software(builder: FactBuilder, record: int, host: _Host, opened: list[_Port]) -> None:
    """One link for each product, however many ports it answers on."""
    by_name: dict[str, list[_Port]] = {}
    for port in opened:
        if port.software:
            by_name.setdefault(port.software, []).append(port)
    for software, ports in by_name.items():
        conf = max(int(port.service["conf"]) if port.service.get("conf", "").isdecimal() else 0 for port in ports)
        first = ports[0]
        details = {
            "ports": [port.number for port in ports],
            "service": first.service.get("name"),
            "extra": first.service.get("extrainfo"),
        }
        properties = {"product": first.service["product"], "version": first.service.get("version")}
        properties["cpe"] = next(iter(first.cpe), None)
        _use(builder, record, host, ("software", software), min(conf, 10) * 0.09, details, properties)


def _use(
    builder: FactBuilder,
    record: int,
    host: _Host,
    used: tuple[str, str],
    confidence: float,
    details: dict[str, Any],
    properties: dict[str, Any] | None = None,
) -> None:
    builder.mention(
        record, used[0], used[1], confidence=confidence, properties=properties, method="service_detection", **host.seen
    )
    builder.link(
        record,
        ("ip_address", host.address),
        "USES",
        used,
        confidence=confidence,
        properties=details,
        **host.seen,
    )


def _add_script(builder: FactBuilder, record: int, host: _Host, place: str | None, script: Element) -> None:
    name = script.attributes.get("id", "")
    if name.casefold() in {"ssh-hostkey", "ssh_hostkey"}:
        for key in host_keys(script):
            details = {"ports": [place] if place else None, "bits": key.bits}
            _use(builder, record, host, ("ssh_key", key.value), CONFIDENCE["key"], details)
        return
    if name.casefold() == "ssl-cert":
        _add_certificate(builder, record, host, place, script)
        return
    for finding in findings(script):
        builder.mention(
            record,
            "vulnerability",
            finding.cve,
            confidence=finding.confidence,
            properties={"title": finding.title, "cvss": finding.cvss},
            method="nmap_script",
            **host.seen,
        )
        builder.link(
            record,
            ("ip_address", host.address),
            "INDICATES",
            ("vulnerability", finding.cve),
            confidence=finding.confidence,
            properties={"script": name, "port": place, "state": finding.state, "cvss": finding.cvss},
            **host.seen,
        )


def _add_certificate(builder: FactBuilder, record: int, host: _Host, place: str | None, script: Element) -> None:
    claimed = CONFIDENCE["certificate"]
    for name in certificate_names(script):
        builder.mention(record, "domain", name, confidence=claimed, method="certificate", **host.seen)
        builder.link(
            record,
            ("domain", name),
            "RESOLVES_TO",
            ("ip_address", host.address),
            confidence=claimed,
            properties={"certificate": True, "port": place},
            **host.seen,
        )
