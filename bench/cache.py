"""What the cache costs: a value in process, a limit in process and on Redis, each beside the bare thing it rests on.

Redis is Debian's `redis-server`, started for the run on loopback; where it is missing only the part in process is told.
"""

import secrets
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from socket import create_server
from typing import Any, Final

import redis
from pydantic import SecretStr

from bench.results import Measure, Result
from clew.kernel.cache.memory import MemoryCache
from clew.kernel.cache.port import Cache, Window
from clew.kernel.cache.redis.adapter import RedisCache
from clew.kernel.cache.redis.connection import RedisConnection
from clew.kernel.cache.remembering import Memo
from clew.kernel.settings import Settings

_CALLS: Final = 20_000
_REDIS_CALLS: Final = 5_000
_ROUNDS: Final = 5
_HOUR: Final = timedelta(hours=1)
_VALUE: Final = b'{"name": "Harbour Lantern", "status": "active"}' * 200
# A fixed window by the calendar, as most write it: what a limit costs at least, and lets through twice at the border.
_BARE_LIMIT: Final = (
    "local n = redis.call('INCR', KEYS[1]) if n == 1 then redis.call('PEXPIRE', KEYS[1], 60000) end return n"
)


def cache(place: Path, _events: int) -> Result:
    """Microseconds of a call: the median of five rounds in turns, in one thread."""
    own = MemoryCache()
    measured = _in_process(own)
    if shutil.which("redis-server"):
        with _redis(place) as url:
            measured += _on_redis(url)
    return Result("cache", f"{_CALLS:,} calls in process, {_REDIS_CALLS:,} on Redis, in turns", tuple(measured))


def _in_process(own: MemoryCache) -> list[Measure]:
    plain = {"k": _VALUE}
    own.put("k", _VALUE, lifetime=_HOUR)
    memo = Memo(own)
    memo.trust(heard=True)
    memo.remembered("memo", _HOUR, lambda: _VALUE)
    windows = _windows()
    got, dictionary, remembered, taken = _in_turns(
        _CALLS,
        lambda: own.get("k"),
        lambda: plain.get("k"),
        lambda: memo.remembered("memo", _HOUR, lambda: _VALUE),
        lambda: own.take(windows),
    )
    return [
        Measure("get, in process", got, "µs", most=20),
        Measure("a dict, in process", dictionary, "µs"),
        Measure(f"remembered ({len(_VALUE):,} bytes, decompressed), in process", remembered, "µs"),
        Measure("limit of two windows, in process", taken, "µs"),
    ]


def _on_redis(url: str) -> list[Measure]:
    connection = RedisConnection(Settings(redis_url=SecretStr(url)))
    bare: Any = redis.Redis.from_url(url)
    ours: Cache = RedisCache(connection, "bench")
    ours.put("k", _VALUE, lifetime=_HOUR)
    windows, script = _windows(), bare.register_script(_BARE_LIMIT)
    got, bare_got, taken, one, bare_taken, pinged = _in_turns(
        _REDIS_CALLS,
        lambda: ours.get("k"),
        lambda: bare.get("k"),
        lambda: ours.take(windows),
        lambda: ours.take(windows[:1]),
        lambda: script(["bare"], []),
        bare.ping,
    )
    connection.close()
    bare.close()
    return [
        Measure("get, on Redis", got, "µs"),
        Measure("bare client: GET", bare_got, "µs"),
        Measure("limit of two windows, on Redis", taken, "µs", most=300),
        Measure("limit of one window, on Redis", one, "µs", most=300),
        Measure("bare client: a fixed window by a script", bare_taken, "µs"),
        Measure("bare client: PING", pinged, "µs"),
        Measure("limit of one window / bare fixed window", one / bare_taken),
        Measure("get / bare GET", got / bare_got),
    ]


def _windows() -> list[Window]:
    return [Window(f"rate_limit:{secrets.token_hex(4)}:bench", 1_000_000, timedelta(minutes=1)) for _ in range(2)]


def _in_turns(calls: int, *works: Callable[[], object]) -> list[float]:
    """Median microseconds of a call of each, so that what else the machine does falls on all alike."""
    rounds: list[list[float]] = [[] for _ in works]
    for work in works:
        work()
    for _ in range(_ROUNDS):
        for work, found in zip(works, rounds, strict=True):
            began = time.perf_counter()
            for _ in range(calls):
                work()
            found.append((time.perf_counter() - began) / calls * 1e6)
    return [statistics.median(found) for found in rounds]


@contextmanager
def _redis(place: Path) -> Iterator[str]:
    password = secrets.token_hex(16)
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    settings = place / "redis.conf"
    settings.write_text(f"bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ''\ndir {place}\n")
    settings.chmod(0o600)
    process = subprocess.Popen(["redis-server", str(settings)], stdout=subprocess.DEVNULL)  # noqa: S607  where it is
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    try:
        _await(url)
        yield url
    finally:
        process.terminate()
        process.wait()


def _await(url: str) -> None:
    client: Any = redis.Redis.from_url(url)
    until = time.monotonic() + 30
    while True:
        try:
            client.ping()
        except redis.RedisError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            client.close()
            return
