"""Points as Qdrant keeps them, and the filter that no search goes without."""

from typing import Any, Final
from uuid import UUID, uuid5

import numpy as np
from qdrant_client import models as q

from clew.projections.vectors.port import Conditions, Point, Subject

ORGANIZATION: Final = "organization_id"
INDEXED: Final = {
    ORGANIZATION: q.KeywordIndexParams(type=q.KeywordIndexType.KEYWORD, is_tenant=True),
    "kind": q.KeywordIndexParams(type=q.KeywordIndexType.KEYWORD),
    "platform": q.KeywordIndexParams(type=q.KeywordIndexType.KEYWORD),
    "first_seen": q.IntegerIndexParams(type=q.IntegerIndexType.INTEGER, lookup=False, range=True),
    "last_seen": q.IntegerIndexParams(type=q.IntegerIndexType.INTEGER, lookup=False, range=True),
}


def point_id(organization_id: UUID, identifier: UUID) -> str:
    """What Qdrant calls a point: ids of two organizations that are the same do not meet."""
    return str(uuid5(organization_id, identifier.hex))


def stored_point(organization_id: UUID, point: Point) -> q.PointStruct:
    """A point for Qdrant."""
    subject = point.subject
    return q.PointStruct(
        id=point_id(organization_id, subject.id),
        vector=point.vector.tolist(),
        payload={
            ORGANIZATION: str(organization_id),
            "id": str(subject.id),
            "table": subject.table,
            "kind": subject.kind,
            "name": subject.name,
            "content_hash": subject.content_hash,
            "excerpt": subject.excerpt,
            "platform": subject.platform,
            "first_seen": subject.first_seen,
            "last_seen": subject.last_seen,
        },
    )


def subject_of(payload: dict[str, Any] | None) -> Subject:
    """The subject in a payload."""
    told = payload or {}
    return Subject(
        id=UUID(told["id"]),
        table=told["table"],
        kind=told["kind"],
        name=told["name"],
        content_hash=told["content_hash"],
        excerpt=told["excerpt"],
        platform=told["platform"],
        first_seen=told["first_seen"],
        last_seen=told["last_seen"],
    )


def point_of(record: Any) -> Point:
    """A record with its vector as a point."""
    return Point(subject_of(record.payload), np.array(record.vector, np.float32))


def only(organization_id: UUID, conditions: Conditions | None = None) -> q.Filter:
    """What belongs to an organization and meets the conditions. That of the organization is always there."""
    must: list[Any] = [q.FieldCondition(key=ORGANIZATION, match=q.MatchValue(value=str(organization_id)))]
    if conditions is None:
        return q.Filter(must=must)
    for key, values in (("kind", conditions.kinds), ("platform", conditions.platforms)):
        if values:
            must.append(q.FieldCondition(key=key, match=q.MatchAny(any=list(values))))
    if conditions.since is not None:
        must.append(q.FieldCondition(key="last_seen", range=q.Range(gte=conditions.since)))
    if conditions.until is not None:
        must.append(q.FieldCondition(key="first_seen", range=q.Range(lt=conditions.until)))
    if conditions.ids:
        must.append(q.HasIdCondition(has_id=[point_id(organization_id, each) for each in conditions.ids]))
    without: list[Any] = [q.HasIdCondition(has_id=[point_id(organization_id, each) for each in conditions.without])]
    return q.Filter(must=must, must_not=without if conditions.without else None)
