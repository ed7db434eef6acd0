"""How the API is asked: as the application within this process, or at a server elsewhere."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlencode

import httpx2
from anyio.to_thread import run_sync
from starlette.types import ASGIApp, Message, Scope

from clew import __version__
from clew.api.exchange import KNOWN_CALLER
from clew.client.answers import refused
from clew.client.transport import Outgoing, Transport, pairs
from clew.domains.identity.principal import Principal
from clew.kernel.errors import TooLargeError

AGENT: Final = f"clew-mcp/{__version__}"
MOST_ANSWER_BYTES: Final = 64 * 1024 * 1024
_INSIDE: Final = "http://clew"


@dataclass(frozen=True, slots=True, repr=False)
class Caller:
    """For whom something is asked: by the Authorization they showed, or a principal who is known already.

    `address` is where they call from, host and port.
    """

    authorization: str | None = None
    principal: Principal | None = None
    address: tuple[str, int] | None = None


class Gateway(Protocol):
    """The way to the API."""

    async def send(self, request: Outgoing, caller: Caller) -> httpx2.Response:
        """The whole answer, which is no problem. Raises ClewError, by the problem's code."""


class Within:
    """The application in this process, asked without a network in between.

    One that is known need not show a credential; everything else holds for them as for anybody.
    """

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def send(self, request: Outgoing, caller: Caller) -> httpx2.Response:
        """See Gateway. Raises TooLargeError for an answer of more than MOST_ANSWER_BYTES."""
        body = request.content() if callable(request.content) else request.content
        content = b"".join(body) if isinstance(body, Iterator) else body or b""
        answer = _Answer(content)
        await self._application(_scope(request, caller, content), answer.receive, answer.send)
        response = answer.response(request)
        if not response.is_success:
            raise refused(response)
        return response


class Elsewhere:
    """A server elsewhere, asked through the client's transport: tries again where that is safe."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def send(self, request: Outgoing, caller: Caller) -> httpx2.Response:
        """See Gateway. Raises ServerUnreachableError besides."""
        shown = {} if caller.authorization is None else {"Authorization": caller.authorization}
        sent = replace(request, headers=dict(request.headers) | shown)
        return await run_sync(self._transport.send, sent, abandon_on_cancel=True)


def _scope(request: Outgoing, caller: Caller, content: bytes) -> Scope:
    headers = {"host": "clew", "user-agent": AGENT, "content-length": str(len(content))}
    headers |= {name.lower(): value for name, value in request.headers.items()}
    if caller.authorization is not None:
        headers["authorization"] = caller.authorization
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(request.path),
        "raw_path": request.path.encode(),
        "query_string": urlencode(list(pairs(request.query))).encode(),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()],
        "client": caller.address,
        "server": ("clew", 80),
    }
    if caller.principal is not None:
        scope[KNOWN_CALLER] = caller.principal
    return scope


class _Answer:
    """One exchange with the application: hands it the request's body, and keeps what it answers."""

    def __init__(self, content: bytes) -> None:
        self._content: bytes | None = content
        self._status = 500
        self._headers: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._size = 0

    async def receive(self) -> Message:
        """The body, once; then nothing more, as of a caller who waits."""
        if self._content is None:
            await asyncio.Event().wait()
        content, self._content = self._content, None
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(self, message: Message) -> None:
        """Keep it. Raises TooLargeError."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = list(message.get("headers", ()))
            return
        piece = message.get("body", b"")
        self._size += len(piece)
        if self._size > MOST_ANSWER_BYTES:
            raise TooLargeError(f"the answer is larger than {MOST_ANSWER_BYTES:,} bytes", remedy="ask for less")
        self._pieces.append(piece)

    def response(self, request: Outgoing) -> httpx2.Response:
        """What was answered."""
        asked = httpx2.Request(request.method, f"{_INSIDE}{request.path}")
        return httpx2.Response(self._status, headers=self._headers, content=b"".join(self._pieces), request=asked)
