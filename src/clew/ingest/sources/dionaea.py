"""Dionaea: a honeypot that plays vulnerable services (SMB, SQL, FTP, HTTP, MQTT, SIP …).

Two of its writers are read. `log_json` writes one object a connection when it closes, with the logins and FTP
commands of the connection; its option flat_data (T-Pot's) turns lists of objects into objects of lists. `log_incident`
writes one object an incident, among them offered and completed downloads.

Dionaea names services by its own classes (smbd, mssqld …): `protocol` has the usual name, the property `service` its
own. It does not write whether a login succeeded, so logins are counted as `login_attempts` in the properties, neither
as failures nor as successes. A port it opened itself (`listen`) has no other side: no source address and no session.
"""

from itertools import zip_longest
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
    port,
    read_attacks,
    record_key,
    text_of,
)
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample

_FIELDS: Final = frozenset({"connection", "src_ip", "dst_ip", "dst_port", "timestamp"})
_CONNECTION_FIELDS: Final = frozenset({"protocol", "transport", "type"})
_INCIDENT_FIELDS: Final = frozenset({"name", "origin", "timestamp", "data"})
_PROTOCOLS: Final = {
    "ftpctrl": "ftp",
    "ftpd": "ftp",
    "ftpdata": "ftp-data",
    "ftpdatacon": "ftp-data",
    "ftpdataconnect": "ftp-data",
    "ftpdatalisten": "ftp-data",
    "httpd": "http",
    "memcached": "memcache",
    "mirrorc": "mirror",
    "mirrord": "mirror",
    "mongod": "mongodb",
    "mqttd": "mqtt",
    "mssqld": "mssql",
    "mysqld": "mysql",
    "pptpd": "pptp",
    "printerd": "printer",
    "remoteshell": "shell",
    "sipcall": "sip",
    "sipsession": "sip",
    "smbd": "smb",
    "tftpclient": "tftp",
    "tftpserverhandler": "tftp",
    "upnpd": "upnp",
}
_SESSION_COMMANDS: Final = frozenset(
    {"ACCT", "AUTH", "CLNT", "FEAT", "HELP", "NOOP", "OPTS", "PASS", "PBSZ", "PROT", "QUIT", "SYST", "USER"}
)
# Endings of incident names, strongest first: what they tell of the attack, by the ladder of ATTACK_TYPES.
_INCIDENT_KINDS: Final = (
    ("download", ("dionaea.download.", "dionaea.upload.")),
    ("intrusion", ("dionaea.shellcode", "dionaea.service.shell", "dionaea.module.emu", "dionaea.modules.python.emu")),
    ("scan", ("dionaea.connection.tcp.reject",)),
    ("connection", ("dionaea.connection.",)),
)
_COMMAND_FIELDS: Final = (
    ("command", "arguments"),
    ("command", "args"),
    ("cmd", ""),
    ("method", ""),
    ("publishtopic", "publishmessage"),
    ("subscribetopic", ""),
)


class DionaeaSource:
    """Reads Dionaea's log_json (one event a connection) and log_incident (one event an incident)."""

    name: ClassVar[str] = "dionaea"
    kind: ClassVar[ItemKind] = ItemKind.LOG
    reads: ClassVar[str] = (
        "Dionaea 0.5-0.11 and T-Pot: log_json (plain or flat_data) and log_incident, objects a line or in arrays; "
        "times carry no zone, Dionaea writes UTC"
    )
    version: ClassVar[int] = 2

    def recognise(self, sample: Sample) -> Recognition | None:
        """By the fields of the first objects."""
        objects = objects_at_start(sample)
        if objects and all(_is_incident(value) for value in objects):
            return Recognition(0.98, Framing.JSON_VALUES, "log_incident")
        if objects and all(_is_connection(value) for value in objects):
            return Recognition(0.95, Framing.JSON_VALUES, "log_json")
        return None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """One event a record, whichever writer it came from."""
        return read_attacks(batch, context, _read)


def _is_connection(value: dict[str, Any]) -> bool:
    connection = value.get("connection")
    return value.keys() >= _FIELDS and isinstance(connection, dict) and connection.keys() >= _CONNECTION_FIELDS


def _is_incident(value: dict[str, Any]) -> bool:
    return value.keys() >= _INCIDENT_FIELDS and str(value["origin"]).startswith("dionaea.")


def _read(content: bytes, reader: Reader) -> Attack:
    fields = parse_object(content)
    return _incident(fields, reader) if _is_incident(fields) else _connection(fields, content, reader)


