"""What an investigation holds: its targets, its files and what they told."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.domains.investigations.cases import Investigation, find_investigation
from clew.domains.investigations.tables import investigation_items
from clew.domains.investigations.targets import Target, targets_of
from clew.records.tables.entities import entities, entity_sources, social_post_sources
from clew.records.tables.items import collection_item_hashes, collection_item_places, collection_items, ingest_files

MAXIMUM_FILES: Final = 1000
"""Files that an overview lists; all are counted."""


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A file of the case. `events` and `records` are of all its readings; `status` says whether one is unfinished."""

    item_id: UUID
    file_name: str
    sources: tuple[str, ...]
    status: str
    records: int
    rejected: int
    events: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "item_id": str(self.item_id),
            "file": self.file_name,
            "sources": list(self.sources),
            "status": self.status,
            "records": self.records,
            "rejected": self.rejected,
            "events": self.events,
        }


@dataclass(frozen=True, slots=True)
class Overview:
    """A case at a glance. `items` counts its files and all rows that stand in them, `posts` what was posted.

    `events` counts what its files were first to tell.
    """

    investigation: Investigation
    targets: list[Target]
    files: list[CaseFile]
    file_count: int
    items: int
    entities: dict[str, int]
    events: int
    posts: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **self.investigation.as_dict(),
            "targets": [target.as_dict() for target in self.targets],
            "files": [file.as_dict() for file in self.files],
            "file_count": self.file_count,
            "items": self.items,
            "entities": self.entities,
            "entity_count": sum(self.entities.values()),
            "events": self.events,
            "posts": self.posts,
        }


def investigation_overview(connection: sa.Connection, organization_id: UUID, investigation_id: UUID) -> Overview:
    """Everything there is to say about a case in one screen. Raises NotFoundError if it does not exist."""
    investigation = find_investigation(connection, organization_id, investigation_id)
    held = _held_items(organization_id, investigation_id)
    items = connection.scalar(sa.select(sa.func.count()).select_from(held)) or 0
    files, count, events = _files(connection, organization_id, investigation_id)
    return Overview(
        investigation=investigation,
        targets=targets_of(connection, organization_id, investigation_id),
        files=files,
        file_count=count,
        items=items,
        entities=_entities_by_type(connection, organization_id, held),
        events=events,
        posts=_posts(connection, organization_id, held),
    )


def _held_items(organization_id: UUID, investigation_id: UUID) -> sa.CTE:
    """The ids of the attached items and of their rows."""
    attached = _attached(organization_id, investigation_id).cte("attached")
    places = collection_item_places.c
    rows = sa.select(places.collection_item_id).where(
        places.organization_id == organization_id, places.file_id.in_(sa.select(attached.c.id))
    )
    return sa.union(sa.select(attached.c.id), rows).cte("held")


def _attached(organization_id: UUID, investigation_id: UUID) -> sa.Select[tuple[UUID]]:
    return sa.select(investigation_items.c.collection_item_id.label("id")).where(
        investigation_items.c.organization_id == organization_id,
        investigation_items.c.investigation_id == investigation_id,
    )


def _entities_by_type(connection: sa.Connection, organization_id: UUID, held: sa.CTE) -> dict[str, int]:
    seen = (
        sa.select(entity_sources.c.entity_id.label("id"))
        .distinct()
        .where(
            entity_sources.c.organization_id == organization_id,
            entity_sources.c.collection_item_id.in_(sa.select(held.c.id)),
        )
        .cte("seen")
    )
    statement = (
        sa.select(entities.c.entity_type, sa.func.count())
        .join(seen, sa.and_(entities.c.organization_id == organization_id, entities.c.id == seen.c.id))
        .group_by(entities.c.entity_type)
        .order_by(entities.c.entity_type)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def _posts(connection: sa.Connection, organization_id: UUID, held: sa.CTE) -> int:
    sources = social_post_sources.c
    statement = sa.select(sa.func.count(sources.post_id.distinct())).where(
        sources.organization_id == organization_id, sources.collection_item_id.in_(sa.select(held.c.id))
    )
    return connection.scalar(statement) or 0


def _files(connection: sa.Connection, organization_id: UUID, investigation_id: UUID) -> tuple[list[CaseFile], int, int]:
    """The first files by name, the number of all, and of the events they told first."""
    attached = _attached(organization_id, investigation_id).subquery("attached")
    found, items, loads = collection_item_hashes.c, collection_items.c, ingest_files.c
    number = {name: sa.cast(loads.counts[name].astext, sa.BigInteger) for name in ("read", "rejected", "events")}
    statement = (
        sa.select(
            attached.c.id,
            sa.func.coalesce(sa.func.min(items.file_name), "").label("file_name"),
            sa.func.array_remove(sa.func.array_agg(loads.source.distinct()), None).label("sources"),
            sa.func.coalesce(sa.func.min(loads.status.collate("C")).filter(loads.status == "running"), "completed"),
            *(sa.func.coalesce(sa.func.sum(column), 0).label(name) for name, column in number.items()),
        )
        .select_from(attached)
        .join(
            collection_item_hashes,
            sa.and_(found.organization_id == organization_id, found.collection_item_id == attached.c.id),
        )
        .join(
            collection_items,
            sa.and_(
                items.organization_id == organization_id,
                items.collected_at == found.collected_at,
                items.id == attached.c.id,
            ),
        )
        .outerjoin(
            ingest_files,
            sa.and_(loads.organization_id == organization_id, loads.collection_item_id == attached.c.id),
        )
        .group_by(attached.c.id)
    ).subquery("files")
    listed = connection.execute(
        sa.select(statement).order_by(statement.c.file_name, statement.c.id).limit(MAXIMUM_FILES)
    )
    files = [CaseFile(row[0], row[1], tuple(row[2]), row[3], int(row[4]), int(row[5]), int(row[6])) for row in listed]
    count, events = connection.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(statement.c.events), 0)).select_from(statement)
    ).one()
    return files, count, int(events)
