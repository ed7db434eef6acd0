"""TAXII 2.1 (OASIS): what an organization shares, for programs of other organizations, outside /api/v1.

The organization is that of the caller. An API key is shown as `Authorization: Bearer KEY`, or by Basic with the key as
the password, as TAXII clients do. Nothing can be written here.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
from fastapi import Query
from starlette.responses import Response

from clew.api import examples
from clew.api.callers import Call, needs
from clew.api.errors import NotAcceptableError
from clew.api.routing import MOST_BODY_BYTES
from clew.api.routing import router as routes
from clew.domains.exchange import sharing
from clew.domains.exchange.times import instant, written
from clew.kernel.errors import InputError, NotFoundError
from clew.records.acts import Act

router = routes("taxii", prefix="/taxii2")

MEDIA_TYPE: Final = "application/taxii+json;version=2.1"
_STIX: Final = "application/stix+json;version=2.1"
_ACCEPTED: Final = re.compile(
    r"\*/\*|application/\*|application/(?:taxii|stix)\+json(?:\s*;\s*version\s*=\s*\"?2\.1\"?)?"
)


def _answers(example: Mapping[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {MEDIA_TYPE: {"schema": {"type": "object"}, "example": example}}}}


Reader = Annotated[Call, needs("share:read")]
Filter = Annotated[str | None, Query(max_length=20_000)]
AddedAfter = Annotated[str | None, Query(max_length=40, examples=["2026-01-01T00:00:00Z"])]
LimitOf = Annotated[int | None, Query(ge=1)]
Next = Annotated[str | None, Query(max_length=200)]


@router.get(
    "/", response_class=Response, responses=_answers(examples.TAXII_DISCOVERY), summary="Discovery of the TAXII server"
)
def get_taxii_discovery(call: Reader) -> Response:
    """Its one API root."""
    root = "/taxii2/root/"  # relative, as TAXII allows: the server may be reached by several names
    return _answer(call, {"title": "Clew", "default": root, "api_roots": [root]})


@router.get("/root/", response_class=Response, responses=_answers(examples.TAXII_ROOT), summary="The TAXII API root")
def get_taxii_root(call: Reader) -> Response:
    """What versions it speaks."""
    return _answer(
        call, {"title": "Shared by the organization", "versions": [MEDIA_TYPE], "max_content_length": MOST_BODY_BYTES}
    )


@router.get(
    "/root/collections/",
    response_class=Response,
    responses=_answers(examples.TAXII_COLLECTIONS),
    summary="Shared collections",
)
def list_taxii_collections(call: Reader) -> Response:
    """Every collection of the caller's organization."""
    with call.reading() as connection:
        found = sharing.collections_of(connection, call.principal.organization_id)
    return _answer(call, {"collections": [_shown(each) for each in found]} if found else {})


@router.get(
    "/root/collections/{shared_id}/",
    response_class=Response,
    responses=_answers(examples.TAXII_COLLECTION),
    summary="A shared collection",
)
def get_taxii_collection(call: Reader, shared_id: UUID) -> Response:
    """Its title, and that it can be read."""
    with call.reading() as connection:
        found = sharing.find_collection(connection, call.principal.organization_id, shared_id)
    return _answer(call, _shown(found))


@router.get(
    "/root/collections/{shared_id}/objects/",
    response_class=Response,
    responses=_answers(examples.TAXII_OBJECTS),
    summary="Objects of a shared collection",
)
def list_taxii_objects(
    call: Reader,
    shared_id: UUID,
    added_after: AddedAfter = None,
    limit: LimitOf = None,
    following: Annotated[str | None, Query(alias="next", max_length=200)] = None,
    ids: Annotated[str | None, Query(alias="match[id]", max_length=20_000)] = None,
    types: Annotated[str | None, Query(alias="match[type]", max_length=5000)] = None,
    versions: Annotated[str | None, Query(alias="match[version]", max_length=5000)] = None,
    spec_versions: Annotated[str | None, Query(alias="match[spec_version]", max_length=100)] = None,
) -> Response:
    """A page of objects in the order in which they were added."""
    wanted = _wanted(added_after, limit, following, ids, types, versions, spec_versions)
    found, more = _read(call, shared_id, wanted)
    return _envelope(found, more, b"objects", [each.content for each in found])


@router.get(
    "/root/collections/{shared_id}/manifest/",
    response_class=Response,
    responses=_answers(examples.TAXII_MANIFEST),
    summary="Manifest of a shared collection",
)
def get_taxii_manifest(
    call: Reader,
    shared_id: UUID,
    added_after: AddedAfter = None,
    limit: LimitOf = None,
    following: Annotated[str | None, Query(alias="next", max_length=200)] = None,
    ids: Annotated[str | None, Query(alias="match[id]", max_length=20_000)] = None,
    types: Annotated[str | None, Query(alias="match[type]", max_length=5000)] = None,
    versions: Annotated[str | None, Query(alias="match[version]", max_length=5000)] = None,
    spec_versions: Annotated[str | None, Query(alias="match[spec_version]", max_length=100)] = None,
) -> Response:
    """Ids, versions and times of adding, without the objects."""
    wanted = _wanted(added_after, limit, following, ids, types, versions, spec_versions)
    found, more = _read(call, shared_id, wanted)
    rows = [
        orjson.dumps(
            {
                "id": each.external_id,
                "date_added": written(each.added_at),
                "version": each.version,
                "media_type": _STIX,
            }
        )
        for each in found
    ]
    return _envelope(found, more, b"objects", rows)


