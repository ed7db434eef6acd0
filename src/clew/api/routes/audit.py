"""The audit trail of the caller's organization: searched, proved, exported."""

from collections.abc import Iterator
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
from fastapi import Query
from pydantic import AwareDatetime
from starlette.responses import Response, StreamingResponse

from clew.api import examples
from clew.api.callers import Call, needs
from clew.api.models.governing import AuditEvent, FindingModel, SealedModel, VerifiedModel
from clew.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page
from clew.api.representations import shown
from clew.api.routing import router as routes
from clew.domains.audit.export import export_lines
from clew.domains.audit.findings import Finding
from clew.domains.audit.sealed_state import sealed_state
from clew.domains.audit.search import AuditQuery, search
from clew.domains.audit.service import verify
from clew.kernel.database import Database
from clew.records.acts import Act

router = routes("audit")

NDJSON: Final = "application/x-ndjson"
_CHUNK: Final = 64 * 1024

_Text = Annotated[str | None, Query(max_length=320)]


@router.get("/audit/events", response_model=Page[AuditEvent], summary="Search the audit trail")
def list_audit_events(
    call: Annotated[Call, needs("audit:read")],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    user: Annotated[str | None, Query(max_length=320, description="Name or id of who acted.")] = None,
    action: Annotated[str | None, Query(max_length=20, description="CREATE, READ, UPDATE, DELETE or EXECUTE.")] = None,
    event_type: _Text = None,
    resource_type: _Text = None,
    resource_id: _Text = None,
    since: Annotated[AwareDatetime | None, Query(description="From then on.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Before then.")] = None,
    text: Annotated[str | None, Query(max_length=320, description="Any part of names, messages and data.")] = None,
) -> Response:
    """What was done, the newest first. That it was asked for is in the trail itself."""
    query = AuditQuery(
        user, action, event_type, resource_type, resource_id, since, until, text, limit=limit, cursor=cursor
    )
    with call.reading() as connection:
        page = search(connection, call.principal.organization_id, query)
    _tell(call, "audit_search", {"user": user, "action": action, "event_type": event_type, "text": text})
    items = [AuditEvent.model_validate(each) for each in page.events]
    return shown(Page[AuditEvent](items=items, next_cursor=page.cursor))


@router.get("/audit/state", response_model=SealedModel, summary="How far the trail is sealed")
def get_audit_state(call: Annotated[Call, needs("audit:read")]) -> Response:
    """Seals so far, and the public key that an export is checked with."""
    found = sealed_state(call.serving.database, call.principal.organization_id)
    return shown(SealedModel.model_validate(found))


@router.post("/audit/verify", response_model=VerifiedModel, summary="Prove the trail")
def verify_audit_trail(call: Annotated[Call, needs("audit:read")]) -> Response:
    """Follows the organization's chain from its beginning, and names the first thing that is not as it was sealed.

    Takes a second for some twenty thousand rows.
    """
    own = call.principal.organization_id
    found = verify(call.serving.database, own)
    _tell(call, "audit_verified", {"ok": found.ok})
    bad = None if found.first_bad is None else _finding(found.first_bad, own)
    told = {name: value for name, value in found.as_dict().items() if name in VerifiedModel.model_fields}
    return shown(VerifiedModel(**(told | {"first_bad": bad})))


@router.get(
    "/audit/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {NDJSON: {"schema": {"type": "string"}, "example": examples.AUDIT_LINES}},
            "description": "JSON lines",
        }
    },
    summary="Export the trail",
)
def export_audit_trail(call: Annotated[Call, needs("audit:export")]) -> Response:
    """All that is sealed, with its seals, as lines of JSON that others check (`clew audit verify --export`)."""
    _tell(call, "audit_export", {})
    headers = {"Content-Disposition": 'attachment; filename="audit-trail.ndjson"'}
    lines = _lines(call.serving.database, call.principal.organization_id)
    return StreamingResponse(lines, media_type=NDJSON, headers=headers)


def _lines(database: Database, organization_id: UUID) -> Iterator[bytes]:
    """The export in pieces that are worth a write to the network."""
    waiting = bytearray()
    for line in export_lines(database, organization_id):
        waiting += orjson.dumps(line) + b"\n"
        if len(waiting) >= _CHUNK:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)


def _tell(call: Call, event_type: str, asked: dict[str, Any]) -> None:
    given = {name: value for name, value in asked.items() if value is not None}
    call.tell_read(Act(event_type, "READ", "audit_trail", request=given))


def _finding(found: Finding, own: UUID) -> FindingModel:
    """What was found, without naming any organization but the caller's."""
    theirs = found.organization_id is not None and found.organization_id != own
    if theirs or found.problem in {"moved", "checkpoint_file"}:
        what = {"moved": "the row does not belong to this organization any more"}
        detail = what.get(found.problem, "the file of checkpoints is not as it was written")
        return FindingModel(
            problem=found.problem, organization=str(own), seal=None, table=None, row=None, detail=detail
        )
    return FindingModel(**found.as_dict())
