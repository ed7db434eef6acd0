"""Places by which a reader finds the way on a map: those of the time-zone tables, which are in the public domain.

The `tzdata` package carries them: about four hundred towns all over the world with coordinates and country.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Final

_LINE: Final = re.compile(r"([A-Z]{2})\t([+-]\d{4,6})([+-]\d{5,7})\t(\S+)")


@cache
def reference_places() -> tuple[tuple[str, float, float], ...]:
    """Each as name, latitude and longitude in degrees, in the order of the table."""
    return tuple((zone.rpartition("/")[2].replace("_", " "), north, east) for _, north, east, zone in _rows())


@cache
def country_places() -> dict[str, tuple[float, float]]:
    """Latitude and longitude of the first place of each country (ISO 3166 alpha-2)."""
    found: dict[str, tuple[float, float]] = {}
    for country, north, east, _ in _rows():
        found.setdefault(country, (north, east))
    return found


def _rows() -> list[tuple[str, float, float, str]]:
    text = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="ascii")
    return [
        (match[1], degrees(match[2], 2), degrees(match[3], 3), match[4])
        for match in map(_LINE.match, text.splitlines())
        if match
    ]


def degrees(text: str, whole: int) -> float:
    """ISO 6709 such as +5130 or -0000731 (sign, `whole` digits of degrees, minutes, perhaps seconds) in degrees."""
    digits = text[1:]
    minutes, seconds = digits[whole : whole + 2], digits[whole + 2 :]
    value = int(digits[:whole]) + int(minutes) / 60 + int(seconds or 0) / 3600
    return round(-value if text[0] == "-" else value, 4)
