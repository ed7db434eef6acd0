"""Sources, and collections of what they tell."""

from typing import Annotated, cast
from uuid import UUID

import sqlalchemy as sa
from fastapi import Query
from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.collections import (
    CollectionChangesModel,
    CollectionModel,
    CollectionQuery,
    NewCollection,
    NewSource,
    SourceChangesModel,
    SourceModel,
    SourceQuery,
)
from clew.api.models.listing import page_shown
from clew.api.paging import Page
from clew.api.repeating import IdempotencyKey, once
from clew.api.representations import CHECKED, created, require_match, shown, tagged
from clew.api.routing import PREFIX
from clew.api.routing import router as routes
from clew.domains.collections import service
from clew.records.acts import Act

router = routes("collections")

SourceReader = Annotated[Call, needs("source:read")]
SourceWriter = Annotated[Call, needs("source:write")]
Reader = Annotated[Call, needs("collection:read")]
Writer = Annotated[Call, needs("collection:write")]


@router.get("/sources", response_model=Page[SourceModel], summary="List sources")
def list_sources(call: SourceReader, query: Annotated[SourceQuery, Query()]) -> Response:
    """What the record is told by, page by page, by name."""
    wanted = query.wanted(service.SourceFilter)
    with call.reading() as connection:
        page = service.list_sources(connection, call.principal.organization_id, wanted, query.page)
    return shown(page_shown(page, SourceModel))


@router.post("/sources", status_code=201, response_model=SourceModel, summary="Add a source")
def add_source(call: SourceWriter, new: NewSource, key: IdempotencyKey = None) -> Response:
    """A new source. Secrets are refused: there is no encrypted place for them yet."""
    values = cast("service.SourceValues", new.model_dump(exclude={"name"}, exclude_unset=True))

    def make(connection: sa.Connection) -> Response:
        made = service.add_source(connection, call.principal.organization_id, new.name, values)
        return created(SourceModel.model_validate(made), f"{PREFIX}/sources/{made.id}")

    return once(call, key, make)


@router.get("/sources/{source_id}", response_model=SourceModel, summary="Read a source")
def get_source(call: SourceReader, source_id: UUID) -> Response:
    """One source with its ETag."""
    with call.reading() as connection:
        found = service.read_source(connection, call.principal.organization_id, source_id)
    return tagged(call.request, SourceModel.model_validate(found))


@router.patch(
    "/sources/{source_id}",
    response_model=SourceModel,
    summary="Change a source, or switch it off",
    openapi_extra=CHECKED,
)
def change_source(call: SourceWriter, source_id: UUID, changes: SourceChangesModel) -> Response:
    """Change what is given and nothing else. With If-Match only the state that the caller saw is changed."""

    def check(present: service.Source) -> None:
        require_match(call.request, SourceModel.model_validate(present))

    values = cast("service.SourceValues", changes.model_dump(exclude_unset=True))
    with call.transaction() as connection:
        found = service.change_source(connection, call.principal.organization_id, source_id, values, check=check)
    return tagged(call.request, SourceModel.model_validate(found))


@router.get("/collections", response_model=Page[CollectionModel], summary="List collections")
def list_collections(call: Reader, query: Annotated[CollectionQuery, Query()]) -> Response:
    """The organization's collections page by page, the newest first unless asked otherwise."""
    wanted = query.wanted(service.CollectionFilter)
    with call.reading() as connection:
        page = service.list_collections(connection, call.principal.organization_id, wanted, query.page)
    call.tell_read(Act("collections_listed", "READ", "collection", request=query.asked()))
    return shown(page_shown(page, CollectionModel))


@router.post("/collections", status_code=201, response_model=CollectionModel, summary="Define a collection")
def define_collection(call: Writer, new: NewCollection, key: IdempotencyKey = None) -> Response:
    """A new collection of the caller's. Its items are made part of a case there."""
    given = new.model_dump(exclude={"name", "collector_type"}, exclude_unset=True)
    values = cast("service.CollectionValues", given)
    principal = call.principal

    def make(connection: sa.Connection) -> Response:
        made = service.define_collection(
            connection, principal.organization_id, principal.user_id, new.name, new.collector_type, values
        )
        return created(CollectionModel.model_validate(made), f"{PREFIX}/collections/{made.id}")

    return once(call, key, make)


@router.get("/collections/{collection_id}", response_model=CollectionModel, summary="Read a collection")
def get_collection(call: Reader, collection_id: UUID) -> Response:
    """One collection with its ETag."""
    with call.reading() as connection:
        found = service.read_collection(connection, call.principal.organization_id, collection_id)
    call.tell_read(Act("collection_read", "READ", "collection", found.id, found.name))
    return tagged(call.request, CollectionModel.model_validate(found))


@router.patch(
    "/collections/{collection_id}", response_model=CollectionModel, summary="Change a collection", openapi_extra=CHECKED
)
def change_collection(call: Writer, collection_id: UUID, changes: CollectionChangesModel) -> Response:
    """Change how a collection is defined. With If-Match only the state that the caller saw is changed."""

    def check(present: service.Collection) -> None:
        require_match(call.request, CollectionModel.model_validate(present))

    values = cast("service.CollectionValues", changes.model_dump(exclude_unset=True))
    with call.transaction() as connection:
        found = service.change_collection(
            connection, call.principal.organization_id, collection_id, values, check=check
        )
    return tagged(call.request, CollectionModel.model_validate(found))
