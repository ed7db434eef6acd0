"""Answers what is like what, from the view of vectors; whichever engine keeps it, the arithmetic is done here."""

import contextlib
from collections.abc import Iterator, Sequence
from uuid import UUID

import numpy as np

from clew.domains.investigations.cases import find_investigation
from clew.domains.similarity.questions import Answer, Likeness, Question, ids_of
from clew.kernel.database import Database, TenantContext
from clew.kernel.errors import NotFoundError
from clew.projections.own_database import OwnDatabase
from clew.projections.vector_documents import collection_of_kind
from clew.projections.vector_place import vector_view
from clew.projections.vectors.embedding.kept import KeptEmbedding
from clew.projections.vectors.embedding.opening import embedder_of
from clew.projections.vectors.errors import VectorQueryError, VectorViewMissingError
from clew.projections.vectors.port import Collection, Conditions, Point, Vector, VectorReader
from clew.projections.vectors.precision import at_stored_precision
from clew.records.finding import found_entities


@contextlib.contextmanager
def opened_vectors(database: Database) -> Iterator[VectorReader]:
    """The view of vectors that the settings name, for the block.

    Raises VectorViewMissingError where vectors are switched off or there are none yet.
    """
    if database.settings.vectors == "none":
        raise VectorViewMissingError("vectors are switched off", where="CLEW_VECTORS", remedy='set it to "pgvector"')
    with vector_view(database.settings, OwnDatabase(database.settings, database)).reader() as reader:
        yield reader


def similar(database: Database, context: TenantContext, question: Question) -> Answer:
    """What is most like what is asked about. What itself is asked about is not among it.

    Raises VectorQueryError, NotFoundError, VectorViewMissingError, ConfigurationError.
    """
    question.checked()
    organization_id = context.organization_id
    with opened_vectors(database) as reader:
        if question.text is not None:
            return Answer(None, like_text(database, reader, organization_id, question))
        if question.value is not None:
            identifier, name, collection = _found(database, context, question)
            points = _points(reader, organization_id, collection, [identifier])
            without: Sequence[UUID] = [identifier]
            vector = points[0].vector
        else:
            like, unlike = ids_of(question.like), ids_of(question.unlike)
            collection = question.collection or _collection_of(reader, organization_id, like[0])
            points = _points(reader, organization_id, collection, [*like, *unlike])
            vector = recommended(points[: len(like)], points[len(like) :])
            name, without = None, [*like, *unlike]
        items = _nearest(reader, organization_id, collection, vector, question, tuple(without))
        return Answer(name, items)


def like_text(
    database: Database, reader: VectorReader, organization_id: UUID, question: Question
) -> tuple[Likeness, ...]:
    """What is like a text, in one collection or in all of them."""
    items: list[Likeness] = []
    vectors: dict[str, Vector] = {}
    for collection in [question.collection] if question.collection else list(Collection):
        model = reader.models[collection]
        if str(model) not in vectors:
            embedder = embedder_of(model, database.settings)
            made = embedder.embed([question.text or ""])
            KeptEmbedding(OwnDatabase(database.settings, database)).note(organization_id, model, made.spent)
            vectors[str(model)] = at_stored_precision(made.vectors)[0]
        vector = vectors[str(model)]
        if not vector.any():
            raise VectorQueryError("there is no word in this text", where="text", remedy="give some")
        items += _nearest(reader, organization_id, collection, vector, question, ())
    return tuple(sorted(items, key=lambda each: (-each.score, each.id))[: question.limit])


def recommended(like: Sequence[Point], unlike: Sequence[Point]) -> Vector:
    """Where to look for more like these and not like those: the mean of the former, away from that of the latter.

    It is the "average vector" of Qdrant's recommendations: mean(like) + (mean(like) - mean(unlike)).
    """
    wanted = np.mean([each.vector for each in like], axis=0)
    if unlike:
        wanted = 2 * wanted - np.mean([each.vector for each in unlike], axis=0)
    vector: Vector = at_stored_precision(wanted)[0]
    return vector


def _nearest(
    reader: VectorReader,
    organization_id: UUID,
    collection: Collection,
    vector: Vector,
    question: Question,
    without: tuple[UUID, ...],
) -> tuple[Likeness, ...]:
    model = reader.models[collection]
    given = question.conditions()
    conditions = Conditions(given.kinds, given.platforms, given.since, given.until, without=without)
    found = reader.nearest(
        organization_id, collection, vector, model=model, conditions=conditions, limit=question.limit
    )
    return tuple(Likeness.of(collection, model.name, each) for each in found)


def _found(database: Database, context: TenantContext, question: Question) -> tuple[UUID, str, Collection]:
    """What the value means: an entity that is embedded, or a case."""
    value, wanted = question.value or "", question.collection
    with database.transaction(context, reading=True) as connection:
        missing: NotFoundError | None = None
        rows = []
        if wanted is not Collection.INVESTIGATIONS:
            try:
                rows = found_entities(connection, context.organization_id, value, question.kind)
            except NotFoundError as error:
                missing = error
            for row in rows:
                collection = collection_of_kind(row.type)
                if collection is not None and wanted in (None, collection):
                    return row.id, row.name, collection
            if rows and question.kind is not None:
                raise _not_embedded(rows[0].name, rows[0].type)
        try:
            case = find_investigation(connection, context.organization_id, value)
        except NotFoundError as error:
            if rows:
                raise _not_embedded(rows[0].name, rows[0].type) from None
            raise (missing or error) from None
    return case.id, case.name, Collection.INVESTIGATIONS


def _not_embedded(name: str, kind: str) -> NotFoundError:
    return NotFoundError(
        f"{name[:200]!r} is of type {kind}, of which no vectors are made",
        remedy="user names, profiles, domains, threats, software and cases have them; look for a text with --text",
    )


def _points(reader: VectorReader, organization_id: UUID, collection: Collection, ids: Sequence[UUID]) -> list[Point]:
    found = reader.get(organization_id, collection, ids)
    for each in ids:
        if each not in found:
            raise NotFoundError(
                f"there is no vector of {each} in {collection.value}",
                remedy="it may be new: `clew projection status` says how far the vectors are",
            )
    return [found[each] for each in ids]


def _collection_of(reader: VectorReader, organization_id: UUID, identifier: UUID) -> Collection:
    for collection in Collection:
        if reader.get(organization_id, collection, [identifier]):
            return collection
    raise NotFoundError(f"there is no vector of {identifier}", remedy="give the ids that answers name")
