"""Idempotency-Key: a request that makes something may be sent again by whoever did not hear the answer."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import Header, Request
from starlette.responses import Response

from clew.api.callers import Call
from clew.domains.identity.repeated_requests import Answer
from clew.kernel.errors import InputError

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")
_KEPT_HEADERS: Final = ("Location", "ETag", "Content-Type")
_BODY: Final = "clew.body"

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias=HEADER,
        description="Made up by the caller, new for each new request. Sent again within a day with the same request, "
        "it gets the same answer, and nothing is done twice.",
        examples=["0190c6a1-7f3e-7b2a"],
    ),
]


async def keep_body(request: Request) -> None:
    """Read the body and keep its bytes: requests are compared by them."""
    request.scope[_BODY] = await request.body()


def once(call: Call, key: str | None, make: Callable[[sa.Connection], Response]) -> Response:
    """What `make` answers, in one transaction of the caller; with a key that was used before, what it answered then.

    `make` works on the connection it is given and must not commit. Raises InputError, KeyReusedError, ConflictError.
    """
    if key is None:
        with call.transaction() as connection:
            return make(connection)
    if not _KEY.fullmatch(key):
        raise InputError("this is no key", where=HEADER, remedy="write 1 to 128 visible ASCII characters")
    memory, principal = call.serving.memory, call.principal
    digest = memory.digest(*_parts(call.request))
    with call.transaction() as connection:
        known = memory.begin(connection, principal, key, digest, clock=call.serving.clock)
        if known is not None:
            return Response(known.body, known.status, known.headers | {REPLAYED: "true"})
        response = make(connection)
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        memory.finish(connection, principal, key, Answer(response.status_code, headers, bytes(response.body)))
    return response


def _parts(request: Request) -> tuple[bytes, ...]:
    scope: Any = request.scope
    return (
        scope["method"].encode(),
        scope["path"].encode("utf-8", "surrogatepass"),
        scope["query_string"],
        scope.get(_BODY, b""),
    )
