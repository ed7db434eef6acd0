"""Suricata: EVE JSON, one object an event (alert, http, ssh, tls, flow, fileinfo …); a connection has one flow_id.

Read as Suricata 3 to 8 write it, or as Splunk exports it: `{"result": {"_raw": "the event as text"}}`. What changed
over the versions and is told apart by what is there: since 7 an alert repeats its flow's ends in `flow` and says its
`direction`; before, an alert on an answer has the server as its source. JA3 is an object with a hash since 4.1 (a
text in some forks), HASSH came with 6, JA4 with 8 (a text in `tls` and `quic`).

A session is a flow of one sensor: `host`, where Suricata is told to write it.
"""

import base64
import binascii
from typing import Any, ClassVar, Final

from clew.ingest.facts import Facts
from clew.ingest.honeypots import (
    Attack,
    Download,
    Reader,
    UnreadableRecordError,
    objects_at_start,
    parse_object,
    payload_of,
    port,
    read_attacks,
    text_of,
)
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample

_FIELDS: Final = frozenset({"timestamp", "event_type"})
_EVIDENCE: Final = ("flow_id", "src_ip", "stats", "pcap_cnt")
_ATTACK_TYPES: Final = {"http": "reconnaissance", "fileinfo": "reconnaissance", "anomaly": "scan"}


