"""Finding what the user means, or saying what comes near it."""

import difflib
from uuid import UUID

import sqlalchemy as sa

from clew.kernel.errors import NotFoundError
from clew.records.lookup import EntityRow, find_entities, readings_of

SUGGESTIONS = 3
PREFIX_CHARACTERS = 4
# A prefix is a range of the index on normalised names; how many names begin alike is bounded by the limit.
_BEGIN_ALIKE = sa.text("""
SELECT DISTINCT normalized_name FROM (
    SELECT normalized_name FROM entities
    WHERE organization_id = :organization AND starts_with(normalized_name, :prefix)
    LIMIT 1000
) AS alike
""")


def found_entities(
    connection: sa.Connection, organization_id: UUID, value: str, entity_type: str | None
) -> list[EntityRow]:
    """What the value may mean, likeliest first. Raises NotFoundError, with what comes near, if it means nothing."""
    found = find_entities(connection, organization_id, value, entity_type)
    if found:
        return found
    kind = f"{entity_type} " if entity_type else ""
    raise NotFoundError(
        f"the record knows no {kind}{value[:200]!r}",
        remedy=_remedy(_near(connection, organization_id, value, entity_type)),
    )


def _near(connection: sa.Connection, organization_id: UUID, value: str, entity_type: str | None) -> list[str]:
    wanted = {reading.normalized_name for reading in readings_of(value, entity_type)}
    near: dict[str, None] = {}
    for name in sorted(wanted):
        parameters = {"organization": organization_id, "prefix": name[:PREFIX_CHARACTERS]}
        alike = sorted(connection.scalars(_BEGIN_ALIKE, parameters))
        near |= dict.fromkeys(difflib.get_close_matches(name, alike, SUGGESTIONS))
    return list(near)[:SUGGESTIONS]


def _remedy(near: list[str]) -> str:
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    return "check the spelling, the type and the organization, or load files that tell of it"
