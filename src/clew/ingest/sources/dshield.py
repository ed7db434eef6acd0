"""The DShield sensor: web requests, firewall records and logins as it writes or reports them in JSON.

Three shapes, told apart record by record. The web honeypot (srv/web/isc_agent, and before it the isc-agent on Twisted)
writes an object a line: time, headers, sip, dip, method, url, data, useragent (a text today, a list in the older
one), version, response_id, signature_id. fwlogparser.py makes objects of time (seconds since 1970), sip, dip, proto
(a number), sport, dport, flags, version out of the firewall's log. Logins are sip or source_ip, user or username,
password. Each may stand in `{"type": …, "logs": […]}`, as it is sent to DShield. What the sensor's Cowrie writes is
read as Cowrie's.

No record knows a session: each is its own. The web honeypot writes local time without a zone.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from clew.ingest.facts import Facts
from clew.ingest.honeypots import (
    Attack,
    Reader,
    UnreadableRecordError,
    credential,
    objects_at_start,
    parse_object,
    port,
    read_attacks,
    record_key,
    text_of,
)
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample

_WEB: Final = frozenset({"sip", "dip", "method", "url", "headers"})
_FIREWALL: Final = frozenset({"sip", "dip", "proto", "sport", "dport"})
_LOGIN_ADDRESS: Final = ("sip", "source_ip")
_LOGIN_NAME: Final = ("username", "user")
_TRANSPORTS: Final = {1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 50: "esp", 51: "ah", 58: "icmpv6"}
_LATEST_EPOCH: Final = 253_402_300_799  # the end of the year 9999


class DShieldSource:
    """Reads the DShield sensor's web honeypot, firewall and login records."""

    name: ClassVar[str] = "dshield"
    kind: ClassVar[ItemKind] = ItemKind.LOG
    reads: ClassVar[str] = (
        "DShield sensor: webhoneypot-*.json (isc-agent of 2021 to today), firewall records of fwlogparser.py, logins; "
        "a line each or in a list; web times carry no zone, the sensor writes its local time; the sensor's Cowrie "
        "log is read as Cowrie's"
    )
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By the fields of the first objects."""
        objects = objects_at_start(sample)
        if objects and all(_shape(value) for value in objects):
            return Recognition(0.9, Framing.JSON_VALUES, "json")
        return None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """One event a record."""
        return read_attacks(batch, context, _read)


def _shape(fields: dict[str, Any]) -> str | None:
    if fields.keys() >= _WEB:
        return "web"
    if fields.keys() >= _FIREWALL:
        return "firewall"
    is_login = any(name in fields for name in _LOGIN_ADDRESS) and any(name in fields for name in _LOGIN_NAME)
    return "login" if is_login and "password" in fields and "time" in fields else None


def _read(content: bytes, reader: Reader) -> Attack:
    fields = parse_object(content)
    match _shape(fields):
        case "web":
            return _request(fields, content, reader)
        case "firewall":
            return _packet(fields, content, reader)
        case "login":
            return _login(fields, content, reader)
    raise UnreadableRecordError("missing_field", "neither a web, a firewall nor a login record")


def _attack(fields: dict[str, Any], content: bytes, reader: Reader, kind: str, attack_type: str) -> Attack:
    source = next((fields[name] for name in _LOGIN_ADDRESS if fields.get(name)), None)
    return Attack(
        _moment(fields, reader),
        f"dshield.{kind}",
        attack_type,
        session=record_key(content),
        source_ip=reader.source_address(source, "sip"),
        destination_ip=reader.address(fields.get("dip"), "dip"),
        sensor=text_of(fields.get("sensor")) or text_of(fields.get("dip")),
    )


def _moment(fields: dict[str, Any], reader: Reader) -> datetime:
    """The time, in whole seconds since 1970 or as text; logins of older sensors have the date beside it."""
    value = fields.get("time")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not 0 <= value <= _LATEST_EPOCH:
            raise UnreadableRecordError("invalid_timestamp", f"time is unreadable: {value!r:.40}")
        return datetime.fromtimestamp(value, UTC)
    date, zone = text_of(fields.get("date")), text_of(fields.get("timezone")) or ""
    return reader.time(f"{date} {value}{zone}" if date and isinstance(value, str) else value, "time")


def _request(fields: dict[str, Any], content: bytes, reader: Reader) -> Attack:
    attack = _attack(fields, content, reader, "web", "reconnaissance")
    attack.protocol, attack.transport = "http", "tcp"
    attack.target_port = port(fields.get("dport"), "dport")
    method, url = text_of(fields.get("method")) or "GET", text_of(fields.get("url")) or "/"
    head = " ".join(filter(None, (method, url, text_of(fields.get("version")))))
    body = text_of(fields.get("data"))
    attack.payload = f"{head}\n\n{body}" if body else head
    headers = fields.get("headers")
    named = {str(name).lower(): value for name, value in headers.items()} if isinstance(headers, dict) else {}
    agent = fields.get("useragent")
    agent = next(iter(agent), None) if isinstance(agent, list) else agent
    attack.client, attack.client_type = text_of(agent) or text_of(named.get("user-agent")), "user_agent"
    signature = fields.get("signature_id")
    attack.properties = {
        "http_path": url,
        "http_method": method,
        "http_host": text_of(named.get("host")),
        "response_id": fields.get("response_id"),
        "signature_id": signature.get("id") if isinstance(signature, dict) else signature,
    }
    return attack


def _packet(fields: dict[str, Any], content: bytes, reader: Reader) -> Attack:
    attack = _attack(fields, content, reader, "firewall", "scan")
    number = fields.get("proto")
    attack.transport = _TRANSPORTS.get(number) if isinstance(number, int) else None
    attack.protocol = attack.transport
    if attack.transport in {"tcp", "udp"}:
        attack.source_port = port(fields.get("sport"), "sport")
        attack.target_port = port(fields.get("dport"), "dport")
    else:  # of ICMP these are the type and the code
        attack.properties["icmp_type"], attack.properties["icmp_code"] = fields.get("sport"), fields.get("dport")
    attack.properties["flags"] = text_of(fields.get("flags"))
    return attack


def _login(fields: dict[str, Any], content: bytes, reader: Reader) -> Attack:
    attack = _attack(fields, content, reader, "login", "brute_force")
    attack.protocol = (text_of(fields.get("protocol")) or "ssh").lower()
    attack.login_failures, attack.login_successes = 1, 0
    name = next((fields[name] for name in _LOGIN_NAME if fields.get(name)), None)
    attempt = credential(name, fields.get("password"), attack.occurred_at)
    if attempt:
        attack.credentials.append(attempt)
    return attack