class SuricataSource:
    """Reads Suricata's EVE JSON, plain or in a Splunk export."""

    name: ClassVar[str] = "suricata"
    kind: ClassVar[ItemKind] = ItemKind.LOG
    reads: ClassVar[str] = (
        "Suricata 3-8 EVE JSON, objects a line or in arrays, and its Splunk export (the event in result._raw); times "
        "carry their zone"
    )
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By the fields of the first objects."""
        objects = objects_at_start(sample)
        if objects and all(_is_eve(value) for value in objects):
            return Recognition(0.95, Framing.JSON_VALUES, "eve")
        wrapped = [_unwrapped(value) for value in objects if isinstance(value.get("result"), dict)]
        if len(wrapped) == len(objects) and any(map(_is_eve, wrapped)):
            return Recognition(0.95, Framing.JSON_VALUES, "splunk")
        return None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """One event a record; counters of the engine itself (stats) are events without a source."""
        return read_attacks(batch, context, _read)


def _is_eve(value: dict[str, Any]) -> bool:
    return value.keys() >= _FIELDS and any(name in value for name in _EVIDENCE)


def _unwrapped(value: dict[str, Any]) -> dict[str, Any]:
    """The event that Splunk wrapped; what is none as it is."""
    result = value.get("result")
    raw = result.get("_raw") if isinstance(result, dict) else None
    if not isinstance(raw, str):
        return value
    try:
        return parse_object(raw.encode())
    except UnreadableRecordError:
        return value


def _read(content: bytes, reader: Reader) -> Attack:
    fields = _unwrapped(parse_object(content))
    kind = text_of(fields.get("event_type"))
    if kind is None:
        raise UnreadableRecordError("missing_field", "event_type is missing")
    moment = reader.time(fields.get("timestamp"), "timestamp")
    if kind == "stats":
        return Attack(moment, "suricata.stats", "connection")
    attack = Attack(moment, f"suricata.{kind}", _attack_type(kind, fields))
    _say_ends(attack, fields, reader)
    attack.transport = (text_of(fields.get("proto")) or "").lower() or None
    application = text_of(fields.get("app_proto"))
    attack.protocol = application if application not in {None, "failed", "unknown"} else _spoken(kind, attack)
    attack.payload = _payload(fields)
    attack.properties = _properties(fields)
    _say_http(attack, _part(fields, "http"))
    _say_handshakes(attack, fields)
    _say_file(attack, _part(fields, "fileinfo"))
    return attack


def _attack_type(kind: str, fields: dict[str, Any]) -> str:
    if kind != "alert":
        return _ATTACK_TYPES.get(kind, "connection")
    alert = _part(fields, "alert")
    says_scan = "SCAN" in (text_of(alert.get("signature")) or "") or "Scan" in (text_of(alert.get("category")) or "")
    return "scan" if says_scan else "reconnaissance"


def _say_ends(attack: Attack, fields: dict[str, Any], reader: Reader) -> None:
    """Who opened the flow is the source, whichever way the packet went."""
    flow = _part(fields, "flow")
    ends = flow if flow.get("src_ip") else fields
    there, here = ("src", "dest")
    if ends is fields and fields.get("direction") == "to_client":
        there, here = here, there
    attack.source_ip = reader.source_address(ends.get(f"{there}_ip"), f"{there}_ip")
    attack.destination_ip = reader.address(ends.get(f"{here}_ip"), f"{here}_ip")
    attack.source_port = port(ends.get(f"{there}_port"), f"{there}_port")
    attack.target_port = port(ends.get(f"{here}_port"), f"{here}_port")
    attack.sensor = text_of(fields.get("host")) or text_of(fields.get("in_iface"))
    number = fields.get("flow_id")
    between = number or f"{attack.source_ip}|{attack.source_port}|{attack.destination_ip}|{attack.target_port}"
    attack.session = f"{attack.sensor or ''}:{between}"


def _spoken(kind: str, attack: Attack) -> str | None:
    return kind if kind in {"http", "ssh", "tls", "dns", "smb", "rdp", "ftp", "smtp"} else attack.transport


def _payload(fields: dict[str, Any]) -> str | None:
    sent = text_of(fields.get("payload"))
    if sent is not None:
        try:
            return payload_of(base64.b64decode(sent, validate=True))
        except (binascii.Error, ValueError):
            return sent
    return text_of(fields.get("payload_printable"))


def _properties(fields: dict[str, Any]) -> dict[str, Any]:
    alert = _part(fields, "alert")
    said: dict[str, Any] = {name: alert.get(name) for name in ("signature", "signature_id", "category", "severity")}
    said["action"] = alert.get("action")
    said["suricata_version"] = fields.get("suricata_version")
    name = _part(fields, "dns").get("rrname")
    return said | {"dns_name": text_of(name)}


def _say_http(attack: Attack, http: dict[str, Any]) -> None:
    if not http:
        return
    attack.client, attack.client_type = text_of(http.get("http_user_agent")), "user_agent"
    path, host = text_of(http.get("url")), text_of(http.get("hostname"))
    attack.properties |= {
        "http_path": path,
        "http_host": host,
        "http_method": text_of(http.get("http_method")),
        "http_status": http.get("status"),
    }


def _say_handshakes(attack: Attack, fields: dict[str, Any]) -> None:
    """Who the client says it is, and how it may be known again."""
    ssh = _part(_part(fields, "ssh"), "client")
    if ssh.get("software_version"):
        version = text_of(ssh.get("proto_version")) or "2.0"
        attack.client = f"SSH-{version}-{text_of(ssh.get('software_version'))}"
    known = [("hassh", _hash(ssh.get("hassh")))]
    for part in (_part(fields, "tls"), _part(fields, "quic")):
        known += [("ja3", _hash(part.get("ja3"))), ("ja4", _hash(part.get("ja4")))]
    attack.fingerprints = [f"{name}:{digest}" for name, digest in known if digest]
    attack.properties["tls_sni"] = text_of(_part(fields, "tls").get("sni"))


def _hash(value: object) -> str | None:
    return text_of(value.get("hash")) if isinstance(value, dict) else text_of(value)


def _say_file(attack: Attack, file: dict[str, Any]) -> None:
    hashes = tuple(digest for name in ("sha256", "sha1", "md5") if (digest := text_of(file.get(name))))
    if hashes:
        attack.downloads.append(Download(None, hashes))
        attack.properties["file_name"] = text_of(file.get("filename"))


def _part(fields: dict[str, Any], name: str) -> dict[str, Any]:
    part = fields.get(name)
    return part if isinstance(part, dict) else {}
