"""The report of a case: one page to keep, or everything as JSON."""

import tempfile
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Annotated, Final, Literal
from uuid import UUID

from fastapi import Query
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from clew.api import examples
from clew.api.callers import Call, needs
from clew.api.routing import router as routes
from clew.domains.identity.service import own_organization
from clew.domains.investigations.service import read_investigation
from clew.kernel.lazily import lazily
from clew.kernel.transactions import transaction

router = routes("reports")

Format = Literal["html", "json"]

_MEMORY_BYTES: Final = 4 * 1024 * 1024
_PIECE_BYTES: Final = 256 * 1024
# No script, no request to anywhere, no form, and an origin of its own even if somebody opens it where it came from.
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; sandbox"
)

if TYPE_CHECKING:
    from clew.domains.investigations import reports
else:
    reports = lazily("clew.domains.investigations.reports")
_MEDIA: Final[dict[Format, str]] = {"html": "text/html; charset=utf-8", "json": "application/json"}


@router.get(
    "/investigations/{investigation_id}/report",
    response_class=Response,
    responses={
        200: {
            "description": "The report, as an attachment.",
            "content": {
                "text/html": {"schema": {"type": "string"}, "example": examples.REPORTS["text/html"]},
                "application/json": {"schema": {"type": "object"}, "example": examples.REPORTS["application/json"]},
            },
        }
    },
    summary="Write a case's report",
)
def get_report(
    call: Annotated[Call, needs("report:read")],
    investigation_id: UUID,
    form: Annotated[Format, Query(alias="format", description="A page to read, or everything for programs.")] = "html",
) -> Response:
    """Entities, relations, timeline, map and sources on one page that needs no network; or all of it as JSON.

    It is written anew with each request, from one moment of the record; two are written at a time.
    """
    # Handed to the answer, which closes it when it was sent.
    file: IO[bytes] = tempfile.SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115
    try:
        with call.serving.slots.taken("report"):
            _write(call, investigation_id, form, file)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    headers = {
        "Content-Disposition": f'attachment; filename="report-{investigation_id}.{form}"',
        "Content-Security-Policy": _POLICY,
    }
    return StreamingResponse(
        _pieces(file), 200, headers, media_type=_MEDIA[form], background=BackgroundTask(file.close)
    )


def _write(call: Call, investigation_id: UUID, form: Format, file: IO[bytes]) -> None:
    database, organization = call.serving.database, call.principal.organization_id
    write = reports.write_json_report if form == "json" else reports.write_html_report
    engine = database.engine().execution_options(isolation_level="REPEATABLE READ")
    with transaction(engine, call.context, database.address) as connection:
        read_investigation(connection, organization, investigation_id)
        write(
            connection,
            organization,
            investigation_id,
            lambda text: file.write(text.encode(errors="backslashreplace")),
            organization=own_organization(connection, organization).name,
            clock=call.serving.clock,
        )


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE_BYTES):
        yield piece
