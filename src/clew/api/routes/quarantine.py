"""Records that could not be loaded: listed, shown, downloaded, tried again, given up."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import sqlalchemy as sa
from fastapi import Query
from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.listing import page_shown
from clew.api.models.operations import (
    DroppedModel,
    DropWanted,
    HeldModel,
    HeldQuery,
    RetriedModel,
    RetryWanted,
)
from clew.api.paging import Page
from clew.api.problems import MISSING
from clew.api.repeating import IdempotencyKey, once
from clew.api.representations import shown, tagged
from clew.api.routing import router as routes
from clew.kernel.errors import InputError
from clew.kernel.lazily import lazily
from clew.records import held
from clew.records.acts import Act

if TYPE_CHECKING:
    from clew.ingest import quarantine
else:
    quarantine = lazily("clew.ingest.quarantine")

router = routes("quarantine")

Reader = Annotated[Call, needs("quarantine:read")]
Writer = Annotated[Call, needs("quarantine:write")]


@router.get("/quarantine", response_model=Page[HeldModel], summary="List rejected records")
def list_quarantine(call: Reader, query: Annotated[HeldQuery, Query()]) -> Response:
    """Records that were rejected and wait, page by page, the oldest first unless asked otherwise."""
    with call.reading() as connection:
        page = held.page_of_held(connection, call.principal.organization_id, query.wanted(held.HeldFilter), query.page)
    call.tell_read(Act("quarantine_listed", "READ", "quarantine", request=query.asked()))
    return shown(page_shown(page, HeldModel))


@router.get("/quarantine/{record_id}", response_model=HeldModel, summary="Read a rejected record")
def get_quarantined(call: Reader, record_id: UUID) -> Response:
    """One rejected record with its ETag, and what was wrong with it."""
    return tagged(call.request, HeldModel.model_validate(_read(call, record_id)))


@router.get(
    "/quarantine/{record_id}/content",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
    summary="Download a rejected record",
)
def get_quarantined_content(call: Reader, record_id: UUID) -> Response:
    """Its bytes as they came, 64 KiB at most; to be saved, never opened: whoever made them may be an attacker."""
    found = _read(call, record_id)
    headers = {
        "Content-Disposition": f'attachment; filename="{found.id}.bin"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(found.content, 200, headers, media_type="application/octet-stream")


@router.post("/quarantine/retry", response_model=RetriedModel, summary="Read rejected records again", responses=MISSING)
def retry_quarantined(call: Writer, wanted: RetryWanted) -> Response:
    """Read held records again, as after an upgrade that reads more. One such request is worked on at a time.

    It answers when it is done: their files are read from the beginning.
    """
    if not wanted.ids and wanted.reason is None and wanted.file is None:
        raise InputError("nothing was named", where="ids", remedy="give ids, a reason or a file")
    principal, serving = call.principal, call.serving
    with call.transaction() as connection:
        for each in wanted.ids:
            held.show_held(connection, principal.organization_id, each)
    with serving.slots.taken("quarantine retry"):
        report = quarantine.retry(
            serving.database,
            serving.settings,
            principal.organization_id,
            principal.user_id,
            ids=wanted.ids or None,
            reason=wanted.reason,
            file=wanted.file,
            clock=serving.clock,
        )
    return shown(RetriedModel.model_validate(report))


@router.post("/quarantine/drop", response_model=DroppedModel, summary="Give rejected records up", responses=MISSING)
def drop_quarantined(call: Writer, wanted: DropWanted, key: IdempotencyKey = None) -> Response:
    """Give them up. They stay counted as rejected, and their file stays as it is. An unknown id drops nothing."""
    organization = call.principal.organization_id

    def make(connection: sa.Connection) -> Response:
        for each in wanted.ids:
            held.show_held(connection, organization, each)
        return shown(DroppedModel(dropped=held.drop(connection, organization, wanted.ids)))

    return once(call, key, make)


def _read(call: Call, record_id: UUID) -> held.HeldRecord:
    with call.transaction() as connection:
        found = held.show_held(connection, call.principal.organization_id, record_id)
    call.tell_read(Act("quarantine_read", "READ", "quarantine", found.id, found.file))
    return found
