"""Live events."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Header, Query
from starlette.responses import Response

from clew.api.callers import Call, needs_one_of
from clew.api.event_stream import MEDIA_TYPE, EventStream
from clew.api.live import TOPICS
from clew.api.routing import router as routes
from clew.domains.identity.principal import authorise
from clew.kernel.errors import InputError

router = routes("events")

_EXAMPLE: Final = (
    'id: 1f2e3d4c-17\nevent: jobs\ndata: {"topic":"jobs","change":"updated",'
    '"id":"0190c6a1-7f3e-7b2a-9c4d-2f1e8a6b5c4d"}\n\n'
)
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Events (text/event-stream), until the caller hangs up or may not read them any more",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}


@router.get("/live", response_class=Response, responses=_STREAM, summary="Follow what changes")
def follow_events(
    call: Annotated[Call, needs_one_of(TOPICS.values())],
    topics: Annotated[
        str, Query(max_length=200, examples=["jobs"], description=f"Any of: {', '.join(sorted(TOPICS))}.")
    ],
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", max_length=100, description="Go on behind that event.")
    ] = None,
) -> Response:
    """Server-sent events: that something was created, updated or deleted, and its id; details are asked for.

    `reset` means that events may be missing: look at everything anew. Each topic needs the permission that
    reading its things needs, and no other: investigations investigation:read, jobs job:read, uploads ingest:write.
    """
    wanted = _topics(topics)
    for topic in wanted:
        authorise(call.principal, TOPICS[topic])
    principal, serving = call.principal, call.serving

    def recheck() -> None:
        again = Call(call.request, call.rule)
        for topic in wanted:
            authorise(again.principal, TOPICS[topic])

    return EventStream(
        serving.hub,
        lambda: serving.hub.subscribed(principal.organization_id, _reader(call), wanted, last_event_id),
        recheck,
        serving.stopping.is_set,
    )


def _reader(call: Call) -> UUID:
    return call.principal.user_id


def _topics(text: str) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [topic for topic in wanted if topic not in TOPICS]
    if unknown or not wanted:
        raise InputError(
            f"no topic {unknown[0]!r}" if unknown else "no topic is named",
            where="topics",
            remedy=f"name some of: {', '.join(sorted(TOPICS))}",
        )
    return wanted
