"""What of a row's JSON is worth searching, and where on earth it says to be."""

import re
from collections.abc import Mapping
from typing import Any, Final

# What is said elsewhere in the document, or identifies without being said by anybody.
_NOT_PROSE: Final = frozenset({"discriminator", "scope", "platform", "digest", "hash"})
_LONGEST: Final = 32_768
_DEEPEST: Final = 8
_GEO: Final = re.compile(r"geo:(-?\d{1,3}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?)\Z")
_NO_DIGIT: Final = re.compile(r"[^0-9]+")
_APOSTROPHE: Final = re.compile("(?<=[^\\W\\d_])['\u2019\u02bc](?=[^\\W\\d_])")
_COUNTRY: Final = ("country", "country_name", "country_code")
_PLACE: Final = ("location", "city", "region", "address", "country_name", "country")
_PLACING: Final = frozenset({*_COUNTRY, *_PLACE, "latitude", "lat", "discriminator"})


def text_of(values: Any) -> str | None:
    """All text within a JSON value, in the order of keys, a line each, cut at 32,768 characters; None if there is none.

    Repeated text stands once.
    """
    leaves: list[str] = []
    _gather(values, 0, leaves)
    if len(leaves) <= 1:
        return leaves[0][:_LONGEST].strip() or None if leaves else None
    lines: dict[str, None] = {}
    room = _LONGEST
    for leaf in leaves:
        line = leaf[:room].strip()
        if line and line not in lines:
            lines[line] = None
            room -= len(line) + 1
            if room <= 0:
                break
    return "\n".join(lines) or None


def spelt_otherwise(entity_type: str, name: str, properties: Mapping[str, Any]) -> str | None:
    """As people type it who were told the name, where words alone do not lead there; None of most.

    A telephone number in one run of digits: in its own country, from abroad, and with 00 before it. A name with
    apostrophes ("O'Brien") without them.
    """
    if entity_type == "phone":
        national, abroad = (_NO_DIGIT.sub("", text_at(properties, key) or "") for key in ("national", "e164"))
        return " ".join(filter(None, (national, abroad, abroad and f"00{abroad}"))) or None
    return _APOSTROPHE.sub("", name) if _APOSTROPHE.search(name) else None


def texts_at(values: Mapping[str, Any], key: str) -> list[str]:
    """The list of texts at a key; a single text counts as a list of one."""
    value = values.get(key)
    listed = value if isinstance(value, list) else [value]
    return list(dict.fromkeys(text for text in listed if isinstance(text, str) and text))


def text_at(values: Mapping[str, Any], *keys: str) -> str | None:
    """The first of the keys that holds text."""
    for key in keys:
        value = values.get(key)
        if value and isinstance(value, str):
            return value
    return None


def point_of(properties: Mapping[str, Any]) -> dict[str, float] | None:
    """Degrees of the place that an entity's properties name; None where they name none, or an impossible one."""
    place = properties.get("location")
    for values in (properties, place if isinstance(place, Mapping) else {}):
        for north, east in (("latitude", "longitude"), ("lat", "lon")):
            found = _point(values.get(north), values.get(east))
            if found is not None:
                return found
    match = _GEO.match(str(properties.get("discriminator", "")))
    return _point(float(match[1]), float(match[2])) if match else None


def place_of(properties: Mapping[str, Any]) -> str | None:
    """The words in which an entity's properties say where it is."""
    named = [text_at(properties, key) for key in _PLACE]
    return ", ".join(dict.fromkeys(name for name in named if name)) or None


def country_of(properties: Mapping[str, Any]) -> str | None:
    """The country that an entity's properties name, as they name it."""
    return text_at(properties, *_COUNTRY)


def is_placed(properties: Mapping[str, Any]) -> bool:
    """Whether properties may say where something is: most do not, which is soon seen."""
    return not _PLACING.isdisjoint(properties)


def _point(latitude: Any, longitude: Any) -> dict[str, float] | None:
    # bool is an int to Python, and no latitude.
    if isinstance(latitude, bool) or isinstance(longitude, bool):
        return None
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    return {"lat": float(latitude), "lon": float(longitude)}


def _gather(value: Any, depth: int, leaves: list[str]) -> None:
    if isinstance(value, str):
        leaves.append(value)
    elif depth < _DEEPEST and isinstance(value, dict):
        for key in sorted(value):
            if key not in _NOT_PROSE:
                _gather(value[key], depth + 1, leaves)
    elif depth < _DEEPEST and isinstance(value, list):
        for member in value:
            _gather(member, depth + 1, leaves)
