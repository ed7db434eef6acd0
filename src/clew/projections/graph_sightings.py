"""Where entities were collected from: sources and collections of the items in which they were seen."""

from typing import Any, Final
from uuid import UUID

import psycopg

from clew.projections.graph.port import Document

Row = tuple[Any, ...]
_READ: Final = """
SELECT k.organization_id, k.id::text, item.source_id::text, item.collection_id::text,
    to_char(item.collected_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
FROM unnest(%s::uuid[], %s::uuid[]) AS k (organization_id, id)
CROSS JOIN LATERAL (SELECT collected_at FROM collection_item_hashes AS key
    WHERE key.organization_id = k.organization_id AND key.collection_item_id = k.id OFFSET 0) AS key
CROSS JOIN LATERAL (SELECT source_id, collection_id, collected_at FROM collection_items AS item
    WHERE item.organization_id = k.organization_id AND item.collected_at = key.collected_at
      AND item.id = k.id OFFSET 0) AS item
WHERE item.source_id IS NOT NULL
"""
Item = tuple[str, str, str]


class Sightings:
    """Remembers items: most entities of a load come from a few files."""

    _MOST: Final = 200_000

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._known: dict[tuple[UUID, str], Item | None] = {}

    def collected(self, rows: list[Row]) -> list[Row]:
        """The rows with, in the place of their last two columns, the places they were collected from.

        One for each source and collection: the newest time, and the greatest confidence in hundredths.
        """
        wanted = {(row[0], item) for row in rows for item in row[-2]}
        missing = [key for key in wanted if key not in self._known]
        if missing:
            if len(self._known) + len(missing) > self._MOST:
                self._known.clear()
                missing = list(wanted)
            self._known |= dict.fromkeys(missing) | self._read(missing)
        return [(*row[:-2], self._together(row[0], row[-2], row[-1])) for row in rows]

    def _together(self, organization_id: UUID, items: list[str], confidences: list[int]) -> list[Document]:
        found: dict[tuple[str, str], tuple[str, int]] = {}
        for item, confidence in zip(items, confidences, strict=True):
            known = self._known[organization_id, item]
            if known is not None:
                source, collection, moment = known
                newest, surest = found.get((source, collection), ("", 0))
                found[source, collection] = max(newest, moment), max(surest, confidence)
        return [
            {"source_id": source, "collection_id": collection, "collected_at": newest, "confidence": surest}
            for (source, collection), (newest, surest) in sorted(found.items())
        ]

    def _read(self, items: list[tuple[UUID, str]]) -> dict[tuple[UUID, str], Item]:
        asked = ([organization for organization, _ in items], [item for _, item in items])
        rows = self._connection.execute(_READ, asked).fetchall()
        return {(organization, item): (source, collection, at) for organization, item, source, collection, at in rows}
