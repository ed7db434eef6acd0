"""Files for the record: sent in parts that can be days apart, or in one request; then loaded by a job.

The protocol is that of the HTTP working group's resumable uploads. Parts begin where the last acknowledged one ended;
what was acknowledged survives a crash of the server.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
import sqlalchemy as sa
from fastapi import Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from clew.api import upload_fields as fields
from clew.api.callers import Call, needs
from clew.api.models.uploads import Case, Region, Source, TimeZone, UploadModel, UploadRequest, UploadStatus
from clew.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, page_of
from clew.api.problems import answer, problem_of
from clew.api.repeating import IdempotencyKey, LongRequest, RepeatedError, once, replayed, reused
from clew.api.representations import CHECKED, created, require_match, shown, tagged
from clew.api.routing import PREFIX
from clew.api.routing import router as routes
from clew.domains.identity.principal import authorise
from clew.domains.identity.repeated_requests import Answer
from clew.domains.uploads import service as uploads
from clew.domains.uploads.options import ReadingOptions
from clew.domains.uploads.reception import OffsetError, Reception, Settle
from clew.domains.uploads.service import NewUpload, Upload
from clew.domains.uploads.staging import StorageFullError
from clew.kernel.errors import ClewError, InputError

router = routes("uploads")

_UNBOUNDED: Final = 2**62  # what is taken is bounded by upload_maximum_bytes, as it arrives
_STORAGE: Final[dict[int | str, dict[str, Any]]] = {507: {"description": "There is no room on the disk"}}
_NOT_ACKNOWLEDGED: Final = 499


def _bytes(media_type: str) -> dict[str, Any]:
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {"requestBody": {"required": True, "content": content}}


def _field(name: str, description: str, example: str, *, required: bool = False) -> dict[str, Any]:
    schema = {"type": "string"}
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": schema,
        "example": example,
    }


_DIGEST: Final = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
_COMMON: Final = [
    _field("Upload-Length", "Bytes of the whole file.", "1048576"),
    _field("Content-Digest", "Digest of this body (RFC 9530).", _DIGEST),
    _field("Repr-Digest", "Digest of the whole file (RFC 9530).", _DIGEST),
]


@router.post("/uploads", status_code=201, response_model=UploadModel, responses=_STORAGE, summary="Begin an upload")
def create_upload(
    call: Annotated[Call, needs("ingest:write")], asked: UploadRequest, idempotency_key: IdempotencyKey = None
) -> Response:
    """An upload without bytes yet; they follow by PATCH to its Location."""
    options = asked.options.checked()
    _require_case(call, options)
    digests = {} if asked.sha256 is None else {"sha-256": asked.sha256}
    new = NewUpload(asked.file_name, asked.size_bytes, digests, options)

    def make(connection: Any) -> Response:
        made = uploads.create_upload(
            connection, call.principal.organization_id, new, settings=call.serving.settings, clock=call.serving.clock
        )
        response = created(UploadModel.of(made), f"{PREFIX}/uploads/{made.id}")
        response.headers.update(fields.upload_headers(made, call.serving.settings))
        return response

    try:
        return once(call, idempotency_key, make)
    except StorageFullError as error:
        return _no_room(call.request, error)


@router.post(
    "/ingest",
    status_code=201,
    response_model=UploadModel,
    responses=_STORAGE,
    max_body_size=_UNBOUNDED,
    openapi_extra=_bytes("application/octet-stream")
    | {"parameters": [_field("Upload-Complete", "?1 (also if absent): this is the whole file.", "?1"), *_COMMON]},
    summary="Upload a file in one request",
)
async def ingest_file(
    call: Annotated[Call, needs("ingest:write")],
    file_name: Annotated[str, Query(max_length=1020, examples=["cowrie.json"], description="What it is called.")],
    source: Annotated[Source, Query()] = None,
    time_zone: Annotated[TimeZone, Query()] = None,
    region: Annotated[Region, Query()] = None,
    case: Annotated[Case, Query()] = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The body is the file, whatever it says its type is; a job loads it. `Upload-Complete: ?0`: more will follow.

    With an Idempotency-Key the same file sent again is not loaded twice; what was broken off begins anew.
    """
    options = ReadingOptions(source, time_zone, region, None, case)
    headers = call.request.headers

    async def take() -> Response:
        complete = fields.completes(headers, default=True)
        repeatable = _repeatable(call, idempotency_key, complete=complete)
        known = None if repeatable is None else await run_in_threadpool(repeatable.known)
        if known is not None:
            return await _known_again(call, known)
        length = fields.length_of(headers)
        if length is None and complete:
            length = fields.body_length(headers)
        new = NewUpload(file_name, length, fields.repr_digests(headers), options)
        _require_case(call, options)
        made = await run_in_threadpool(_created, call, new)
        try:
            upload = await _received(call, made.id, offset=0, complete=complete, settle=_settle(repeatable))
        except RepeatedError as repeated:  # two at once, and the other one was first
            await run_in_threadpool(_withdrawn, call, made.id)
            return replayed(repeated.answer)
        response = _made(upload)
        response.headers.update(fields.upload_headers(upload, call.serving.settings))
        return response

    return await _told(call.request, take)


