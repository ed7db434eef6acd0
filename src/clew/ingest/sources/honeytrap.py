"""Honeytrap: a honeypot that answers on any port and keeps what was sent there.

Written by src/modules/htm_logJSON.c of armedpot/honeytrap and of its fork in T-Pot: one object an attack. The fork adds
`@timestamp` and `operation_mode` and writes times in UTC with a `Z`; the original writes local time with the name of
its zone, of which only UTC, GMT and Z say when it was: others are read in --timezone. A time in 1970, and the address
0.0.0.0, are what Honeytrap writes for attacks it only relayed; they are kept.

Honeytrap knows no application protocol. It is told from the first bytes where they are unmistakable (ssh, http, tls,
rdp, smb …), else the transport stands there. The kind of attack follows from what was sent: files fetched are a
download, any data at all reconnaissance, none a connection.
"""

import re
from typing import Any, ClassVar, Final

from clew.ingest.facts import Facts
from clew.ingest.honeypots import (
    Attack,
    Download,
    Reader,
    UnreadableRecordError,
    credential,
    objects_at_start,
    parse_object,
    payload_of,
    port,
    read_attacks,
    record_key,
    text_of,
)
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample

_FIELDS: Final = frozenset({"attack_connection", "proxy_connection", "start_time", "is_virtual"})
_ZONE_NAME: Final = re.compile(r"(\d\d:\d\d:\d\d) (?!UTC$|GMT$|Z$)[A-Z]{2,5}$")
_HTTP: Final = re.compile(rb"[A-Z]{3,10} [^\r\n]{1,8000} HTTP/\d")
_AGENT: Final = re.compile(rb"\r?\nUser-Agent:[ \t]*([^\r\n]+)", re.IGNORECASE)
_BANNERS: Final = (
    ("ssh", re.compile(rb"SSH-\d")),
    ("http", _HTTP),
    ("tls", re.compile(rb"\x16\x03[\x00-\x04]")),
    ("rdp", re.compile(rb"\x03\x00..[^\x00]\xe0", re.DOTALL)),
    ("smb", re.compile(rb"\x00...[\xfe\xff]SMB", re.DOTALL)),
    ("sip", re.compile(rb"[A-Z]{3,10} sips?:[^\r\n]+ SIP/2")),
    ("rtsp", re.compile(rb"[A-Z]{3,10} [^\r\n]+ RTSP/1")),
    ("redis", re.compile(rb"\*\d+\r\n\$\d+\r\n")),
    ("mqtt", re.compile(rb"\x10.\x00[\x04\x06]MQ", re.DOTALL)),
)


class HoneytrapSource:
    """Reads the JSON log of Honeytrap, one event an attack."""

    name: ClassVar[str] = "honeytrap"
    kind: ClassVar[ItemKind] = ItemKind.LOG
    reads: ClassVar[str] = (
        'Honeytrap logJSON (armedpot, T-Pot): objects a line or in {"attacks": […]}; times in UTC where they say so, '
        "otherwise read in --timezone"
    )
    version: ClassVar[int] = 2

    def recognise(self, sample: Sample) -> Recognition | None:
        """By the fields of the first objects."""
        objects = objects_at_start(sample)
        if objects and all(value.keys() >= _FIELDS for value in objects):
            return Recognition(0.95, Framing.JSON_VALUES, "json")
        return None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """One event an attack, each its own session."""
        return read_attacks(batch, context, _attack)


def _attack(content: bytes, reader: Reader) -> Attack:
    fields = parse_object(content)
    connection = fields.get("attack_connection")
    if not isinstance(connection, dict):
        raise UnreadableRecordError("missing_field", "attack_connection is missing")
    time = fields.get("start_time") or fields.get("@timestamp")
    attack = Attack(
        reader.time(_ZONE_NAME.sub(r"\1", time) if isinstance(time, str) else time, "start_time"),
        "honeytrap.attack",
        "connection",
        session=record_key(content),
        source_ip=reader.source_address(connection.get("remote_ip"), "remote_ip"),
        source_port=port(connection.get("remote_port"), "remote_port"),
        destination_ip=reader.address(connection.get("local_ip"), "local_ip"),
        target_port=port(connection.get("local_port"), "local_port"),
        transport=text_of(connection.get("protocol")),
    )
    attack.protocol = attack.transport
    _say_payload(attack, connection.get("payload"))
    for name in ("end_time", "is_virtual", "operation_mode", "download_tries"):
        attack.properties[name] = fields.get(name)
    _say_proxy(attack, fields.get("proxy_connection"))
    _say_downloads(attack, fields.get("downloads"))
    return attack


def _say_payload(attack: Attack, payload: object) -> None:
    if not isinstance(payload, dict):
        return
    digits = text_of(payload.get("data_hex"))
    if digits is None:
        return
    attack.attack_type = "reconnaissance"
    attack.properties["payload_md5"] = text_of(payload.get("md5_hash"))
    attack.properties["payload_sha512"] = text_of(payload.get("sha512_hash"))
    attack.properties["payload_length"] = payload.get("length")
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        attack.payload = f"hex:{digits}"  # cut in the middle of a byte, or damaged: kept as it stands
        return
    attack.payload = payload_of(data)
    attack.protocol = next((name for name, banner in _BANNERS if banner.match(data)), attack.protocol)
    if attack.protocol == "ssh":
        attack.client = text_of(data.split(b"\n", 1)[0].strip().decode("utf-8", "replace"))
    elif attack.protocol == "http" and (agent := _AGENT.search(data)):
        attack.client = text_of(agent[1].strip().decode("utf-8", "replace"))
        attack.client_type = "user_agent"


def _say_proxy(attack: Attack, proxy: object) -> None:
    """Where the attack was passed on to another system, say so; Honeytrap writes zeros where it was not."""
    if isinstance(proxy, dict) and proxy.get("remote_ip") not in (None, "", "0.0.0.0"):  # noqa: S104 – no binding
        attack.properties["proxy"] = {name: proxy.get(name) for name in ("remote_ip", "remote_port", "protocol")}


def _say_downloads(attack: Attack, downloads: object) -> None:
    found = downloads if isinstance(downloads, list) else [downloads] if downloads else []
    for download in found:
        if not isinstance(download, dict):
            continue
        attack.attack_type = "download"
        payload = download.get("payload")
        payload = payload if isinstance(payload, dict) else {}
        names = ("sha512_hash", "md5_hash") if payload.get("length") else ()
        hashes = tuple(digest for name in names if (digest := text_of(payload.get(name))))
        attack.downloads.append(Download(_url(download), hashes))
        login = credential(download.get("username"), download.get("password"), attack.occurred_at)
        if login:
            attack.credentials.append(login)
        attack.properties.setdefault("downloads", []).append(_described(download))


def _url(download: dict[str, Any]) -> str | None:
    """The address of a download: as given if it is one, else put together for the protocols that have such."""
    uri = text_of(download.get("uri")) or ""
    if "://" in uri:
        return uri
    kind, host = (text_of(download.get("type")) or "").lower(), text_of(download.get("remote_ip"))
    if kind not in {"ftp", "tftp", "http"} or not host:
        return None
    number = port(download.get("remote_port"), "remote_port")
    path = uri or text_of(download.get("filename")) or ""
    return f"{kind}://{host}{f':{number}' if number else ''}/{path.lstrip('/')}"


def _described(download: dict[str, Any]) -> dict[str, Any]:
    names = ("type", "uri", "filename", "remote_ip", "remote_port")
    return {name: download[name] for name in names if download.get(name) not in (None, "")}