def _connection(fields: dict[str, Any], content: bytes, reader: Reader) -> Attack:
    connection = fields.get("connection")
    if not isinstance(connection, dict):
        raise UnreadableRecordError("missing_field", "connection is missing")
    direction = text_of(connection.get("type")) or "unknown"
    opened_by_us = direction == "listen" and not fields.get("src_ip")
    attack = Attack(
        reader.time(fields.get("timestamp"), "timestamp"),
        f"dionaea.connection.{direction}",
        "scan" if direction == "reject" else "connection",
        session=None if opened_by_us else record_key(content),
        source_ip=None if opened_by_us else reader.source_address(fields.get("src_ip"), "src_ip"),
        source_port=port(fields.get("src_port"), "src_port"),
        destination_ip=reader.address(fields.get("dst_ip"), "dst_ip"),
        target_port=port(fields.get("dst_port"), "dst_port"),
        properties={"src_hostname": text_of(fields.get("src_hostname")), "p0f": fields.get("p0f")},
    )
    _say_service(attack, connection)
    _say_logins(attack, _rows(fields.get("credentials")))
    ftp = fields.get("ftp")
    _say_commands(attack, _rows(ftp.get("commands")) if isinstance(ftp, dict) else [])
    return attack


def _say_service(attack: Attack, connection: dict[str, Any]) -> None:
    service = text_of(connection.get("protocol"))
    attack.transport = text_of(connection.get("transport"))
    if service:
        attack.protocol = _PROTOCOLS.get(service.lower(), service.lower())
        attack.properties["service"] = service
    if attack.protocol == "http" and attack.transport == "tls":
        attack.protocol = "https"


def _say_logins(attack: Attack, logins: list[dict[str, Any]]) -> None:
    if not logins:
        return
    attack.attack_type = "brute_force"
    attack.properties["login_attempts"] = len(logins)
    for login in logins:
        found = credential(login.get("username"), login.get("password"), attack.occurred_at)
        if found:
            attack.credentials.append(found)


def _say_commands(attack: Attack, commands: list[dict[str, Any]]) -> None:
    """FTP commands, a line each. Only those that do more than greet and log in make the session one of commands."""
    if not commands:
        return
    attack.payload = text_of("\n".join(_command_line(row.get("command"), row.get("arguments")) for row in commands))
    verbs = {str(row.get("command")).upper() for row in commands}
    if verbs - _SESSION_COMMANDS:
        attack.attack_type = "command"
    elif attack.attack_type == "connection":
        attack.attack_type = "reconnaissance"


def _command_line(command: object, arguments: object) -> str:
    words = arguments if isinstance(arguments, list) else [arguments]
    return " ".join(str(word) for word in [command, *words] if word not in (None, ""))


def _rows(value: object) -> list[dict[str, Any]]:
    """A list of objects, also where flat_data made an object of lists of it."""
    if isinstance(value, list):
        return [row for row in value if isinstance(row, dict)]
    if not isinstance(value, dict):
        return []
    columns = {name: column if isinstance(column, list) else [column] for name, column in value.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip_longest(*columns.values())]


def _incident(fields: dict[str, Any], reader: Reader) -> Attack:
    data = fields["data"]
    if not isinstance(data, dict):
        raise UnreadableRecordError("missing_field", "data is missing")
    origin = str(fields["origin"])
    found = data.get("connection")
    connection = found if isinstance(found, dict) else {}
    attack = Attack(
        reader.time(fields.get("timestamp"), "timestamp"),
        origin,
        _incident_kind(origin),
        source_ip=reader.address(connection.get("remote_ip"), "remote_ip"),
        source_port=port(connection.get("remote_port"), "remote_port"),
        destination_ip=reader.address(connection.get("local_ip"), "local_ip"),
        target_port=port(connection.get("local_port"), "local_port"),
    )
    _say_service(attack, connection)
    if attack.source_ip:
        ends = (connection.get(name) for name in ("id", "local_ip", "local_port", "remote_ip", "remote_port"))
        attack.session = record_key("|".join(map(str, ends)).encode())
    if origin.endswith(".login"):
        _say_logins(attack, [data])
    attack.payload = _incident_command(data) if attack.attack_type == "command" else None
    url, digest = text_of(data.get("url")), text_of(data.get("md5hash"))
    if attack.attack_type == "download" and (url or digest):
        attack.downloads.append(Download(url, (digest,) if digest else ()))
    rest = {name: value for name, value in data.items() if name not in {"connection", "username", "password"}}
    attack.properties["data"] = rest or None
    return attack


def _incident_kind(origin: str) -> str:
    for kind, beginnings in _INCIDENT_KINDS:
        if origin.startswith(beginnings):
            return kind
    if origin.endswith(".login"):
        return "brute_force"
    if origin.endswith((".command", ".cmd", ".publish", ".subscribe")):
        return "command"
    return "reconnaissance"


def _incident_command(data: dict[str, Any]) -> str | None:
    for command, arguments in _COMMAND_FIELDS:
        if data.get(command) not in (None, ""):
            return text_of(_command_line(data[command], data.get(arguments)))
    return None
