"""The edge of the application: what holds for every request, in one layer around all of it.

One layer and not a stack of them: each costs every request. It gives the request its id, adds the headers that keep
browsers safe, ends slow bodies, turns defects into answers, and writes logs and figures.
"""

import asyncio
import time
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clew.api.errors import SlowRequestError
from clew.api.exchange import NO_ROUTE, Exchange, open_exchange
from clew.api.limit_headers import limit_headers
from clew.api.problems import answer, problem_of, unexpected
from clew.api.representations import coded_tag
from clew.api.routing import MOST_BODY_BYTES
from clew.api.serving import Serving
from clew.domains.identity.limiting import standings_of
from clew.domains.identity.usage_log import Usage
from clew.kernel.errors import ClewError, TooLargeError
from clew.kernel.logs import logger

_GRACE_SECONDS: Final = 20.0
_LEAST_BYTES_A_SECOND: Final = 500.0
_SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_STRICT_TRANSPORT: Final = (b"strict-transport-security", b"max-age=31536000")
_NO_STORE: Final = (b"cache-control", b"no-store")
_HUNG_UP: Final = 499  # as web servers log it


class Edge:
    """ASGI: wraps the application."""

    def __init__(self, app: ASGIApp, serving: Serving) -> None:
        self._app = app
        self._serving = serving
        self._metrics = serving.metrics
        self._log = logger("clew.access")
        self._headers = _SECURITY_HEADERS + ((_STRICT_TRANSPORT,) if serving.cookies.secure else ())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = open_exchange(scope, self._serving.clock)
        body = _Body(scope, exchange, receive)
        started = False

        async def send_on(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                exchange.status = message["status"]
                message["headers"] = self._complete(exchange, message.get("headers", ()))
            else:
                exchange.response_bytes += len(message.get("body", b""))
            await send(message)

        try:
            await self._answered(scope, body.receive, send_on)
        except ClientDisconnect:
            exchange.status = _HUNG_UP  # nobody is left to be told, and nothing here failed
        except Exception as error:
            if started:
                logger(__name__).error("an answer broke off", exc_info=error, request_id=exchange.request_id)
                raise
            request = Request(scope)
            response = problem_of(request, error) if isinstance(error, ClewError) else unexpected(request, error)
            await response(scope, body.receive, send_on)
        finally:
            self._finish(scope, exchange)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        # PostgreSQL holds no NUL, and none belongs into an address.
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            response = answer(Request(scope), 400, "input", "an address holds no NUL", remedy="take it out")
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _complete(self, exchange: Exchange, present: "list[tuple[bytes, bytes]]") -> list[tuple[bytes, bytes]]:
        names = {name for name, _ in present}
        headers = [*present, (b"x-request-id", exchange.request_id.encode("ascii"))]
        if (b"content-encoding", b"gzip") in present and b"etag" in names:
            headers = [(name, coded_tag(value) if name == b"etag" else value) for name, value in headers]
        headers += [header for header in self._headers if header[0] not in names]
        if b"cache-control" not in names:
            headers.append(_NO_STORE)
        return headers + limit_headers((*exchange.standings, *standings_of(exchange.allowances, exchange.at)))

    def _finish(self, scope: Scope, exchange: Exchange) -> None:
        seconds = time.perf_counter() - exchange.began
        method, principal = scope["method"], exchange.principal
        exchange.route = route_of(scope)
        self._metrics.count(method, exchange.route, exchange.status, seconds)
        self._log.info(
            "request",
            request_id=exchange.request_id,
            method=method,
            route=exchange.route,
            status=exchange.status,
            code=exchange.code,
            milliseconds=round(seconds * 1000, 2),
            client_ip=exchange.client_ip,
            organization=None if principal is None else str(principal.organization_id),
            user=None if principal is None else str(principal.user_id),
        )
        if principal is not None and principal.key_id is not None:
            self._serving.usage_log.record(
                Usage(
                    organization_id=principal.organization_id,
                    api_key_id=principal.key_id,
                    endpoint=exchange.route,
                    method=method,
                    request_timestamp=exchange.at,
                    response_status=exchange.status,
                    response_time_ms=round(seconds * 1000),
                    request_size_bytes=exchange.request_bytes,
                    response_size_bytes=exchange.response_bytes,
                    client_ip=exchange.client_ip,
                    user_agent=_agent(scope),
                )
            )


class _Body:
    """Hands a request's body on, as long as it comes fast enough and its route takes so much."""

    def __init__(self, scope: Scope, exchange: Exchange, receive: Receive) -> None:
        self._scope = scope
        self._exchange = exchange
        self._receive = receive
        self._complete = False

    async def receive(self) -> Message:
        if self._complete:  # what comes now is the caller's hanging up, for which streams wait as long as they last
            return await self._receive()
        most = int(getattr(self._scope.get("route"), "most_body_bytes", MOST_BODY_BYTES))
        if self._announced() > most:
            raise _too_large(most)
        spent = time.perf_counter() - self._exchange.began
        left = _GRACE_SECONDS + self._exchange.request_bytes / _LEAST_BYTES_A_SECOND - spent
        try:
            async with asyncio.timeout(max(left, 0.001)):
                message = await self._receive()
        except TimeoutError:
            raise SlowRequestError("the request's body came in too slowly", remedy="send it again, faster") from None
        self._exchange.request_bytes += len(message.get("body", b""))
        if self._exchange.request_bytes > most:
            raise _too_large(most)
        self._complete = not message.get("more_body", False)
        return message

    def _announced(self) -> int:
        """What Content-Length says; servers see to it that it is the truth or missing."""
        for name, value in self._scope["headers"]:
            if name == b"content-length" and value.isdigit():
                return int(value)
        return 0


def _too_large(most: int) -> TooLargeError:
    return TooLargeError(f"the body is larger than {most:,} bytes", remedy="send less")


def route_of(scope: Scope) -> str:
    """The pattern of the route that answered; what matched none is one kind, or figures would grow with attacks."""
    return str(getattr(scope.get("route"), "path", NO_ROUTE))


def _agent(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"user-agent":
            return str(value.decode("latin-1"))
    return None
