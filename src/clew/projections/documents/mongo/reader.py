"""Documents read from MongoDB. Every query is one organization's: that condition is put on here, beside all others."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from pymongo import DESCENDING

from clew.projections.documents.cursors import Place, microseconds_of
from clew.projections.documents.errors import DocumentStoreUnavailableError
from clew.projections.documents.mongo.connection import Mongo
from clew.projections.documents.mongo.encoding import decode, is_stored_as_integer, key_of, path_in
from clew.projections.documents.mongo.generations import Generation, Generations
from clew.projections.documents.port import (
    Condition,
    Document,
    DocumentCollection,
    DocumentPage,
    DocumentRequest,
    Is,
)
from clew.projections.documents.walking import page

Given = TypeVar("Given")
_ORDER: Final = [("at", DESCENDING), ("id", DESCENDING)]
_ATTEMPTS: Final = 3
_BATCH: Final = 1000


class MongoDocuments:
    """Reads what is published, whichever generation that is when it is asked."""

    adapter = "mongodb"

    def __init__(self, generations: Generations) -> None:
        self._generations = generations
        self._connection = connection = generations.connection
        self._milliseconds = int(connection.address.timeout_seconds * 1000)

    def get(self, organization_id: UUID, collection: DocumentCollection, ids: Sequence[UUID]) -> dict[str, Document]:
        """See `DocumentReader`."""
        keys = [key_of(organization_id, str(identifier)) for identifier in ids]
        wanted = {"_id": {"$in": keys}, "organization_id": str(organization_id)}
        found = self._reading(
            collection, lambda kept: list(map(decode, kept.find(wanted, max_time_ms=self._milliseconds)))
        )
        return {str(document["id"]): document for document in found}

    def find(self, organization_id: UUID, collection: DocumentCollection, request: DocumentRequest) -> DocumentPage:
        """See `DocumentReader`."""

        def fetch(after: Place | None, count: int) -> list[Document]:
            wanted = _filter(organization_id, request.conditions, after)
            return self._reading(
                collection,
                lambda kept: list(
                    map(decode, kept.find(wanted, max_time_ms=self._milliseconds).sort(_ORDER).limit(count))
                ),
            )

        # The server may find more than is meant (it looks into lists); what is shown is looked at once more.
        return page(collection, request, fetch, walks=False)

    def stored(self, organization_id: UUID, collection: DocumentCollection) -> Iterator[Document]:
        """See `DocumentReader`. Of one generation: one that is replaced meanwhile ends in an error."""
        generation = self._generation()
        if generation is None:
            return
        name = generation.collections[collection]
        wanted = {"organization_id": str(organization_id)}
        cursor = self._connection.run(lambda mongo: mongo[name].find(wanted).batch_size(_BATCH))
        try:
            while some := self._connection.run(lambda _: _next(cursor, _BATCH)):
                yield from map(decode, some)
        finally:
            cursor.close()

    def count(self, organization_id: UUID, collection: DocumentCollection) -> int:
        """See `DocumentReader`."""
        wanted = {"organization_id": str(organization_id)}
        return self._reading(collection, lambda kept: int(kept.count_documents(wanted)))

    def organizations(self) -> tuple[UUID, ...]:
        """Every organization that has documents, in ascending order; what is no organization's is told apart by 0."""
        found: set[UUID] = set()
        for collection in DocumentCollection:
            for text in self._reading(collection, lambda kept: kept.distinct("organization_id")):
                found.add(_uuid(text))
        return tuple(sorted(found))

    def _generation(self) -> Generation | None:
        return self._generations.published()

    def _reading(self, collection: DocumentCollection, work: Callable[[Any], Given]) -> Given:
        """What the work on the published collection gives; again, if another was published while it was at it."""
        for _ in range(_ATTEMPTS):
            generation = self._generation()
            if generation is None:
                raise DocumentStoreUnavailableError(
                    "there are no documents in MongoDB yet",
                    where=self._connection.address.place,
                    remedy="wait until the view is built: `clew projection status`",
                )
            name = generation.collections[collection]

            def do(mongo: Mongo, name: str = name) -> Given:
                return work(mongo[name])

            given = self._connection.run(do)
            after = self._generation()
            if after is not None and after.name == generation.name:
                return given
        raise DocumentStoreUnavailableError(
            "the documents are being rebuilt again and again", where=self._connection.address.place
        )


def _next(cursor: Iterator[Any], count: int) -> list[Any]:
    found = []
    for document in cursor:
        found.append(document)
        if len(found) == count:
            break
    return found


def _filter(organization_id: UUID, conditions: Sequence[Condition], after: Place | None) -> Mapping[str, Any]:
    parts: list[Mapping[str, Any]] = [{"organization_id": {"$eq": str(organization_id)}}]
    for condition in conditions:
        parts += _parts(condition)
    if after is not None:
        same_moment = {"at": {"$eq": after.microseconds}, "id": {"$lt": str(after.id)}}
        parts.append({"$or": [{"at": {"$lt": after.microseconds}}, same_moment]})
    return {"$and": parts}


def _parts(condition: Condition) -> Iterator[Mapping[str, Any]]:
    """A condition in the server's words: values are compared with $eq, so that none of them is an operator."""
    if condition.path == ("created_at",):
        yield from _times(condition)
        return
    path = path_in(condition.path)
    if isinstance(condition, Is):
        if type(condition.value) is int and not is_stored_as_integer(condition.value):
            yield {f"{path}.%int": {"$eq": str(condition.value)}}
        else:
            yield {path: {"$eq": condition.value}}
        return
    for operator, end in (("$gte", condition.least), ("$lt", condition.below)):
        if end is not None:
            yield {path: {operator: end}}


def _times(condition: Condition) -> Iterator[Mapping[str, Any]]:
    if isinstance(condition, Is):
        yield {"at": {"$eq": microseconds_of(datetime.fromisoformat(str(condition.value)))}}
        return
    for operator, end in (("$gte", condition.least), ("$lt", condition.below)):
        if isinstance(end, datetime):
            yield {"at": {operator: microseconds_of(end)}}


def _uuid(text: Any) -> UUID:
    try:
        return UUID(str(text))
    except ValueError:
        return UUID(int=0)
