"""A small report made by hand, for tests of what is drawn and written from one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from clew.reporting.document import (
    Bin,
    Entity,
    Figures,
    Histogram,
    Mention,
    Origin,
    Place,
    Reading,
    RejectedRecord,
    Relationship,
    Report,
    Session,
    Sighting,
    SourceFile,
    Subject,
    Target,
)

NOON = datetime(2025, 3, 9, 12, tzinfo=UTC)
FILE = UUID(int=900)


def entity(number: int, entity_type: str = "ip_address", name: str | None = None, **changes: Any) -> Entity:
    made = Entity(
        id=UUID(int=number),
        type=entity_type,
        name=name or f"192.0.2.{number}",
        platform=None,
        risk_score=0,
        confidence=0.9,
        first_seen=NOON,
        last_seen=NOON + timedelta(hours=1),
        flags=(),
        tags=(),
        degree=1,
        sightings=1,
        is_target=False,
        seen_in=(Sighting(FILE, 12, 0.9, "login"),),
    )
    return replace(made, **changes)


def relationship(number: int, source: int, target: int, kind: str = "USES") -> Relationship:
    return Relationship(UUID(int=number), kind, UUID(int=source), UUID(int=target), 0.9, NOON, NOON)


def example(text: str = "harmless", **changes: Any) -> Report:
    """A report in which every free text is the given one."""
    entities = (entity(1, name=text, platform=text, tags=(text,), is_target=True), entity(2))
    counts = {"read": 3, "new": 1, "merged": 1, "duplicate": 0, "rejected": 1, "events": 0}
    reading = Reading(text, text, 1, text, "completed", counts, {"invalid_json": 1}, (text,))
    made = Report(
        origin=Origin(NOON, "1.2.3"),
        subject=Subject(UUID(int=700), text, text, "person", "normal", "running", text, text, {text: text}, NOON, text),
        figures=Figures({"ip_address": 2}, {"USES": 1}, 1, counts, 3, {"invalid_json": 1}, NOON, NOON),
        targets=(Target("ip_address", text, UUID(int=1)),),
        entities=entities,
        drawn=entities,
        drawn_relationships=(relationship(50, 1, 2),),
        events=Histogram("hour", 1, (Bin(NOON, text, 3),)),
        appearances=None,
        sessions=(Session(UUID(int=60), NOON, NOON, "192.0.2.1", text, text, text, 22, "login", 1, 1, (text,), 1),),
        session_count=1,
        places=(Place(52.5, 13.4, None, ((UUID(int=1), text),), 1),),
        placed=1,
        files=(SourceFile(1, FILE, text, "0" * 64, 3, (reading,), 2, (Mention(UUID(int=1), "ip_address", text, 12),)),),
        rejected=(RejectedRecord(UUID(int=61), FILE, text, text, 2, 9, "invalid_json", text, "held"),),
    )
    return replace(made, **changes)
