"""What an organization lets others read by TAXII 2.1: collections, and the objects that somebody put into each.

Nothing is in a collection unless it was put there, and nothing that is marked stricter than the collection can be. An
object that is marked stricter later is not handed out any more, whatever was put in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.domains.exchange import keeping
from clew.domains.exchange.campaign_bundles import TLP_MARKINGS, definition
from clew.domains.exchange.marking import TLP, Audience, may_have, stix_level
from clew.domains.exchange.tables import contents, shared_collections, shares
from clew.domains.exchange.three_way import Fields
from clew.domains.exchange.times import modified_of, written
from clew.kernel.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from clew.kernel.ids import new_id
from clew.records.acts import Act, record
from clew.records.lookup import is_storable

LEVELS: Final = TLP[:3]
MOST_AT_ONCE: Final = 1000
_FILTER_MOST: Final = 1000
_READ_AHEAD: Final = 2 * MOST_AT_ONCE


@dataclass(frozen=True, slots=True)
class SharedCollection:
    """A collection that others may read."""

    id: UUID
    title: str
    description: str | None
    maximum_tlp: str


@dataclass(frozen=True, slots=True)
class SharedObject:
    """One version of an object in a collection."""

    external_id: str
    version: str
    added_at: datetime
    position: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a collection (TAXII 2.1, section 3.4); versions are last, first, all or times."""

    added_after: datetime | None = None
    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    versions: tuple[str, ...] = ("last",)
    spec_versions: tuple[str, ...] = ()
    after: tuple[datetime, int] | None = None
    limit: int = MOST_AT_ONCE


def add_collection(
    connection: sa.Connection, organization_id: UUID, title: str, description: str | None, maximum_tlp: str
) -> SharedCollection:
    """A new, empty collection. Raises InputError, ConflictError."""
    name = title.strip()
    if not 0 < len(name) <= 200 or not name.isprintable() or not is_storable(name):
        raise InputError("a collection needs a title", where="title", remedy="write 1 to 200 printable characters")
    if maximum_tlp not in LEVELS:
        raise InputError(f"no level {maximum_tlp!r}", where="maximum_tlp", remedy=f"choose one of {', '.join(LEVELS)}")
    made = (
        pg.insert(shared_collections)
        .values(
            organization_id=organization_id, id=new_id(), title=name, description=description, maximum_tlp=maximum_tlp
        )
        .on_conflict_do_nothing()
        .returning(shared_collections.c.id)
    )
    identifier = connection.scalar(made)
    if identifier is None:
        raise ConflictError("a collection of this title exists", where=f"collection {name}", remedy="choose another")
    record(connection, Act("sharing_opened", "CREATE", "shared_collection", identifier, name))
    return SharedCollection(identifier, name, description, maximum_tlp)


def collections_of(connection: sa.Connection, organization_id: UUID) -> list[SharedCollection]:
    """Every collection, by title."""
    table = shared_collections.c
    query = sa.select(table.id, table.title, table.description, table.maximum_tlp)
    rows = connection.execute(query.where(table.organization_id == organization_id).order_by(table.title, table.id))
    return [SharedCollection(*row) for row in rows]


def find_collection(connection: sa.Connection, organization_id: UUID, identifier: UUID) -> SharedCollection:
    """One. Raises NotFoundError."""
    for each in collections_of(connection, organization_id):
        if each.id == identifier:
            return each
    raise NotFoundError(f"no shared collection {identifier}", remedy="list the collections")


def remove_collection(connection: sa.Connection, organization_id: UUID, collection: SharedCollection) -> None:
    """Stop sharing it. What was in it stays here."""
    table = shared_collections.c
    connection.execute(
        sa.delete(shared_collections).where(table.organization_id == organization_id, table.id == collection.id)
    )
    record(connection, Act("sharing_closed", "DELETE", "shared_collection", collection.id, collection.title))


def share(
    connection: sa.Connection, organization_id: UUID, collection: SharedCollection, objects: Sequence[Fields]
) -> int:
    """Put objects into a collection; how many versions are new in it.

    Definitions of markings go along. Raises ForbiddenError for what is marked stricter than the collection.
    """
    definitions = _definitions(connection, organization_id, objects)
    audience = Audience(collection.maximum_tlp)
    for each in objects:
        if not may_have(stix_level(each, definitions), audience):
            raise ForbiddenError(
                f"{each.get('id')} is marked stricter than this collection",
                where=f"collection {collection.title}",
                remedy=f"share what is at most TLP:{collection.maximum_tlp.upper()}",
            )
    wanted = {each["id"]: each for each in [*_needed(objects, definitions), *objects]}
    given = [orjson.dumps(each) for each in wanted.values()]
    keeping.put_contents(connection, organization_id, given)
    _lock(connection, organization_id, collection)
    added = 0
    for content, document in zip(given, wanted.values(), strict=True):
        row = {
            "organization_id": organization_id, "collection_id": collection.id, "external_id": document["id"],
            "version": written(modified_of(content)), "content_hash": keeping.digest(content),
            "added_at": sa.func.clock_timestamp(),
        }  # fmt: skip
        added += connection.execute(pg.insert(shares).values(**row).on_conflict_do_nothing()).rowcount
    ids = sorted(wanted)[:100]
    record(
        connection,
        Act("objects_shared", "CREATE", "shared_collection", collection.id, collection.title, request={"ids": ids}),
    )
    return added


