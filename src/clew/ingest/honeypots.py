r"""What the readers of honeypot logs share: one record becomes one `Attack`, and an `Attack` becomes facts.

Rules for all of them. Text that PostgreSQL cannot hold (NUL) is written as `\\x00`. Bytes that are no plain text are
given as `hex:` and their hexadecimal digits. A record without a session of its own is its own session, keyed by the
SHA-256 of its bytes. A source address seen over UDP may be forged, which its confidence says.
"""

import hashlib
import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from clew.ingest.facts import FactBuilder, Facts, Reference
from clew.ingest.framing import SAMPLE_BYTES, FramingLimits, frame
from clew.ingest.sources.base import Framing, ReadContext, RecordBatch, Sample
from clew.ingest.sources.times import RecordTimes

_OBSERVED: Final = 0.9
_FORGEABLE: Final = 0.6
_BINARY: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SAMPLED_OBJECTS: Final = 5


class UnreadableRecordError(ValueError):
    """A record that has to be rejected, with the stable reason code and what was wrong."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Credential:
    """One attempt to log in; a part the client did not send is empty."""

    username: str
    password: str
    attempted_at: datetime


@dataclass(frozen=True, slots=True)
class Download:
    """A file that the other side offered or that was fetched from there."""

    url: str | None = None
    hashes: tuple[str, ...] = ()  # hexadecimal digests of one and the same content


@dataclass(slots=True)
class Attack:
    """One record of a honeypot: columns of EVENTS, and the entities it names."""

    occurred_at: datetime
    kind: str
    attack_type: str
    session: str | None = None
    source_ip: str | None = None
    source_port: int | None = None
    destination_ip: str | None = None
    target_port: int | None = None
    protocol: str | None = None
    transport: str | None = None
    payload: str | None = None
    client: str | None = None
    client_type: str = "software"  # or user_agent
    sensor: str | None = None
    fingerprints: list[str] = field(default_factory=list)  # such as "ja3:…"
    login_failures: int | None = None
    login_successes: int | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    credentials: list[Credential] = field(default_factory=list)
    downloads: list[Download] = field(default_factory=list)


class Reader:
    """Turns the values of one batch into columns, remembering addresses it has judged."""

    __slots__ = ("_addresses", "times")

    def __init__(self, context: ReadContext) -> None:
        self.times = RecordTimes(context.timezone)
        self._addresses: dict[str, str] = {}

    def time(self, value: object, name: str) -> datetime:
        """A timestamp in UTC. Rejects what is missing or unreadable."""
        if value in (None, ""):
            raise UnreadableRecordError("missing_field", f"{name} is missing")
        try:
            return self.times.read(value)
        except ValueError as error:
            raise UnreadableRecordError("invalid_timestamp", f"{name} is unreadable: {error}") from None

    def address(self, value: object, name: str) -> str | None:
        """Canonical text of an IP address; None if there is none. Rejects what is no address."""
        if value in (None, ""):
            return None
        known = self._addresses.get(value) if isinstance(value, str) else None
        if known is None:
            known = _canonical_address(value, name)
            self._addresses[str(value)] = known
        return known

    def source_address(self, value: object, name: str) -> str:
        """As `address`, and rejects that there is none."""
        address = self.address(value, name)
        if address is None:
            raise UnreadableRecordError("missing_field", f"{name} is missing")
        return address


def read_attacks(batch: RecordBatch, context: ReadContext, read_one: Callable[[bytes, Reader], Attack | None]) -> Facts:
    """Facts of a batch, by a function that reads one record and returns None for what is no record at all."""
    builder = FactBuilder()
    reader = Reader(context)
    for record, (content, line) in enumerate(zip(batch.records, batch.lines, strict=True), batch.first_record):
        try:
            attack = read_one(content, reader)
        except UnreadableRecordError as problem:
            builder.reject(record, line, problem.reason, problem.detail, content)
            continue
        if attack is not None:
            builder.record(record, line)
            _say(builder, record, attack)
    warning = reader.times.warning()
    if warning:
        builder.warn(warning)
    return builder.facts()


def parse_object(content: bytes) -> dict[str, Any]:
    """The JSON object of a record. Rejects anything else."""
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise UnreadableRecordError("invalid_json", f"not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise UnreadableRecordError("invalid_json", "not a JSON object")
    return value


def objects_at_start(sample: Sample) -> list[dict[str, Any]]:
    """The first JSON objects of a file, for recognition; empty where it has none."""
    if b"{" not in sample.head:
        return []
    found = []
    for content in _first_records(sample.head):
        try:
            found.append(parse_object(content))
        except UnreadableRecordError:
            continue
        if len(found) == _SAMPLED_OBJECTS:
            break
    return found


def _first_records(head: bytes) -> Iterator[bytes]:
    for framed in frame(BytesIO(head[:SAMPLE_BYTES]), Framing.JSON_VALUES, FramingLimits()):
        yield from framed.batch.records
    if len(head) > SAMPLE_BYTES:  # not even the first line ended there
        yield head.partition(b"\n")[0]


def port(value: object, name: str) -> int | None:
    """A port number; None for 0 or nothing. Rejects what is no port."""
    if value is None or value == "":
        return None
    text = str(value)
    if isinstance(value, bool | float) or not (text.isascii() and text.isdigit()) or int(text[:9]) > 65_535:
        raise UnreadableRecordError("invalid_port", f"{name} is no port: {text:.80}")
    return int(text) or None


def text_of(value: object) -> str | None:
    """Text without NUL; None for nothing and for the empty text. Numbers become text."""
    if value is None or value == "":
        return None
    text = value if isinstance(value, str) else str(value)
    return text.replace("\0", "\\x00") if "\0" in text else text


def payload_of(data: bytes) -> str | None:
    """What was sent: as text where it is printable UTF-8, otherwise `hex:` and its digits; None for nothing."""
    if not data:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return f"hex:{data.hex()}"
    return f"hex:{data.hex()}" if _BINARY.search(text) or text.startswith("hex:") else text


def record_key(content: bytes) -> str:
    """A stable session key for a record that has no session of its own."""
    return hashlib.sha256(content).hexdigest()


def credential(username: object, password: object, attempted_at: datetime) -> Credential | None:
    """One login attempt; None where neither part was sent."""
    name, secret = text_of(username) or "", text_of(password) or ""
    return Credential(name, secret, attempted_at) if name or secret else None


def _canonical_address(value: object, name: str) -> str:
    try:
        address = ipaddress.ip_address(str(value).strip().partition("%")[0])
    except ValueError:
        raise UnreadableRecordError("invalid_ip_address", f"{name} is no address: {value!r:.80}") from None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _say(builder: FactBuilder, record: int, attack: Attack) -> None:
    properties = _told(attack)
    builder.event(
        record,
        attack.occurred_at,
        attack.kind,
        session=attack.session,
        source_ip=attack.source_ip,
        source_port=attack.source_port,
        destination_ip=attack.destination_ip,
        target_port=attack.target_port,
        protocol=attack.protocol,
        sensor=attack.sensor,
        attack_type=attack.attack_type,
        payload=attack.payload,
        client=attack.client,
        fingerprint=min(attack.fingerprints, default=None),
        login_failures=attack.login_failures,
        login_successes=attack.login_successes,
        properties=properties,
    )
    if attack.source_ip:
        _say_source(builder, record, attack, ("ip_address", attack.source_ip))


def _told(attack: Attack) -> dict[str, Any]:
    """The properties of the event, with what the other side tried, fetched and is known by.

    Entities and relations say the same, but not in which order, and not of which session.
    """
    hashes = [digest for download in attack.downloads for digest in download.hashes]
    urls = [download.url for download in attack.downloads if download.url]
    return attack.properties | {
        "transport": attack.transport or None,
        "credentials": [[each.username, each.password] for each in attack.credentials] or None,
        "hashes": hashes or None,
        "urls": urls or None,
        "fingerprints": attack.fingerprints or None,
    }


def _say_source(builder: FactBuilder, record: int, attack: Attack, source: Reference) -> None:
    seen = attack.occurred_at
    confidence = _FORGEABLE if attack.transport == "udp" else _OBSERVED
    builder.mention(
        record, *source, required=True, confidence=confidence, first_seen=seen, method=f"{attack.kind}.source"
    )
    if attack.destination_ip:
        target = ("ip_address", attack.destination_ip)
        builder.mention(record, *target, confidence=_OBSERVED, first_seen=seen, method="honeypot_address")
        builder.link(record, source, "TARGETS", target, confidence=confidence, first_seen=seen)
    for attempt in attack.credentials:
        used = ("credential", f"{attempt.username}:{attempt.password}")
        parts = {"username": attempt.username, "password": attempt.password}
        _say_used(builder, record, source, used, attempt.attempted_at, "login_attempt", parts)
    if attack.client:
        _say_used(builder, record, source, (attack.client_type, attack.client), seen, "client_announcement")
    for download in attack.downloads:
        _say_download(builder, record, source, download, seen)


def _say_used(
    builder: FactBuilder,
    record: int,
    source: Reference,
    used: Reference,
    seen: datetime,
    method: str,
    properties: dict[str, Any] | None = None,
) -> None:
    builder.mention(record, *used, confidence=_OBSERVED, first_seen=seen, properties=properties, method=method)
    builder.link(record, source, "USES", used, confidence=_OBSERVED, first_seen=seen)


def _say_download(builder: FactBuilder, record: int, source: Reference, download: Download, seen: datetime) -> None:
    references: list[Reference] = [("file_hash", digest) for digest in download.hashes]
    for reference in references:
        _say_used(builder, record, source, reference, seen, "download")
    for reference in references[1:]:
        builder.link(record, references[0], "SAME_AS", reference, confidence=_OBSERVED, first_seen=seen)
    if download.url is None:
        return
    url: Reference = ("url", download.url)
    _say_used(builder, record, source, url, seen, "download")
    for reference in references:
        builder.link(record, reference, "ASSOCIATED_WITH", url, confidence=_OBSERVED, first_seen=seen)
    host = _host(download.url)
    if host:
        builder.mention(record, *host, confidence=_OBSERVED, first_seen=seen, method="download_host")
        builder.link(record, url, "ASSOCIATED_WITH", host, confidence=_OBSERVED, first_seen=seen)


def _host(url: str) -> tuple[str, str] | None:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return None
    if not host:
        return None
    try:
        return "ip_address", str(ipaddress.ip_address(host))
    except ValueError:
        return ("domain", host) if "." in host else None
