"""Techniques of MITRE ATT&CK: learnt from its STIX bundles, and followed from one version of it to the next.

A newer bundle changes what it describes differently; what it says was revoked leads to what it was revoked by, through
as many versions as there were. An older bundle that comes later changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
import sqlalchemy as sa

from clew.domains.exchange.tables import techniques
from clew.domains.exchange.times import instant

_CATALOGUES: Final = {"mitre-attack", "mitre-mobile-attack", "mitre-ics-attack"}
_MOST_STEPS: Final = 20
_LEARN: Final = sa.text("""
INSERT INTO attack_techniques AS known
    (organization_id, stix_id, technique, name, description, url, version, attack_version, tactics, is_revoked,
     is_deprecated, revoked_by, modified_at)
SELECT :organization, stix_id, technique, name, description, url, version, attack_version, CAST(tactics AS jsonb),
       is_revoked, is_deprecated, revoked_by, modified_at
FROM unnest(CAST(:stix_ids AS text[]), CAST(:techniques AS text[]), CAST(:names AS text[]),
            CAST(:descriptions AS text[]), CAST(:urls AS text[]), CAST(:versions AS text[]),
            CAST(:attack_versions AS text[]), CAST(:tactics AS text[]), CAST(:revoked AS boolean[]),
            CAST(:deprecated AS boolean[]), CAST(:revoked_by AS text[]), CAST(:modified AS timestamptz[]))
     AS new (stix_id, technique, name, description, url, version, attack_version, tactics, is_revoked, is_deprecated,
             revoked_by, modified_at)
ORDER BY stix_id
ON CONFLICT (organization_id, stix_id) DO UPDATE
SET technique = excluded.technique, name = excluded.name, description = excluded.description, url = excluded.url,
    version = excluded.version, attack_version = excluded.attack_version, tactics = excluded.tactics,
    is_revoked = excluded.is_revoked, is_deprecated = excluded.is_deprecated,
    revoked_by = coalesce(excluded.revoked_by, known.revoked_by), modified_at = excluded.modified_at
WHERE excluded.modified_at >= known.modified_at
""")


@dataclass(frozen=True, slots=True)
class Technique:
    """A technique as the newest bundle that describes it does."""

    technique: str
    name: str
    description: str | None
    url: str | None
    version: str | None
    attack_version: str | None
    tactics: list[str]
    is_revoked: bool
    is_deprecated: bool
    stix_id: str


def learn_techniques(connection: sa.Connection, organization_id: UUID, objects: Iterable[bytes]) -> int:
    """Learn from the objects of a bundle; how many techniques it describes."""
    patterns: list[dict[str, Any]] = []
    followed: dict[str, str] = {}
    edition: str | None = None
    for raw in objects:
        if b"attack-pattern--" not in raw and b"x-mitre-collection" not in raw:
            continue
        value = orjson.loads(raw)
        if value.get("type") == "x-mitre-collection":
            edition = str(value.get("x_mitre_version") or "") or None
        elif value.get("type") == "relationship" and value.get("relationship_type") == "revoked-by":
            followed[str(value.get("source_ref"))] = str(value.get("target_ref"))
        elif value.get("type") == "attack-pattern" and _number(value) and isinstance(value.get("name"), str):
            patterns.append(value)
    if not patterns:
        return 0
    values = {
        "organization": organization_id,
        "stix_ids": [each["id"] for each in patterns],
        "techniques": [_number(each) for each in patterns],
        "names": [each["name"] for each in patterns],
        "descriptions": [_text(each.get("description")) for each in patterns],
        "urls": [_url(each) for each in patterns],
        "versions": [_text(each.get("x_mitre_version")) for each in patterns],
        "attack_versions": [edition] * len(patterns),
        "tactics": [orjson.dumps({"names": _tactics(each)}).decode() for each in patterns],
        "revoked": [each.get("revoked") is True for each in patterns],
        "deprecated": [each.get("x_mitre_deprecated") is True for each in patterns],
        "revoked_by": [followed.get(each["id"]) for each in patterns],
        "modified": [instant(each.get("modified")) or instant("1970-01-01") for each in patterns],
    }
    connection.execute(_LEARN, values)
    return len(patterns)


def find_technique(connection: sa.Connection, organization_id: UUID, number: str) -> list[Technique]:
    """A technique by its number, then what it was revoked by, step by step; the last is the one in force.

    Empty where no bundle described it. Of two of one number the one that is not revoked, then the newest, counts.
    """
    table = techniques.c
    found: list[Technique] = []
    query = (
        sa.select(techniques)
        .where(table.organization_id == organization_id, table.technique == number)
        .order_by(table.is_revoked, table.modified_at.desc(), table.stix_id)
    )
    row = connection.execute(query.limit(1)).mappings().one_or_none()
    seen: set[str] = set()
    while row is not None and row["stix_id"] not in seen and len(seen) < _MOST_STEPS:
        seen.add(row["stix_id"])
        found.append(_technique(row))
        following = sa.select(techniques).where(
            table.organization_id == organization_id, table.stix_id == row["revoked_by"]
        )
        row = connection.execute(following).mappings().one_or_none() if row["is_revoked"] else None
    return found


def _technique(row: sa.RowMapping) -> Technique:
    plain = {name: row[name] for name in Technique.__slots__ if name != "tactics"}
    return Technique(**plain, tactics=row["tactics"].get("names", []))


def _number(value: dict[str, Any]) -> str | None:
    reference = _reference(value)
    return None if reference is None else str(reference["external_id"])


def _url(value: dict[str, Any]) -> str | None:
    reference = _reference(value)
    return None if reference is None else _text(reference.get("url"))


def _reference(value: dict[str, Any]) -> dict[str, Any] | None:
    references = value.get("external_references")
    for each in references if isinstance(references, list) else ():
        if (
            isinstance(each, dict)
            and each.get("source_name") in _CATALOGUES
            and isinstance(each.get("external_id"), str)
        ):
            return each
    return None


def _tactics(value: dict[str, Any]) -> list[str]:
    phases = value.get("kill_chain_phases")
    names = [each.get("phase_name") for each in phases if isinstance(each, dict)] if isinstance(phases, list) else []
    return [each for each in names if isinstance(each, str)]


def _text(value: Any) -> str | None:
    return value.replace("\0", "\u2400") if isinstance(value, str) else None
