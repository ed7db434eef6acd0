"""Where entities of the scope are, by what their own properties say: coordinates, or at least a country."""

import math
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.reporting.document import Place
from clew.reporting.reference_places import country_places

MOST_ROWS: Final = 20_000
"""Entities looked at; those of the greatest weight come first."""

_NAMED: Final = 5
_DECIMALS: Final = 1  # places nearer than about 11 km are one on a map of the world
_LATITUDES: Final = ("latitude", "lat")
_LONGITUDES: Final = ("longitude", "lon", "lng", "long")
_NESTED: Final = ("location", "geo", "coordinates", "geolocation")
_COUNTRIES: Final = ("country_code", "country_iso", "country", "region")
_PAIR: Final = re.compile(r"(?:geo:)?\s*([+-]?\d{1,2}(?:\.\d{1,15})?)\s*,\s*([+-]?\d{1,3}(?:\.\d{1,15})?)", re.ASCII)


@dataclass(slots=True)
class _Group:
    names: list[tuple[UUID, str]] = field(default_factory=list)
    count: int = 0


def places(connection: sa.Connection, organization_id: UUID, *, limit: int | None) -> tuple[list[Place], int]:
    """The places with most entities, and how many entities have one at all.

    A country is placed at the first of its reference places in the time-zone tables, which usually is its greatest
    city or capital: enough for a map of the world, and said to be no more than that.
    """
    groups: dict[tuple[float, float, str | None], _Group] = defaultdict(_Group)
    rows = connection.execute(_PLACED, {"organization": organization_id, "limit": MOST_ROWS, "keys": list(_KEYS)})
    placed = 0
    for row in rows:
        where = place_of(row.properties)
        if where is None:
            continue
        placed += 1
        group = groups[where]
        group.count += 1
        if len(group.names) < _NAMED:
            group.names.append((row.id, row.name))
    found = [
        Place(latitude, longitude, country, tuple(group.names), group.count)
        for (latitude, longitude, country), group in groups.items()
    ]
    found.sort(key=lambda each: (-each.count, each.country or "", each.latitude, each.longitude))
    return found[:limit], placed


def place_of(properties: Mapping[str, Any]) -> tuple[float, float, str | None] | None:
    """Latitude and longitude in degrees; with a country if they are only those of its reference place."""
    exact = _coordinates(properties)
    if exact is None:
        discriminator = properties.get("discriminator")
        exact = _pair(discriminator) if str(discriminator).startswith("geo:") else None
    if exact is not None:
        return round(exact[0], _DECIMALS) + 0.0, round(exact[1], _DECIMALS) + 0.0, None
    for key in _COUNTRIES:
        country = properties.get(key)
        if isinstance(country, str) and country.strip().upper() in country_places():
            code = country.strip().upper()
            return *country_places()[code], code
    return None


def _coordinates(properties: Mapping[str, Any]) -> tuple[float, float] | None:
    found = [next((properties[key] for key in keys if key in properties), None) for keys in (_LATITUDES, _LONGITUDES)]
    if None not in found:
        return _valid(*found)
    for key in _NESTED:
        nested = properties.get(key)
        if isinstance(nested, Mapping):
            return _coordinates({name: value for name, value in nested.items() if name not in _NESTED})
        pair = _pair(nested)
        if pair is not None:
            return pair
    return None


def _pair(text: object) -> tuple[float, float] | None:
    match = _PAIR.fullmatch(text.strip()) if isinstance(text, str) else None
    return _valid(match[1], match[2]) if match else None


def _valid(latitude: Any, longitude: Any) -> tuple[float, float] | None:
    """Both as numbers within bounds. 0, 0 is what programs write that know nothing."""
    try:
        north, east = float(latitude), float(longitude)
    except (TypeError, ValueError, OverflowError):
        return None
    sound = math.isfinite(north) and math.isfinite(east) and abs(north) <= 90 and abs(east) <= 180
    return (north, east) if sound and (north, east) != (0.0, 0.0) else None


_KEYS: Final = (*_LATITUDES, *_NESTED, *_COUNTRIES)

_PLACED: Final = sa.text("""
SELECT scope.id, left(name, 200) AS name,
       (SELECT jsonb_object_agg(key, value) FROM jsonb_each(properties)
        WHERE length(CAST(value AS text)) < 2000) AS properties
FROM pg_temp.report_entities AS scope
JOIN entities ON entities.organization_id = :organization AND entities.id = scope.id
WHERE jsonb_exists_any(properties, CAST(:keys AS text[])) OR properties ->> 'discriminator' LIKE 'geo:%'
ORDER BY is_target DESC, risk_score DESC, degree DESC, scope.id
LIMIT :limit
""")
