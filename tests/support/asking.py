"""Requests put to the application itself, with nothing between that would mend or refuse them first.

It is quicker than a client (the matrix asks thousands of times), sends exactly the bytes it is given, and hangs up on
answers that never end, such as live events.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.support.api import Api

HOST = "testserver"


@dataclass(frozen=True)
class Answer:
    """What came back; of an endless answer, its beginning."""

    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes = field(repr=False, default=b"")

    def header(self, name: str) -> str | None:
        """The value of a header that comes once at most."""
        found = [value for key, value in self.headers if key == name]
        assert len(found) <= 1, f"{name} comes {len(found)} times"
        return found[0] if found else None

    @property
    def problem(self) -> dict[str, Any]:
        """The problem that this answer is; empty if it is none."""
        if self.header("content-type") != "application/problem+json":
            return {}
        told: dict[str, Any] = json.loads(self.content)
        return told


def ask(api: Api, method: str, target: str, headers: Mapping[str, str] | None = None, *, body: bytes = b"") -> Answer:
    """The application's answer to one request. `target` is path and query as they stand in a request line."""
    named = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
    if body:
        named.append((b"content-length", str(len(body)).encode()))
    return ask_exactly(api, method, target, [(b"host", HOST.encode()), *named], body=body)


def ask_exactly(api: Api, method: str, target: str, headers: list[tuple[bytes, bytes]], *, body: bytes = b"") -> Answer:
    """The same with the headers' very bytes, in that order, repeated where they are repeated."""
    portal = api.client.portal
    assert portal is not None, "the application is not being served"
    return portal.call(_exchange, api, method, target, headers, body)


async def _exchange(api: Api, method: str, target: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Answer:
    parts = urlsplit(target)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(parts.path),
        "raw_path": parts.path.encode("latin-1"),
        "query_string": parts.query.encode("latin-1"),
        "root_path": "",
        "headers": headers,
        "client": ("203.0.113.9", 50_000),
        "server": (HOST, 80),
        "state": {},
    }
    ended = asyncio.Event()
    asked, begun, parts_read = False, [], []

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": body, "more_body": False}
        await ended.wait()
        return {"type": "http.disconnect"}

    async def send(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            begun.append(message)
        else:
            parts_read.append(message.get("body", b""))
        endless = any(value.startswith(b"text/event-stream") for _, value in begun[0]["headers"])
        if endless or (message["type"] == "http.response.body" and not message.get("more_body")):
            ended.set()

    await api.application(scope, receive, send)
    (start,) = begun
    told = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"])
    return Answer(start["status"], told, b"".join(parts_read))
