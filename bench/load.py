"""A load generator for HTTP/1.1 on loopback, light enough to share two processors with what it measures.

`python -m bench.load ADDRESS HEADERS PATHS MODE AMOUNT SECONDS` prints one JSON object. HEADERS: a JSON object. PATHS:
a file with a path a line, taken in turn. MODE `open`: AMOUNT requests a second arrive evenly, whatever the server does,
and each one's time counts from when it should have been sent; `closed`: AMOUNT connections ask again as soon as they
are answered.
"""

import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

import httptools
import numpy as np
import uvloop

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_CONNECTIONS: Final = 256
_WARM_UP_SECONDS: Final = 2.0
_PATIENCE_SECONDS: Final = 5.0


class _Connection(asyncio.Protocol):
    """One kept-alive connection with one request on its way at most."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._parser: Any = None
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._began:
            self._load.answered(self, self._began, 0)

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, request: bytes, began: float) -> None:
        if self._transport is None:
            raise ConnectionError("the connection was closed")
        self._began = began
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        began, self._began = self._began, 0.0
        self._load.answered(self, began, self._parser.get_status_code())


class _Load:
    """Sends requests and notes how long the answers took, those of the first two seconds not."""

    def __init__(self, address: str, headers: dict[str, str], paths: list[str]) -> None:
        parts = urlsplit(address)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        said = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._requests: Iterator[bytes] = itertools.cycle(
            [f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{said}\r\n".encode() for path in paths]
        )
        self._idle: list[_Connection] = []
        self._connections = 0
        self._waiting: list[float] = []
        self._closed_until = 0.0
        self._counted_from = 0.0
        self.seconds: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.unanswered = 0
        self.answers = 0

    async def open(self, rate: int, seconds: float) -> None:
        await self._connect(4)
        began = time.perf_counter()
        self._counted_from = began + _WARM_UP_SECONDS
        for number in range(int(rate * (seconds + _WARM_UP_SECONDS))):
            due = began + number / rate
            pause = due - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            await self._send(due)
        await self._finish()

    async def closed(self, connections: int, seconds: float) -> None:
        await self._connect(connections)
        now = time.perf_counter()
        self._counted_from = now + _WARM_UP_SECONDS
        self._closed_until = self._counted_from + seconds
        for connection in self._idle:
            connection.ask(next(self._requests), now)
        self._idle = []
        await asyncio.sleep(self._closed_until - now)
        await self._finish()

    def answered(self, connection: _Connection, began: float, status: int) -> None:
        now = time.perf_counter()
        self.answers += 1
        if began >= self._counted_from and (not self._closed_until or now <= self._closed_until):
            self.seconds.append(now - began)
            self.statuses[status] += 1
        if not connection.is_open:
            self._connections -= 1
        elif now < self._closed_until:
            connection.ask(next(self._requests), now)
        elif self._waiting:
            connection.ask(next(self._requests), self._waiting.pop(0))
        else:
            self._idle.append(connection)

    async def _send(self, due: float) -> None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                connection.ask(next(self._requests), due)
                return
            self._connections -= 1
        if self._connections < _MOST_CONNECTIONS:
            await self._connect(1)
            await self._send(due)
        else:
            self._waiting.append(due)

    async def _connect(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(count):
            _, connection = await loop.create_connection(lambda: _Connection(self), self._host, self._port)
            self._connections += 1
            self._idle.append(connection)

    async def _finish(self) -> None:
        until = time.perf_counter() + _PATIENCE_SECONDS
        while len(self._idle) < self._connections and time.perf_counter() < until:  # noqa: ASYNC110  no hurry
            await asyncio.sleep(0.01)
        self.unanswered = self._connections - len(self._idle) + len(self._waiting)


def main(arguments: list[str]) -> None:
    """Print what the load found."""
    address, headers, paths, mode, amount, seconds = arguments
    load = _Load(address, json.loads(headers), Path(paths).read_text(encoding="ascii").split())
    uvloop.run(getattr(load, {"open": "open", "closed": "closed"}[mode])(int(amount), float(seconds)))
    millis = np.array(load.seconds) * 1000
    found = {
        "answered": len(millis),
        "answers": load.answers,  # those of the warm-up included
        "unanswered": load.unanswered,
        "statuses": {str(status): count for status, count in sorted(load.statuses.items())},
        "per_second": len(millis) / float(seconds),
        "mean_ms": float(millis.mean()) if len(millis) else None,
    }
    for percent in (50, 95, 99):
        found[f"p{percent}_ms"] = float(np.percentile(millis, percent)) if len(millis) else None
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