@router.get("/uploads", response_model=Page[UploadModel], summary="Uploads, newest first")
def list_uploads(
    call: Annotated[Call, needs("ingest:write")],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    status: Annotated[UploadStatus | None, Query(description="Only those.")] = None,
) -> Response:
    """The organization's uploads, those that are over included."""
    place = decode_cursor(cursor, UUID)
    with call.reading() as connection:
        found = uploads.list_uploads(
            connection,
            call.principal.organization_id,
            status=status,
            before=place[0] if place else None,
            limit=limit + 1,
        )
    items, following = page_of(found, limit, lambda upload: (upload.id,))
    return shown(Page[UploadModel](items=[UploadModel.of(each) for each in items], next_cursor=following))


@router.get("/uploads/{upload_id}", response_model=UploadModel, summary="One upload")
def get_upload(call: Annotated[Call, needs("ingest:write")], upload_id: UUID) -> Response:
    """Where it stands. To go on with it, ask with HEAD: that ends a request that still hangs."""
    with call.reading() as connection:
        found = uploads.find_upload(connection, call.principal.organization_id, upload_id)
    return tagged(call.request, UploadModel.of(found))


@router.head("/uploads/{upload_id}", status_code=204, response_class=Response, summary="Where to go on")
async def head_upload(call: Annotated[Call, needs("ingest:write")], upload_id: UUID) -> Response:
    """`Upload-Offset`: so many bytes are safe. A request that still adds to the upload is ended before."""
    await run_in_threadpool(_found, call, upload_id)
    await call.serving.receptions.make_way(upload_id)
    upload = await run_in_threadpool(_found, call, upload_id)
    return Response(None, 204, fields.upload_headers(upload, call.serving.settings))


@router.patch(
    "/uploads/{upload_id}",
    response_model=UploadModel,
    responses=_STORAGE | {204: {"description": "Kept; more has to follow"}},
    max_body_size=_UNBOUNDED,
    openapi_extra=_bytes(fields.PARTIAL)
    | {
        "parameters": [
            _field("Upload-Offset", "Where the body begins in the file.", "0", required=True),
            _field("Upload-Complete", "?1 with the last part.", "?1"),
            *_COMMON,
        ]
    },
    summary="Send a part of an upload",
)
async def append_upload(call: Annotated[Call, needs("ingest:write")], upload_id: UUID) -> Response:
    """The bytes from `Upload-Offset` on. 409 with the right offset for others. With the last part the job begins."""
    headers = call.request.headers

    async def take() -> Response:
        fields.require_partial(headers)
        offset = fields.offset_of(headers)
        complete = fields.completes(headers, default=False)
        await run_in_threadpool(_found, call, upload_id)
        await call.serving.receptions.make_way(upload_id)
        upload = await _received(call, upload_id, offset=offset, complete=complete)
        told = fields.upload_headers(upload, call.serving.settings)
        if not complete:
            return Response(None, 204, told)
        return shown(UploadModel.of(upload), headers=told)

    return await _told(call.request, take)


