"""Whether the server lives, whether it can work, and its figures. Outside /api/v1, for those who run it."""

import hmac
import ipaddress
from typing import Annotated, Literal

import orjson
from fastapi import FastAPI
from pydantic import BaseModel, Field
from starlette.responses import Response

from clew.api.callers import Visitor, public
from clew.api.metrics import MEDIA_TYPE
from clew.api.readiness import reasons_not_ready
from clew.api.representations import shown
from clew.api.routing import router as routes
from clew.kernel.errors import ForbiddenError

router = routes("system", prefix="")
description = routes("system")

# Set by whatever stands between: then the address that the request came from says nothing about who asks.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = Field("ok", examples=["ok"])


class Readiness(BaseModel):
    """Whether requests can be answered as they should be."""

    status: Literal["ready", "not_ready"] = Field(examples=["ready"])
    reasons: list[str] = Field(examples=[[]], description="What is not as it should be; empty if all is well.")


@router.get("/healthz", response_model=Alive, summary="Whether the process lives")
def get_health(_visitor: Annotated[Visitor, public()]) -> Response:
    """Says so, without asking the database: whoever restarts what does not answer must not restart for that."""
    return shown(Alive())


@router.get(
    "/readyz",
    response_model=Readiness,
    summary="Whether the server can do its work",
    responses={503: {"model": Readiness, "description": "Not ready, and why"}},
)
def get_readiness(visitor: Annotated[Visitor, public()]) -> Response:
    """Database, schema and views; 503 with the reasons if something is not as it should be."""
    reasons = reasons_not_ready(visitor.serving)
    if reasons:
        return shown(Readiness(status="not_ready", reasons=reasons), 503)
    return shown(Readiness(status="ready", reasons=[]))


@router.get(
    "/metrics",
    response_class=Response,
    summary="Figures for Prometheus",
    responses={
        200: {"content": {"text/plain": {"example": "http_requests_total 1.0\n"}}},
        403: {"description": "From elsewhere, or without the token"},
    },
)
def get_metrics(visitor: Annotated[Visitor, public()]) -> Response:
    """From this machine itself, or with the token that the setting metrics_token names."""
    _require_access(visitor)
    return Response(visitor.serving.metrics.text(visitor.serving), media_type=MEDIA_TYPE)


@description.get(
    "/openapi.json",
    response_class=Response,
    summary="The description of this API",
    responses={200: {"content": {"application/json": {"example": {"openapi": "3.1.0"}}}}},
)
def get_description(visitor: Annotated[Visitor, public()]) -> Response:
    """OpenAPI 3.1, with every error, rule and example; it changes with the version only."""
    body = _described(visitor.request.app)
    return Response(body, headers={"Cache-Control": "public, max-age=300"}, media_type="application/json")


def _described(application: FastAPI) -> bytes:
    """Made once: it takes a while, and the framework keeps the document, not its text."""
    kept = getattr(application.state, "description", None)
    if kept is None:
        kept = application.state.description = orjson.dumps(application.openapi())
    return bytes(kept)


def _require_access(visitor: Visitor) -> None:
    token = visitor.serving.settings.metrics_token
    given = visitor.request.headers.get("Authorization", "")
    if token is not None:
        wanted = f"Bearer {token.get_secret_value()}"
        if hmac.compare_digest(given.encode(), wanted.encode()):
            return
    elif _is_local(visitor):
        return
    raise ForbiddenError(
        "figures are not for everybody", where="/metrics", remedy="ask from the server itself, or set metrics_token"
    )


def _is_local(visitor: Visitor) -> bool:
    if any(name in visitor.request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(visitor.client_ip or "").is_loopback
    except ValueError:
        return False
