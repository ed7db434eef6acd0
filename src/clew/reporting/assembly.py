"""A report put together from the scope that was opened in the record: bounded for a page, whole for JSON."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.reporting import json_document, page
from clew.reporting.document import Figures, Origin, Place, Report, Subject, Target
from clew.reporting.drawing.selection import select
from clew.reporting.gathering import campaigns, facts, files, history
from clew.reporting.gathering.places import places
from clew.reporting.gathering.scope import open_scope

ENTITIES_LISTED: Final = 250
SIGHTINGS_LISTED: Final = 3
FILES_LISTED: Final = 150
MENTIONS_LISTED: Final = 30
REJECTED_LISTED: Final = 60
SESSIONS_LISTED: Final = 25
PLACES_SHOWN: Final = 200
CAMPAIGNS_SHOWN: Final = 6

_CANDIDATES: Final = 400
_CANDIDATE_RELATIONSHIPS: Final = 6000


def open_case(
    connection: sa.Connection, organization_id: UUID, items: Iterable[UUID], targets: Sequence[Target]
) -> None:
    """Open the scope of these items; see `gathering.scope.open_scope` for what the connection must be."""
    open_scope(connection, organization_id, items, [each.entity_id for each in targets if each.entity_id])


def page_of(
    connection: sa.Connection, organization_id: UUID, subject: Subject, targets: Sequence[Target], origin: Origin
) -> str:
    """The open scope as an HTML page."""
    report = assemble(connection, organization_id, subject, targets, origin)
    listed = {file.id for file in report.files}
    seen = {sighting.file_id for entity in report.entities for sighting in entity.seen_in}
    return page.render(report, files.file_names(connection, organization_id, sorted(seen - listed)))


def assemble(
    connection: sa.Connection, organization_id: UUID, subject: Subject, targets: Sequence[Target], origin: Origin
) -> Report:
    """The weightiest part of the open scope, which a page can show."""
    candidates = facts.candidates_to_draw(connection, organization_id, limit=_CANDIDATES)
    among = facts.relationships_among(connection, [each.id for each in candidates], limit=_CANDIDATE_RELATIONSHIPS)
    drawn, drawn_relationships = select(candidates, among)
    where, placed = places(connection, organization_id, limit=PLACES_SHOWN)
    return Report(
        origin=origin,
        subject=subject,
        figures=figures(connection, organization_id),
        targets=targets,
        entities=facts.weightiest_entities(
            connection, organization_id, limit=ENTITIES_LISTED, sightings=SIGHTINGS_LISTED
        ),
        drawn=drawn,
        drawn_relationships=drawn_relationships,
        events=history.events_over_time(connection),
        appearances=history.appearances_over_time(connection, organization_id),
        sessions=history.notable_sessions(connection, organization_id, limit=SESSIONS_LISTED),
        session_count=history.session_count(connection),
        places=where,
        placed=placed,
        files=files.source_files(connection, organization_id, limit=FILES_LISTED, mentions=MENTIONS_LISTED),
        rejected=files.rejected_records(connection, organization_id, limit=REJECTED_LISTED),
        campaigns=(found := campaigns.campaigns_of_scope(connection, organization_id))[:CAMPAIGNS_SHOWN],
        campaign_count=len(found),
        campaign_sessions=campaigns.sessions_over_time(connection, organization_id, found[:CAMPAIGNS_SHOWN]),
    )


def figures(connection: sa.Connection, organization_id: UUID) -> Figures:
    """The open scope in numbers."""
    totals = files.file_totals(connection, organization_id)
    first, last = facts.period(connection, organization_id)
    return Figures(
        entities=facts.entity_counts(connection, organization_id),
        relationships=facts.relationship_counts(connection),
        files=totals.files,
        records=totals.records,
        events=totals.events,
        quarantine=files.quarantine_counts(connection, organization_id),
        first_seen=first,
        last_seen=last,
    )


def write_json(
    connection: sa.Connection,
    organization_id: UUID,
    subject: Subject,
    targets: Sequence[Target],
    origin: Origin,
    sink: json_document.Sink,
) -> None:
    """Everything in the open scope as one JSON document, read and written page by page."""
    events = history.events_over_time(connection)
    appearances = history.appearances_over_time(connection, organization_id)
    members: dict[str, Any] = {
        "format": json_document.FORMAT,
        **origin.as_dict(),
        "case": subject.as_dict(),
        "targets": [each.as_dict() for each in targets],
        "figures": figures(connection, organization_id).as_dict(),
        "timeline": {
            "events": events and events.as_dict(),
            "first_seen": appearances and appearances.as_dict(),
        },
    }
    found, _ = places(connection, organization_id, limit=None)
    lists = {
        "places": map(_place, found),
        "files": (each.as_dict() for each in files.source_files(connection, organization_id)),
        "quarantine": _dicts(files.all_rejected_records(connection, organization_id)),
        "sessions": _dicts(history.all_sessions(connection, organization_id)),
        "campaigns": _dicts(campaigns.campaigns_of_scope(connection, organization_id)),
        "relationships": _dicts(facts.all_relationships(connection)),
        "entities": _dicts(facts.all_entities(connection, organization_id)),
    }
    json_document.write_document(members, lists, sink)


def _dicts(entries: Iterable[Any]) -> Iterator[dict[str, Any]]:
    return (each.as_dict() for each in entries)


def _place(place: Place) -> dict[str, Any]:
    return {
        "latitude": place.latitude,
        "longitude": place.longitude,
        "country": place.country,
        "entity_count": place.count,
        "entities": [{"id": identifier, "name": name} for identifier, name in place.entities],
    }
