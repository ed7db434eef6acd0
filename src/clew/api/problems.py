"""Errors as the API tells them: problem details (RFC 9457) with a stable code, and nothing of the inside."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import psycopg
import sqlalchemy.exc
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from clew.api.errors import NotAcceptableError, PreconditionError, SlowRequestError, UnsupportedMediaError
from clew.api.exchange import exchange_of
from clew.domains.identity.repeated_requests import KeyReusedError
from clew.kernel.errors import (
    AuthenticationError,
    ClewError,
    ConflictError,
    DatabaseUnavailableError,
    ForbiddenError,
    InputError,
    LimitError,
    NotFoundError,
    SchemaVersionError,
    TooLargeError,
)
from clew.kernel.logs import logger

MEDIA_TYPE: Final = "application/problem+json"
_RETRY_SECONDS: Final = 2
_MOST_ERRORS: Final = 20
_MOST_TEXT: Final = 1000

# Looked up by the nearest class among an error's bases; what is not listed is a defect or a matter of the machine's.
STATUSES: Final[Mapping[type[ClewError], int]] = {
    InputError: 400,
    AuthenticationError: 401,
    ForbiddenError: 403,
    NotFoundError: 404,
    NotAcceptableError: 406,
    SlowRequestError: 408,
    ConflictError: 409,
    PreconditionError: 412,
    TooLargeError: 413,
    UnsupportedMediaError: 415,
    KeyReusedError: 422,
    LimitError: 429,
    DatabaseUnavailableError: 503,
    SchemaVersionError: 503,
}
# As RFC 9110 has them; Python's own names differ from version to version.
_TITLES: Final = {413: "Content Too Large", 422: "Unprocessable Content"}
REFUSED: Final[dict[int | str, dict[str, Any]]] = {401: {"description": "What was shown does not count (any more)"}}
"""For `responses=` of a public route that takes something which may be wrong: a password, a code, a link."""
MISSING: Final[dict[int | str, dict[str, Any]]] = {404: {"description": "What the request names is not there"}}
"""For `responses=` of a route that may not find what its query or body names; what its path names needs no word."""
_HTTP_CODES: Final = {404: "not_found", 405: "method", 413: "too_large", 415: "unsupported_media", 400: "input"}


class ValidationProblem(BaseModel):
    """One value of a request that is not as it must be."""

    place: str = Field(description="Where the value stands: query.limit, body.name …", examples=["query.limit"])
    message: str = Field(examples=["Input should be less than or equal to 200"])


class Problem(BaseModel):
    """What went wrong (RFC 9457). Programs go by `code`, people read `detail` and `remedy`."""

    type: str = Field(examples=["urn:clew:problem:not_found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["no investigation 0190c6a1-…"])
    instance: str = Field(description="Path of the request.", examples=["/api/v1/organization"])
    code: str = Field(description="Stable name of the kind of error.", examples=["not_found"])
    where: str | None = Field(None, description="The field, setting or thing it is about.")
    remedy: str | None = Field(None, description="What can be done about it.", examples=["list what there is"])
    request_id: str = Field(description="Names this request in the server's log.")
    errors: list[ValidationProblem] | None = Field(None, description="Of a request that does not validate: each fault.")


def install_handlers(application: FastAPI) -> None:
    """Let every error of a route end as a problem."""
    application.add_exception_handler(ClewError, _of_clew)
    application.add_exception_handler(RequestValidationError, _of_validation)
    application.add_exception_handler(HTTPException, _of_http)
    application.add_exception_handler(sqlalchemy.exc.DBAPIError, _of_database)
    application.add_exception_handler(psycopg.Error, _of_database)


def status_of(error: ClewError) -> int:
    """The status that an error is answered with."""
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return STATUSES[kind]
    return 503 if error.transient else 500


def title_of(status: int) -> str:
    """The name of a status."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


def problem_of(request: Request, error: ClewError) -> Response:
    """The answer to an error of the product's own. What happened inside (5xx) is logged, not told."""
    status, headers = status_of(error), {}
    if status >= 500:
        logger(__name__).error("request failed", code=error.code, error=str(error), **_named(request))
        return _inside(request, status, error.code)
    if isinstance(error, LimitError):
        headers["Retry-After"] = str(error.retry_after)
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="clew"'
    return answer(request, status, error.code, error.message, where=error.where, remedy=error.remedy, headers=headers)


def unexpected(request: Request, error: Exception) -> Response:
    """The answer to a defect: logged with its traceback under the request's id, and told without any detail."""
    logger(__name__).error("request failed unexpectedly", exc_info=error, **_named(request))
    return _inside(request, 500, "unexpected")


def answer(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    where: str | None = None,
    remedy: str | None = None,
    errors: list[ValidationProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem as an answer. Texts from outside are cut."""
    exchange = exchange_of(request.scope)
    exchange.code = code
    told = Problem(
        type=f"urn:clew:problem:{code}",
        title=title_of(status),
        status=status,
        detail=_shown(detail),
        instance=_shown(request.url.path),
        code=code,
        where=None if where is None else _shown(where),
        remedy=None if remedy is None else _shown(remedy),
        request_id=exchange.request_id,
        errors=errors,
    )
    body = told.model_dump_json(exclude_none=True).encode()
    return Response(body, status, dict(headers or {}), media_type=MEDIA_TYPE)


async def _of_clew(request: Request, error: Exception) -> Response:
    if not isinstance(error, ClewError):
        raise error
    return problem_of(request, error)


async def _of_validation(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    errors = [_validation(each) for each in found[:_MOST_ERRORS]]
    detail = "the request is not as the API describes it"
    return answer(request, 422, "validation", detail, remedy="correct what `errors` lists", errors=errors)


async def _of_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    phrase = title_of(error.status_code)
    detail = error.detail
    if detail in {phrase, HTTPStatus(error.status_code).phrase}:
        detail = f"{phrase}: {request.method} {request.url.path}"
    code = _HTTP_CODES.get(error.status_code, "http")
    return answer(request, error.status_code, code, detail, headers=error.headers)


async def _of_database(request: Request, error: Exception) -> Response:
    """Values that PostgreSQL cannot hold, such as a number beyond its range, are the caller's; the rest is a defect."""
    cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    if not isinstance(cause, psycopg.DataError):
        return unexpected(request, error)
    # Not the message, which holds the value: the function of PostgreSQL's own that raised it tells enough.
    raised_by = cause.diag.source_function
    logger(__name__).warning(
        "a value was refused by the database", sqlstate=cause.sqlstate, raised_by=raised_by, **_named(request)
    )
    return answer(request, 400, InputError.code, "a value of this request cannot be stored", remedy="correct it")


def _validation(found: Mapping[str, Any]) -> ValidationProblem:
    # Pydantic's text is shown, the value it quotes elsewhere is not: it may be a password.
    place = ".".join(str(part) for part in found.get("loc", ()))
    return ValidationProblem(place=_shown(place), message=_shown(str(found.get("msg", ""))))


def _inside(request: Request, status: int, code: str) -> Response:
    away = status == 503
    headers = {"Retry-After": str(_RETRY_SECONDS)} if away else None
    detail = "the server cannot answer just now" if away else "the server failed"
    remedy = "try again in a moment" if away else "report it with the request id"
    return answer(request, status, code, detail, remedy=remedy, headers=headers)


def _named(request: Request) -> dict[str, Any]:
    exchange = exchange_of(request.scope)
    return {"request_id": exchange.request_id, "method": request.method, "route": exchange.route}


def _shown(text: str) -> str:
    return text[:_MOST_TEXT].encode("utf-8", "replace").decode()
