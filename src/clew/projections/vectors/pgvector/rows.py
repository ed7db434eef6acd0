"""Points as rows of the adapter's tables, and back."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import numpy as np

from clew.projections.vectors.port import Point, Subject, Vector

COLUMNS: Final = (
    "id",
    "source_table",
    "kind",
    "platform",
    "first_seen",
    "last_seen",
    "content_hash",
    "name",
    "excerpt",
)
SELECTED: Final = ", ".join(COLUMNS)
_HEADER: Final = 4  # a halfvec begins with its length and two bytes that mean nothing


def row_of(organization_id: UUID, point: Point) -> tuple[Any, ...]:
    """The row of a point, for COPY in binary: organization, COLUMNS, vector."""
    subject = point.subject
    return (
        organization_id,
        subject.id,
        subject.table,
        subject.kind,
        subject.platform,
        subject.first_seen,
        subject.last_seen,
        subject.content_hash,
        subject.name,
        subject.excerpt,
        point.vector,
    )


def subject_of(row: Sequence[Any]) -> Subject:
    """The subject in COLUMNS at the beginning of a row."""
    identifier, table, kind, platform, first_seen, last_seen, content_hash, name, excerpt = row[: len(COLUMNS)]
    return Subject(
        id=identifier,
        table=table,
        kind=kind,
        platform=platform,
        first_seen=first_seen,
        last_seen=last_seen,
        content_hash=content_hash,
        name=name,
        excerpt=excerpt,
    )


def vector_of(raw: bytes) -> Vector:
    """A halfvec as the server sends it in binary."""
    return np.frombuffer(raw, ">f2", offset=_HEADER).astype(np.float32)


def literal_of(vector: Vector) -> str:
    """A vector as the server reads it in text."""
    return f"[{','.join(map(str, vector.tolist()))}]"
