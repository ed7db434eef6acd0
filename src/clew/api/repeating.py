"""Idempotency-Key: a request that makes something may be sent again by whoever did not hear the answer."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import Header, Request
from starlette.responses import Response

from clew.api.callers import Call
from clew.domains.identity.repeated_requests import Answer, KeyReusedError
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


class RepeatedError(Exception):
    """This very request was carried out meanwhile; with what it was answered."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("the request was carried out before")
        self.answer = answer


class LongRequest:
    """The same for a request whose body is as long as it likes: it is known again by its address.

    Whether the body is the same is for who keeps a digest of it to compare. Raises InputError for what is no key.
    """

    def __init__(self, call: Call, key: str) -> None:
        _require_key(key)
        self._call = call
        self._key = key
        self._digest = call.serving.memory.digest(*_parts(call.request))

    def known(self) -> Answer | None:
        """What it was answered before; None if it was never carried out. Raises KeyReusedError."""
        with self._call.transaction() as connection:
            return self._call.serving.memory.recall(connection, self._call.principal, self._key, self._digest)

    def settle(self, connection: sa.Connection, response: Response) -> None:
        """Keep the answer, in the transaction of the act. Raises RepeatedError, ConflictError as `once`."""
        memory, principal = self._call.serving.memory, self._call.principal
        known = memory.begin(connection, principal, self._key, self._digest, clock=self._call.serving.clock)
        if known is not None:
            raise RepeatedError(known)
        memory.finish(connection, principal, self._key, _kept(response))


def reused() -> KeyReusedError:
    """What is raised for a key that comes again with another body."""
    return KeyReusedError(
        "this Idempotency-Key was another request's", where=HEADER, remedy="use a new key for each new request"
    )


def replayed(known: Answer) -> Response:
    """The answer of before, which says that it is."""
    return Response(known.body, known.status, known.headers | {REPLAYED: "true"})


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
    _require_key(key)
    memory, principal = call.serving.memory, call.principal
    digest = memory.digest(*_parts(call.request))
    with call.transaction() as connection:
        known = memory.begin(connection, principal, key, digest, clock=call.serving.clock)
        if known is not None:
            return replayed(known)
        response = make(connection)
        memory.finish(connection, principal, key, _kept(response))
    return response


def _require_key(key: str) -> None:
    if not _KEY.fullmatch(key):
        raise InputError("this is no key", where=HEADER, remedy="write 1 to 128 visible ASCII characters")


def _kept(response: Response) -> Answer:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return Answer(response.status_code, headers, bytes(response.body))


def _parts(request: Request) -> tuple[bytes, ...]:
    scope: Any = request.scope
    return (
        scope["method"].encode(),
        scope["path"].encode("utf-8", "surrogatepass"),
        scope["query_string"],
        scope.get(_BODY, b""),
    )
