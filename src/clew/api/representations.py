"""Answers, and whether the caller has them already: strong ETags, If-None-Match and If-Match (RFC 9110).

A strong ETag names bytes, so a compressed answer has another one than the plain answer: the same with CODED at its end.
Both name the same state, and a caller may send back either.
"""

import hashlib
from typing import Any, Final

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from clew.api.errors import PreconditionError

JSON: Final = "application/json"
CONDITIONAL: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "Not changed: the caller has this state"}}
"""For `responses=` of a route that answers with `tagged`."""
CODED: Final = "-gzip"
IF_MATCH: Final[dict[str, Any]] = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of the state that the caller read: the change is made only if that is still the present "
    "one (else 412). Several may be given, and * for whatever there is.",
    "schema": {"type": "string"},
    "example": '"9f86d081884c7d659a2feaa0c55ad015"',
}
"""A parameter of every operation whose route calls `require_match`: `openapi_extra=CHECKED`."""
CHECKED: Final[dict[str, Any]] = {"parameters": [IF_MATCH]}
_TAG_BYTES: Final = 16


def shown(model: BaseModel, status: int = 200, *, headers: dict[str, str] | None = None) -> Response:
    """A model as an answer. Routes that return this spare the framework to validate it a second time."""
    return Response(_encoded(model), status, headers, media_type=JSON)


def created(model: BaseModel, location: str) -> Response:
    """201 with the thing that was made, where it is from now on, and its ETag."""
    body = _encoded(model)
    return Response(body, 201, {"Location": location, "ETag": _tag(body)}, media_type=JSON)


def tagged(request: Request, model: BaseModel) -> Response:
    """A single thing with its ETag; 304 without a body if If-None-Match says that the caller has this state."""
    return tagged_bytes(request, _encoded(model))


def tagged_bytes(request: Request, body: bytes) -> Response:
    """The same for a model that was encoded before."""
    tag = _tag(body)
    wanted = request.headers.getlist("If-None-Match")
    # A shared cache must not keep it; the caller may, if it asks before showing it again.
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    # A change is not undone by the caller's knowing its outcome already.
    if wanted and request.method in {"GET", "HEAD"} and _matches(wanted, tag, weak=True):
        has_coded = any(_coded(tag) in line for line in wanted)
        return Response(None, 304, headers | {"ETag": _coded(tag) if has_coded else tag})
    return Response(body, 200, headers, media_type=JSON)


def etag_of(model: BaseModel) -> str:
    """The strong ETag of a thing's present state."""
    return _tag(_encoded(model))


def require_match(request: Request, present: BaseModel) -> None:
    """For changes: raises PreconditionError if the caller's If-Match names another state than the present one.

    Call it in the transaction of the change, with the row locked.
    """
    wanted = request.headers.getlist("If-Match")
    if wanted and not _matches(wanted, etag_of(present), weak=False):
        raise PreconditionError(
            "this was changed since you read it", where="If-Match", remedy="read it again, then repeat the change"
        )


def _matches(given: list[str], tag: str, *, weak: bool) -> bool:
    tags = {part.strip() for line in given for part in line.split(",")}
    if weak:
        tags = {each.removeprefix("W/") for each in tags}
    return not tags.isdisjoint({tag, _coded(tag), "*"})


def coded_tag(header: bytes) -> bytes:
    """The ETag of a compressed answer, made of that of the plain one."""
    return _coded(header.decode("latin-1")).encode("latin-1")


def _coded(tag: str) -> str:
    return f'{tag[:-1]}{CODED}"'


def encoded(model: BaseModel) -> bytes:
    """A model as it is sent."""
    return _encoded(model)


def _encoded(model: BaseModel) -> bytes:
    encoded: Any = model.__pydantic_serializer__.to_json(model)
    return bytes(encoded)


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[: 2 * _TAG_BYTES]}"'
