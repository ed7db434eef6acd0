"""Where in the files that were loaded the sessions of an explanation are."""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

import psycopg

MOST_EVENTS: Final = 10_000  # of one session that are looked at

_LINES: Final = """
SELECT asked.id::text, file.file_name, min(event.line), max(event.line), count(*)
FROM unnest(%(sessions)s::uuid[]) AS asked (id)
CROSS JOIN LATERAL (
    SELECT "timestamp" FROM attack_session_keys
    WHERE organization_id = %(organization)s AND id = asked.id OFFSET 0
) AS began
CROSS JOIN LATERAL (
    SELECT source_ip, ended_at FROM attack_sessions
    WHERE organization_id = %(organization)s AND attack_sessions."timestamp" = began."timestamp"
      AND id = asked.id OFFSET 0
) AS session
CROSS JOIN LATERAL (
    SELECT item_id, line FROM events
    WHERE organization_id = %(organization)s AND occurred_at >= began."timestamp" AND occurred_at <= session.ended_at
      AND source_ip = session.source_ip AND session_id = asked.id AND line IS NOT NULL
    LIMIT %(most)s
) AS event
CROSS JOIN LATERAL (
    SELECT items.file_name FROM collection_item_hashes AS hashes
    CROSS JOIN LATERAL (
        SELECT file_name FROM collection_items
        WHERE organization_id = %(organization)s AND collected_at = hashes.collected_at
          AND id = hashes.collection_item_id OFFSET 0
    ) AS items
    WHERE hashes.organization_id = %(organization)s AND hashes.collection_item_id = event.item_id
) AS file
GROUP BY asked.id, file.file_name ORDER BY asked.id, file.file_name
"""


def with_lines(
    connection: psycopg.Connection[Any], organization_id: UUID, evidence: Iterable[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Evidence (refs: ids of sessions, then values) with `lines`: {session_id, file, first_line, last_line, events}.

    A session whose events are gone, or never had lines, has none. Takes a connection of the organization.
    """
    every = list(evidence)
    named = {ref: identifier for each in every for ref in each["refs"] if (identifier := _identifier(ref)) is not None}
    asked = {"organization": organization_id, "sessions": list(named.values()), "most": MOST_EVENTS}
    rows = connection.execute(_LINES, asked).fetchall() if named else []
    of: dict[str, list[dict[str, Any]]] = {}
    for session, file, first, last, events in rows:
        told = {"session_id": session, "file": file, "first_line": first, "last_line": last, "events": events}
        of.setdefault(session, []).append(told)
    return [{**each, "lines": _of_refs(of, each["refs"])} for each in every]


def _of_refs(of: dict[str, list[dict[str, Any]]], refs: Sequence[str]) -> list[dict[str, Any]]:
    return [lines for ref in refs for lines in of.get(ref, ())]


def _identifier(ref: str) -> UUID | None:
    """The id of a session; None for a value, which may look like one only if it is written otherwise."""
    try:
        identifier = UUID(ref)
    except ValueError:
        return None
    return identifier if str(identifier) == ref else None