@router.get(
    "/root/collections/{shared_id}/objects/{stix_id}/",
    response_class=Response,
    responses=_answers(examples.TAXII_OBJECTS),
    summary="An object of a shared collection",
)
def get_taxii_object(
    call: Reader,
    shared_id: UUID,
    stix_id: str,
    added_after: AddedAfter = None,
    limit: LimitOf = None,
    following: Annotated[str | None, Query(alias="next", max_length=200)] = None,
    versions: Annotated[str | None, Query(alias="match[version]", max_length=5000)] = None,
    spec_versions: Annotated[str | None, Query(alias="match[spec_version]", max_length=100)] = None,
) -> Response:
    """Its last version, or those that are asked for. 404 if it is not in the collection."""
    wanted = _wanted(added_after, limit, following, stix_id, None, versions, spec_versions)
    found, more = _read(call, shared_id, wanted)
    if not found and following is None:
        raise NotFoundError(f"no object {stix_id[:100]} in this collection", remedy="look into its manifest")
    return _envelope(found, more, b"objects", [each.content for each in found])


@router.get(
    "/root/collections/{shared_id}/objects/{stix_id}/versions/",
    response_class=Response,
    responses=_answers(examples.TAXII_VERSIONS),
    summary="Versions of an object of a shared collection",
)
def list_taxii_versions(
    call: Reader,
    shared_id: UUID,
    stix_id: str,
    added_after: AddedAfter = None,
    limit: LimitOf = None,
    following: Annotated[str | None, Query(alias="next", max_length=200)] = None,
    spec_versions: Annotated[str | None, Query(alias="match[spec_version]", max_length=100)] = None,
) -> Response:
    """The versions that the collection has of it. 404 if it is not there."""
    wanted = _wanted(added_after, limit, following, stix_id, None, "all", spec_versions)
    found, more = _read(call, shared_id, wanted)
    if not found and following is None:
        raise NotFoundError(f"no object {stix_id[:100]} in this collection", remedy="look into its manifest")
    return _envelope(found, more, b"versions", [orjson.dumps(each.version) for each in found])


def _read(call: Call, shared_id: UUID, wanted: sharing.Wanted) -> tuple[list[sharing.SharedObject], bool]:
    _require_acceptable(call)
    with call.reading() as connection:
        collection = sharing.find_collection(connection, call.principal.organization_id, shared_id)
        found = sharing.shared_objects(connection, call.principal.organization_id, collection, wanted)
    call.tell_read(Act("shared_objects_read", "READ", "shared_collection", shared_id))
    return found


def _wanted(
    added_after: str | None,
    limit: int | None,
    following: str | None,
    ids: str | None,
    types: str | None,
    versions: str | None,
    spec_versions: str | None,
) -> sharing.Wanted:
    return sharing.Wanted(
        _moment(added_after),
        _listed(ids),
        _listed(types),
        tuple(_version(each) for each in _listed(versions)) or ("last",),
        _listed(spec_versions),
        _place(following),
        min(limit or sharing.MOST_AT_ONCE, sharing.MOST_AT_ONCE),
    )


def _envelope(found: list[sharing.SharedObject], more: bool, name: bytes, members: list[bytes]) -> Response:
    body = b""
    if members:
        following = b""
        if more:
            last = found[-1]
            place = base64.urlsafe_b64encode(f"{last.added_at.isoformat()}|{last.position}".encode()).decode()
            following = b'"more":true,"next":' + orjson.dumps(place) + b","
        body = b"{" + following + b'"' + name + b'":[' + b",".join(members) + b"]}"
    headers = {}
    if found:
        headers["X-TAXII-Date-Added-First"] = written(min(each.added_at for each in found))
        headers["X-TAXII-Date-Added-Last"] = written(max(each.added_at for each in found))
    return Response(body or b"{}", 200, headers, media_type=MEDIA_TYPE)


def _answer(call: Call, document: dict[str, Any]) -> Response:
    _require_acceptable(call)
    return Response(orjson.dumps(document), media_type=MEDIA_TYPE)


def _require_acceptable(call: Call) -> None:
    said = call.request.headers.get("Accept", MEDIA_TYPE)
    if not any(_ACCEPTED.fullmatch(part.partition(";q=")[0].strip()) for part in said.split(",")):
        raise NotAcceptableError(
            "this kind of answer is not to be had", where="Accept", remedy=f"send Accept: {MEDIA_TYPE}"
        )


def _shown(found: sharing.SharedCollection) -> dict[str, Any]:
    told = {"id": str(found.id), "title": found.title, "can_read": True, "can_write": False, "media_types": [_STIX]}
    return told | ({} if found.description is None else {"description": found.description})


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(each.strip() for each in (text or "").split(",") if each.strip())


def _version(text: str) -> str:
    if text in {"last", "first", "all"}:
        return text
    moment = instant(text)
    if moment is None:
        raise InputError(f"no version {text[:60]!r}", where="match[version]", remedy="write last, first, all or a time")
    return written(moment)


def _moment(text: str | None) -> datetime | None:
    found = instant(text)
    if text is not None and found is None:
        raise InputError("this is no time", where="added_after", remedy="write it as 2026-01-01T00:00:00Z")
    return found


def _place(text: str | None) -> tuple[datetime, int] | None:
    if text is None:
        return None
    try:
        moment, _, position = base64.urlsafe_b64decode(text.encode()).decode().partition("|")
        return datetime.fromisoformat(moment), int(position)
    except (ValueError, binascii.Error):
        raise InputError(
            "this is no place in a collection", where="next", remedy="send what the last page gave"
        ) from None