@router.delete(
    "/uploads/{upload_id}", status_code=204, response_class=Response, summary="Give an upload up", openapi_extra=CHECKED
)
async def cancel_upload(call: Annotated[Call, needs("ingest:write")], upload_id: UUID) -> Response:
    """What has arrived is removed. 409 if it is completed: then it is its job that can be cancelled."""

    def cancel() -> None:
        with call.transaction() as connection:
            organization = call.principal.organization_id
            found = uploads.find_upload(connection, organization, upload_id, lock=True)
            require_match(call.request, UploadModel.of(found))
            uploads.cancel_upload(connection, organization, upload_id)

    await run_in_threadpool(cancel)
    await call.serving.receptions.make_way(upload_id)
    return Response(None, 204)


def _require_case(call: Call, options: ReadingOptions) -> None:
    if options.case is not None:
        authorise(call.principal, "investigation:write")


def _created(call: Call, new: NewUpload) -> Upload:
    with call.transaction() as connection:
        return uploads.create_upload(
            connection, call.principal.organization_id, new, settings=call.serving.settings, clock=call.serving.clock
        )


def _found(call: Call, upload_id: UUID) -> Upload:
    with call.transaction() as connection:
        return uploads.find_upload(connection, call.principal.organization_id, upload_id)


def _withdrawn(call: Call, upload_id: UUID) -> None:
    with call.transaction() as connection:
        uploads.cancel_upload(connection, call.principal.organization_id, upload_id)


def _made(upload: Upload) -> Response:
    return created(UploadModel.of(upload), f"{PREFIX}/uploads/{upload.id}")


def _repeatable(call: Call, key: str | None, *, complete: bool) -> LongRequest | None:
    if key is None:
        return None
    if not complete:
        raise InputError(
            "a key goes with a whole file", where="Idempotency-Key", remedy="begin it with POST /api/v1/uploads"
        )
    return LongRequest(call, key)


def _settle(repeatable: LongRequest | None) -> Settle:
    """Keeps the answer with the act, or finds that another request was first, perhaps with another file."""

    def settle(connection: sa.Connection, upload: Upload) -> None:
        if repeatable is None:
            return
        try:
            repeatable.settle(connection, _made(upload))
        except RepeatedError as repeated:
            _require_same(repeated.answer, upload.sha256)
            raise

    return settle


def _require_same(known: Answer, sha256: str | None) -> None:
    if orjson.loads(known.body)["sha256"] != sha256:
        raise reused()


async def _known_again(call: Call, known: Answer) -> Response:
    """The answer of before, if this is the file of before: it is read, and not kept."""
    digest, size = hashlib.sha256(), 0
    async for data in call.request.stream():
        size += len(data)
        uploads.require_size(size, call.serving.settings)
        digest.update(data)
    _require_same(known, digest.hexdigest())
    return replayed(known)


def _nothing(_connection: sa.Connection, _upload: Upload) -> None:
    pass


async def _received(call: Call, upload_id: UUID, *, offset: int, complete: bool, settle: Settle = _nothing) -> Upload:
    headers, serving = call.request.headers, call.serving
    length, body = fields.length_of(headers), fields.body_length(headers)
    if length is None and complete and body is not None:
        length = offset + body
    reception = Reception(
        serving.database,
        call.context,
        upload_id,
        offset=offset,
        length=length,
        content_digests=fields.content_digests(headers),
        repr_digests=fields.repr_digests(headers),
        digests=serving.receptions.digests,
        clock=serving.clock,
    )
    return await serving.receptions.receive(call.request, upload_id, reception, complete=complete, settle=settle)


async def _told(request: Request, take: Callable[[], Awaitable[Response]]) -> Response:
    """What `take` answers, or why not. Of a body that is not read to its end nothing more is waited for."""
    try:
        return await take()
    except OffsetError as error:
        response = problem_of(request, error)
        response.headers.update({"Upload-Offset": str(error.expected), "Upload-Complete": "?0"})
    except StorageFullError as error:
        response = _no_room(request, error)
    except ClientDisconnect:
        return Response(None, _NOT_ACKNOWLEDGED)  # nobody is there to hear it
    except ClewError as error:
        response = problem_of(request, error)
    response.headers["Connection"] = "close"
    return response


def _no_room(request: Request, error: StorageFullError) -> Response:
    return answer(request, 507, error.code, error.message, where=error.where, remedy=error.remedy)
