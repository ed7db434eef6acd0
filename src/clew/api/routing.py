"""Routes as the API makes them: the caller is admitted first of all, in the thread that the route runs in.

The framework would run what finds out the caller in a thread of its own and look at the request's values before; here
a request costs one change of thread, and whoever may not call learns that, not what is wrong with their values.
"""

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from email.message import Message
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from clew.api.callers import Call, Callers, Rule, Visitor
from clew.api.errors import UnsupportedMediaError
from clew.api.repeating import keep_body

PREFIX: Final = "/api/v1"
MOST_BODY_BYTES: Final = 1024 * 1024
_PARSING_FAILED: Final = 400


class RuleError(TypeError):
    """A route does not say who may call it. Found when the program starts, never by a request."""


class Route(APIRoute):
    """One route of the API. Its option `max_body_size` (bytes) raises or lowers what bodies it takes."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        # Not the framework's limit, which answers in plain text: clew.api.edge keeps to this one.
        self.most_body_bytes: int = options.pop("max_body_size", None) or MOST_BODY_BYTES
        super().__init__(path, _guarded(endpoint), **options)
        self.rule = _rule_of(self)
        self._beginning = path.partition("{")[0]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether this route answers. Every request asks route after route, so most are to say no at once."""
        if not scope["path"].startswith(self._beginning):
            return Match.NONE, {}
        return super().matches(scope)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What the framework calls: its own handler, behind the order described above."""
        handle = super().get_route_handler()
        reads_json = self.body_field is not None

        async def admitted_first(request: Request) -> Response:
            try:
                if reads_json:
                    await _require_json(request)
                return await handle(request)
            except (RequestValidationError, UnsupportedMediaError):
                await self._admit(request)
                raise
            except HTTPException as error:
                if error.status_code == _PARSING_FAILED:
                    await self._admit(request)
                raise

        return admitted_first

    async def _admit(self, request: Request) -> None:
        if self.rule.kind != "public":
            await run_in_threadpool(Call(request, self.rule).admit)


def router(tag: str, *, prefix: str = PREFIX) -> APIRouter:
    """A router whose routes are Route, below /api/v1; each module of clew.api.routes makes one."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=Route,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )


def _guarded(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """The endpoint, run only once its caller is admitted."""
    if inspect.isasyncgenfunction(endpoint) or inspect.isgeneratorfunction(endpoint):
        raise RuleError(f"{endpoint.__qualname__} yields; let it return a StreamingResponse")
    if inspect.iscoroutinefunction(endpoint):

        @functools.wraps(endpoint)
        async def admit_and_await(**values: Any) -> Any:
            for visitor in _visitors(values):
                await run_in_threadpool(visitor.admit)
            return await endpoint(**values)

        return admit_and_await

    def admit_and_run(visitors: list[Visitor], values: dict[str, Any]) -> Any:
        for visitor in visitors:
            visitor.admit()
        return endpoint(**values)

    @functools.wraps(endpoint)
    async def hand_over(**values: Any) -> Any:
        visitors = _visitors(values)
        # The framework's way into a thread takes three times as long.
        threads = visitors[0].serving.threads
        return await asyncio.get_running_loop().run_in_executor(threads, admit_and_run, visitors, values)

    return hand_over


def _visitors(values: dict[str, Any]) -> list[Visitor]:
    return [value for value in values.values() if isinstance(value, Visitor)]


def _rule_of(route: APIRoute) -> Rule:
    rules = [each.call.rule for each in route.dependant.dependencies if isinstance(each.call, Callers)]
    if len(rules) != 1:
        raise RuleError(
            f"{route.path}: take the caller by exactly one of needs(), signed_in(), in_person() and public()"
        )
    return rules[0]


async def _require_json(request: Request) -> None:
    """Raises UnsupportedMediaError for a body that does not call itself JSON: forms of other sites' pages never do."""
    await keep_body(request)
    if not await request.body():
        return
    said = Message()
    said["content-type"] = request.headers.get("Content-Type", "")
    kind = said.get_content_type() if request.headers.get("Content-Type") else ""
    if kind not in {"application/json", "application/merge-patch+json"}:
        raise UnsupportedMediaError(
            "the body must be JSON", where="Content-Type", remedy="send Content-Type: application/json"
        )