def _lock(connection: sa.Connection, organization_id: UUID, collection: SharedCollection) -> None:
    """One after the other: whoever asks for what was added after some time must not miss what commits late."""
    table = shared_collections.c
    query = sa.select(table.id).where(table.organization_id == organization_id, table.id == collection.id)
    connection.execute(query.with_for_update())


def unshare(connection: sa.Connection, organization_id: UUID, collection: SharedCollection, external_id: str) -> int:
    """Take an object out of a collection; how many versions there were."""
    table = shares.c
    gone = connection.execute(
        sa.delete(shares).where(
            table.organization_id == organization_id, table.collection_id == collection.id,
            table.external_id == external_id,
        )
    )  # fmt: skip
    act = Act("objects_unshared", "DELETE", "shared_collection", collection.id, collection.title)
    record(connection, act)
    return gone.rowcount


def shared_objects(
    connection: sa.Connection, organization_id: UUID, collection: SharedCollection, wanted: Wanted
) -> tuple[list[SharedObject], bool]:
    """A page of a collection in the order of adding, and whether there is more."""
    versions = _versions(organization_id, collection.id, wanted)
    query = (
        sa.select(versions, contents.c.content)
        .join(
            contents,
            sa.and_(contents.c.organization_id == organization_id, contents.c.hash == versions.c.content_hash),
        )
        .order_by(versions.c.added_at, versions.c.position)
    )
    if wanted.added_after is not None:
        query = query.where(versions.c.added_at > wanted.added_after)
    if wanted.after is not None:
        place = sa.tuple_(versions.c.added_at, versions.c.position)
        query = query.where(place > sa.tuple_(*map(sa.literal, wanted.after)))
    rows = connection.execute(query.limit(_READ_AHEAD)).all()
    audience, definitions = Audience(collection.maximum_tlp), _all_definitions(connection, organization_id)
    definitions |= _shared_definitions(connection, organization_id, collection.id)
    present = keeping.find_all(connection, organization_id, "stix", sorted({row.external_id for row in rows}))
    found: list[SharedObject] = []
    for row in rows:
        document = orjson.loads(row.content)
        if wanted.spec_versions and str(document.get("spec_version", "2.0")) not in wanted.spec_versions:
            continue
        now = present.get(row.external_id)
        marked = [document] if now is None or now.content is None else [document, now.document]
        if not all(may_have(stix_level(each, definitions), audience) for each in marked):
            continue
        if len(found) == wanted.limit:
            return found, True
        found.append(SharedObject(row.external_id, row.version, row.added_at, row.position, row.content))
    return found, len(rows) == _READ_AHEAD


def _shared_definitions(
    connection: sa.Connection, organization_id: UUID, collection: UUID
) -> dict[str, dict[str, Any]]:
    table = shares.c
    query = (
        sa.select(contents.c.content)
        .join(
            shares,
            sa.and_(contents.c.organization_id == table.organization_id, contents.c.hash == table.content_hash),
        )
        .where(
            table.organization_id == organization_id, table.collection_id == collection,
            table.external_id.startswith("marking-definition--"),
        )
    )  # fmt: skip
    known = [orjson.loads(content) for content in connection.scalars(query)]
    return {each["id"]: each for each in known}


def _versions(organization_id: UUID, collection: UUID, wanted: Wanted) -> sa.Subquery:
    table = shares.c
    latest = sa.func.max(table.version).over(partition_by=table.external_id).label("latest")
    earliest = sa.func.min(table.version).over(partition_by=table.external_id).label("earliest")
    query = sa.select(
        table.external_id, table.version, table.added_at, table.position, table.content_hash, latest, earliest
    ).where(table.organization_id == organization_id, table.collection_id == collection)
    if wanted.ids:
        query = query.where(table.external_id.in_(wanted.ids[:_FILTER_MOST]))
    if wanted.types:
        kinds = [table.external_id.startswith(f"{each}--", autoescape=True) for each in wanted.types[:_FILTER_MOST]]
        query = query.where(sa.or_(*kinds))
    inner = query.subquery()
    if "all" in wanted.versions:
        return inner
    conditions: list[sa.ColumnElement[bool]] = []
    for each in wanted.versions[:_FILTER_MOST]:
        column = {"last": inner.c.latest, "first": inner.c.earliest}.get(each)
        conditions.append(inner.c.version == (sa.literal(each) if column is None else column))
    return sa.select(inner).where(sa.or_(*conditions)).subquery()


def _definitions(
    connection: sa.Connection, organization_id: UUID, objects: Sequence[Fields]
) -> dict[str, dict[str, Any]]:
    own = {each["id"]: each for each in objects if each.get("type") == "marking-definition"}
    return _all_definitions(connection, organization_id) | own


def _all_definitions(connection: sa.Connection, organization_id: UUID) -> dict[str, dict[str, Any]]:
    rows = connection.execute(
        sa.text("""
            SELECT c.content FROM exchange_objects AS o
            JOIN exchange_contents AS c ON c.organization_id = o.organization_id AND c.hash = o.content_hash
            WHERE o.organization_id = :organization AND o.form = 'stix' AND o.object_type = 'marking-definition'"""),
        {"organization": organization_id},
    )
    known = [orjson.loads(row[0]) for row in rows]
    return {each["id"]: each for each in known}


def _needed(objects: Sequence[Fields], definitions: dict[str, dict[str, Any]]) -> list[Fields]:
    """The definitions of the markings that the objects refer to."""
    prescribed = {identifier: definition(level) for level, identifier in TLP_MARKINGS.items()} | definitions
    wanted = {ref for each in objects for ref in each.get("object_marking_refs") or ()}
    return [prescribed[each] for each in sorted(wanted) if each in prescribed]
