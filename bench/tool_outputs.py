"""Large outputs of the tools that are read row by row, in the shapes of the sample case, with synthetic values."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import md5, sha512
from random import Random
from typing import Any, Final
from uuid import UUID

import orjson

from bench.sample_honeypots import DAY
from bench.sampling import Zipf, address

ADDRESSES: Final = 5_000
_OWN: Final = "10.77.3.2"


def heralding(rows: int) -> Iterator[bytes]:
    """Sessions with a login attempt each."""
    random = Random("heralding")
    ranks = Zipf(random, ADDRESSES, 0.95)
    for number in range(rows):
        moment = str(DAY + timedelta(milliseconds=number * 40, microseconds=random.randrange(1000)))
        attempt = {"timestamp": moment, "username": f"user{ranks.draw()}", "password": f"secret{ranks.draw()}"}
        session = {
            "timestamp": moment,
            "duration": 2,
            "session_id": str(UUID(int=random.getrandbits(128), version=4)),
            "source_ip": address(1, "source", ranks.draw()),
            "source_port": 20_000 + random.randrange(40_000),
            "destination_ip": _OWN,
            "destination_port": 25,
            "protocol": "smtp",
            "num_auth_attempts": 1,
            "auth_attempts": [attempt],
            "session_ended": True,
            "auxiliary_data": {},
        }
        yield orjson.dumps(session) + b"\n"


def dionaea(rows: int) -> Iterator[bytes]:
    """Connections to file sharing, one in four to a database with a login."""
    random = Random("dionaea")
    ranks = Zipf(random, ADDRESSES, 0.95)
    for number in range(rows):
        database = number % 4 == 0
        entry: dict[str, Any] = {
            "connection": {"protocol": "mssqld" if database else "smbd", "transport": "tcp", "type": "accept"},
            "dst_ip": _OWN,
            "dst_port": 1433 if database else 445,
            "src_hostname": "",
            "src_ip": address(2, "source", ranks.draw()),
            "src_port": 20_000 + random.randrange(40_000),
            "timestamp": (DAY + timedelta(milliseconds=number * 40, microseconds=random.randrange(1000))).isoformat(),
        }
        if database:
            entry["credentials"] = {"password": [f"secret{ranks.draw()}"], "username": ["sa"]}
        yield orjson.dumps(entry) + b"\n"


def honeytrap(rows: int) -> Iterator[bytes]:
    """Connections with a short request as payload."""
    random = Random("honeytrap")
    ranks = Zipf(random, ADDRESSES, 0.95)
    for number in range(rows):
        stamp = (DAY + timedelta(milliseconds=number * 40, microseconds=random.randrange(1000))).isoformat() + "Z"
        request = b"GET /%d HTTP/1.1\r\nHost: 10.77.5.2\r\nUser-Agent: lamp-check\r\n\r\n" % ranks.draw()
        entry = {
            "is_virtual": False,
            "@timestamp": stamp,
            "start_time": stamp,
            "end_time": stamp,
            "attack_connection": {
                "protocol": "tcp",
                "remote_ip": address(3, "source", ranks.draw()),
                "remote_port": 20_000 + random.randrange(40_000),
                "local_ip": _OWN,
                "local_port": 8080,
                "payload": {
                    "md5_hash": md5(request, usedforsecurity=False).hexdigest(),
                    "sha512_hash": sha512(request).hexdigest(),
                    "length": len(request),
                    "data_hex": request.hex(),
                },
            },
            "proxy_connection": {"protocol": "ip", "remote_port": 0, "local_port": 0},
            "operation_mode": 1,
            "download_count": 0,
            "download_tries": 0,
            "downloads": {},
        }
        yield orjson.dumps(entry) + b"\n"


def sherlock(rows: int) -> Iterator[bytes]:
    """One handle on very many sites, half of them with an account."""
    yield b"username,name,url_main,url_user,exists,http_status,response_time_s\r\n"
    for number in range(rows):
        site = f"https://site{number}.example"
        found, status = ("Claimed", 200) if number % 2 else ("Available", 404)
        yield f"keeper_example,Site{number},{site}/,{site}/u/keeper_example,{found},{status},0.2\r\n".encode()


def subfinder(rows: int) -> Iterator[bytes]:
    """Host names below one domain with the source that knew them, as JSON lines."""
    for number in range(rows):
        host = f"host{number}.lantern-harbour.example"
        yield orjson.dumps({"host": host, "input": "lantern-harbour.example", "source": "crtsh"}) + b"\n"


OUTPUTS: Final[dict[str, tuple[str, Callable[[int], Iterator[bytes]]]]] = {
    "heralding": ("log_session.json", heralding),
    "dionaea": ("dionaea.json", dionaea),
    "honeytrap": ("attackers.json", honeytrap),
    "sherlock": ("keeper_example.csv", sherlock),
    "subfinder": ("lantern-harbour.example.json", subfinder),
}
"""Source → (file name, rows)."""
