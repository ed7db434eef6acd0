"""Fields of other people's JSON: of the wanted type, or taken as not being there."""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from clew.ingest.sources.times import parse_time

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_EARLIEST_UNIX: Final = -2_208_988_800  # 1900
_LATEST_UNIX: Final = 4_102_444_800  # 2100


def text_of(values: Mapping[str, Any], *keys: str) -> str | None:
    """The trimmed text under the first of the keys that has one; numbers count as text, blank text as none."""
    for key in keys:
        value = values.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return None


def texts_of(values: Mapping[str, Any], *keys: str, most: int = 10_000) -> list[str]:
    """The distinct trimmed texts of the lists (or single texts) under the keys, in their order, at most so many."""
    found: dict[str, None] = {}
    for key in keys:
        value = values.get(key)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str) and item.strip():
                found[item.strip()] = None
    return list(found)[:most]


def object_of(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The object under the key; an empty one where there is none."""
    value = values.get(key)
    return value if isinstance(value, dict) else {}


def objects_of(values: Mapping[str, Any], key: str, *, most: int = 10_000) -> list[dict[str, Any]]:
    """The objects in the list under the key (or the one object there), at most so many."""
    value = values.get(key)
    items: Iterable[Any] = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)][:most]


def integer_of(values: Mapping[str, Any], key: str) -> int | None:
    """The whole number under the key, also where it is written as text."""
    value = values.get(key)
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}", value.strip(), re.ASCII):
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def number_of(values: Mapping[str, Any], key: str) -> float | None:
    """The finite number under the key."""
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e15:
        return None
    return float(value) if math.isfinite(value) else None


def utc_time_of(values: Mapping[str, Any], *keys: str) -> datetime | None:
    """The first moment among the keys that can be read: ISO 8601 (no offset means UTC), a date, or unix seconds."""
    return next((moment for key in keys if (moment := utc_time(values.get(key))) is not None), None)


def utc_time(value: object) -> datetime | None:
    """The moment that a tool which writes UTC means; None for what is no moment."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        sound = _EARLIEST_UNIX < value < _LATEST_UNIX and value != 0
        return datetime.fromtimestamp(value, UTC) if sound else None
    if not isinstance(value, str) or len(value) > 64:
        return None
    text = value.strip()
    try:
        return parse_time(f"{text}T00:00:00" if _DATE.fullmatch(text) else text)
    except ValueError:
        return None


def coordinates_of(values: Mapping[str, Any]) -> dict[str, float]:
    """`latitude` and `longitude` in degrees, both or none; 0,0 is what databases say for "unknown"."""
    latitude, longitude = number_of(values, "latitude"), number_of(values, "longitude")
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return {}
    return {"latitude": latitude, "longitude": longitude} if latitude or longitude else {}
