"""MCP over streamable HTTP: each request shows who sends it, and no session outlives it.

Without sessions there is no session id that somebody else could use. A web page cannot reach this by another name for
this machine (DNS rebinding): Host and Origin must be ours.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clew.api.problems import status_of
from clew.kernel.errors import AuthenticationError, ClewError, LimitError
from clew.mcp.gateway import Caller, Gateway
from clew.mcp.rights import RightsDesk
from clew.mcp.server import Context, Desk, mcp_server

PATH: Final = "/mcp"
MOST_BODY_BYTES: Final = 1024 * 1024
BODY_SECONDS: Final = 20.0
_CALLER: Final = "clew.mcp.caller"
_LONGEST_CREDENTIAL: Final = 4096


def http_application(
    gateway: Gateway, *, hosts: Iterable[str], allow_write: bool = False, reports: Path | None = None
) -> ASGIApp:
    """The application, which needs the lifespan events of whoever serves it.

    `hosts` are the values of Host that it answers to: names with port, or with `:*` for any.
    """
    rights = RightsDesk(gateway, allow_write=allow_write)
    server = mcp_server(Desk(gateway, _caller_of, rights, reports).asking)
    names = [each.lower() for each in hosts]
    security = TransportSecuritySettings(
        allowed_hosts=names, allowed_origins=[f"{scheme}://{name}" for name in names for scheme in ("http", "https")]
    )
    manager = StreamableHTTPSessionManager(
        server, stateless=True, security_settings=security, max_request_body_size=MOST_BODY_BYTES
    )
    return _Edge(manager, rights, TransportSecurityMiddleware(security))


def _caller_of(context: Context | None) -> Caller:
    request = None if context is None else context.request
    caller = None if request is None else request.scope.get(_CALLER)
    if not isinstance(caller, Caller):
        raise AuthenticationError("nobody is signed in", remedy="send Authorization: Bearer with an API key")
    return caller


class _Edge:
    """What holds for every request before the SDK sees it: where it came from, and that its sender is known."""

    def __init__(
        self, manager: StreamableHTTPSessionManager, rights: RightsDesk, security: TransportSecurityMiddleware
    ) -> None:
        self._manager = manager
        self._rights = rights
        self._security = security

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live as long as the server does."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            refusal = await self._refusal(scope)
            if refusal is None:
                await self._answer(scope, receive, send)
            else:
                await refusal(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Response | None:
        request = Request(scope)
        if scope["path"] != PATH:
            return _refused(404, "not_found", f"there is only {PATH} here")
        if request.method != "POST":
            return _refused(405, "method", "messages are sent by POST; nothing is kept between them", allow="POST")
        misled = await self._security.validate_request(request, is_post=True)
        if misled is not None:
            return misled
        try:
            caller = Caller(_authorization(request), address=scope.get("client"))
            await self._rights.of(caller)
        except ClewError as error:
            return _refused_by(error)
        scope[_CALLER] = caller
        return None

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        give_up_at = asyncio.get_running_loop().time() + BODY_SECONDS
        complete = started = False

        async def receive_in_time() -> Message:
            nonlocal complete
            if complete:
                return await receive()
            async with asyncio.timeout_at(give_up_at):
                message = await receive()
            complete = not message.get("more_body", False)
            return message

        async def send_on(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._manager.handle_request(scope, receive_in_time, send_on)
        except TimeoutError:
            if started or complete:
                raise
            await _refused(408, "slow_request", "the request's body came in too slowly")(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self._manager.run():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def _authorization(request: Request) -> str:
    """The one Authorization of the request. Raises AuthenticationError."""
    shown = request.headers.getlist("Authorization")
    scheme, _, value = shown[0].strip().partition(" ") if len(shown) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not value.strip() or len(value) > _LONGEST_CREDENTIAL:
        raise AuthenticationError(
            "nobody is signed in", remedy="send one Authorization: Bearer with an API key or an access token"
        )
    return f"Bearer {value.strip()}"


def _refused_by(error: ClewError) -> Response:
    status = status_of(error)
    inside = status >= 500
    text = "the server cannot answer just now" if inside else str(error)
    headers: dict[str, Any] = {}
    if status == 401:
        headers["www_authenticate"] = 'Bearer realm="clew"'
    if isinstance(error, LimitError):
        headers["retry_after"] = str(error.retry_after)
    return _refused(503 if inside else status, error.code, text, **headers)


def _refused(status: int, code: str, text: str, **headers: str) -> Response:
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    body = {"error": code, "error_description": text.encode("utf-8", "replace").decode()}
    return JSONResponse(body, status, {"Cache-Control": "no-store", **named})
