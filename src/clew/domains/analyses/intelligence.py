"""What is known already of the sources and indicators of a community: by local tables, threat feeds and the record.

Nothing is asked of any network. Names and descriptions of entities were written by whoever told the record of them:
they are shown as quoted text and are no instruction to anybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import msgspec
import polars as pl
import psycopg

from clew.analysis.coordination import Community, Technique, techniques
from clew.ontology import InvalidValueError, entity_id, normalize

MOST_LOOKED_UP: Final = 2_000
"""Indicators of one analysis that are looked up in the record, the surest first."""
MOST_KNOWN: Final = 50
_MOST_COMMANDS: Final = 200_000
_MOST_NETWORKS: Final = 5
_LONGEST: Final = 300
_TYPES: Final = {"ip": "ip_address", "domain": "domain", "hash": "file_hash"}
_TELLING: Final = ["malware", "threat_actor", "campaign", "attack_pattern", "vulnerability"]

_KNOWN: Final = """
SELECT r.source_entity_id, r.relationship_type, r.source, t.entity_type, t.name, t.properties ->> 'description'
FROM relationships AS r
JOIN entities AS t ON t.organization_id = r.organization_id AND t.id = r.target_entity_id
WHERE r.organization_id = %(organization)s AND r.source_entity_id = ANY(%(ids)s::uuid[])
  AND t.entity_type = ANY(%(telling)s::text[]) AND r.source IS DISTINCT FROM 'coordination'
ORDER BY t.entity_type, t.name, r.source_entity_id
LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Known:
    """That an indicator points at something with a name, and who said so."""

    indicator: str
    relation: str
    kind: str
    name: str
    said_by: str | None
    described: str | None


@dataclass(frozen=True, slots=True)
class Intelligence:
    """What is known of one community."""

    techniques: tuple[Technique, ...] = ()
    countries: tuple[str, ...] = ()
    networks: tuple[tuple[str, int], ...] = ()
    """Autonomous systems with the number of sources in each, the largest first."""
    feeds: tuple[tuple[str, int], ...] = ()
    known: tuple[Known, ...] = field(default=())

    @classmethod
    def from_dict(cls, told: Any) -> "Intelligence":
        """What JSON made of one. Raises ValueError for what is none."""
        return msgspec.convert(told, cls)


def look_up(
    connection: psycopg.Connection[Any], organization_id: UUID, communities: Sequence[Community], sessions: pl.DataFrame
) -> list[Intelligence]:
    """What is known of each community. `sessions` are enriched; takes a connection of the organization."""
    known = _known(connection, organization_id, communities)
    return [_of(community, sessions, known) for community in communities]


def _of(community: Community, sessions: pl.DataFrame, known: dict[tuple[str, str], list[Known]]) -> Intelligence:
    mine = sessions.filter(pl.col("source_ip").is_in(list(community.source_ips)))
    commands = mine["commands"].explode(empty_as_null=False).drop_nulls().head(_MOST_COMMANDS)
    sources = mine.unique("source_ip").sort("source_ip")
    networks = _counted(sources["as_name"].drop_nulls())[:_MOST_NETWORKS]
    feeds = _counted(sources["feeds"].explode(empty_as_null=False).drop_nulls())
    keys = sorted({(one.type, one.value) for one in community.indicators})
    found = [each for key in keys for each in known.get(key, ())]
    return Intelligence(
        techniques(commands),
        tuple(sources["country"].drop_nulls().unique().sort()),
        tuple(networks),
        tuple(feeds),
        tuple(found[:MOST_KNOWN]),
    )


def _counted(names: pl.Series) -> list[tuple[str, int]]:
    counts = names.alias("name").to_frame().group_by("name").len().sort("len", "name", descending=[True, False])
    return [(str(name), int(count)) for name, count in counts.iter_rows()]


def _known(
    connection: psycopg.Connection[Any], organization_id: UUID, communities: Sequence[Community]
) -> dict[tuple[str, str], list[Known]]:
    """What the record says of indicators, by type and value."""
    every = {
        (one.type, one.value): one.confidence for each in communities for one in each.indicators if one.type in _TYPES
    }
    surest = sorted(every, key=lambda key: (-every[key], key))[:MOST_LOOKED_UP]
    named = {identifier: key for key in surest if (identifier := _entity(organization_id, *key)) is not None}
    if not named:
        return {}
    asked = {
        "organization": organization_id, "ids": list(named), "telling": _TELLING, "most": MOST_KNOWN * MOST_KNOWN,
    }  # fmt: skip
    found: dict[tuple[str, str], list[Known]] = {}
    for entity, relation, said_by, kind, name, described in connection.execute(_KNOWN, asked).fetchall():
        key = named[entity]
        told = Known(key[1], relation, kind, name[:_LONGEST], said_by, described and described[:_LONGEST])
        found.setdefault(key, []).append(told)
    return found


def _entity(organization_id: UUID, kind: str, value: str) -> UUID | None:
    try:
        known = normalize(_TYPES[kind], value)
    except InvalidValueError:
        return None
    return entity_id(organization_id, _TYPES[kind], known.identity)
