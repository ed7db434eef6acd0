"""The map: an equirectangular one, on which longitude and latitude can be read off straight."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from clew.reporting.document import Place
from clew.reporting.drawing.coastline import coastline
from clew.reporting.inert_text import inert
from clew.reporting.reference_places import reference_places

WIDTH: Final = 1080
NORTH: Final = 84.0
SOUTH: Final = -58.0
HEIGHT: Final = round(WIDTH / 360 * (NORTH - SOUTH))
_STEP: Final = 30
_MOST_LABELS: Final = 14
_LABEL_CHARACTERS: Final = 28
_CHARACTER_WIDTH: Final = 6.4


@dataclass(frozen=True, slots=True)
class GridLine:
    """A meridian or parallel as an SVG path, with its label and where that stands."""

    path: str
    label: str
    x: float
    y: float
    is_meridian: bool


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the map. `label` is empty where there is no room for it."""

    x: float
    y: float
    radius: float
    is_country: bool
    title: str
    label: str
    label_x: float
    label_at_end: bool


@dataclass(frozen=True, slots=True)
class WorldMap:
    """The map in units of its own, about a pixel each; land, lakes and dots are SVG paths."""

    width: int
    height: int
    land: str
    lakes: str
    dots: str
    grid: tuple[GridLine, ...]
    points: tuple[Point, ...]


def draw(places: Sequence[Place]) -> WorldMap:
    """The places on the map, the greater ones beneath, labels where they cover no other."""
    points: list[Point] = []
    taken: list[tuple[float, float, float]] = []
    for place in places:
        x, y = _position(place.latitude, place.longitude)
        radius = round(min(14.0, 3.5 + 1.6 * (place.count - 1) ** 0.5), 1)
        label = inert(_name(place), _LABEL_CHARACTERS)
        width = len(label) * _CHARACTER_WIDTH
        at_end = x + radius + 6 + width > WIDTH
        label_x = x - radius - 5 if at_end else x + radius + 5
        span = (label_x - width, label_x) if at_end else (label_x, label_x + width)
        free = all(abs(y - other) > 15 or span[1] < left or span[0] > right for left, right, other in taken)
        shows = free and len(taken) < _MOST_LABELS
        if shows:
            taken.append((*span, y))
        points.append(
            Point(
                x,
                y,
                radius,
                place.country is not None,
                _title(place),
                label if shows else "",
                round(label_x, 1),
                at_end,
            )
        )
    return WorldMap(WIDTH, HEIGHT, _rings(lakes=False), _rings(lakes=True), _dots(), _grid(), tuple(points))


def _name(place: Place) -> str:
    first = place.country or place.entities[0][1]
    others = place.count if place.country else place.count - 1
    if place.country:
        return f"{first} ({others:,})"
    return f"{first} +{others:,}" if others else first


def _title(place: Place) -> str:
    names = ", ".join(name for _, name in place.entities)
    more = f" and {place.count - len(place.entities):,} more" if place.count > len(place.entities) else ""
    where = f"country {place.country}" if place.country else f"{place.latitude:.1f}, {place.longitude:.1f}"
    return inert(f"{where}: {names}{more}", 400)


def _position(latitude: float, longitude: float) -> tuple[float, float]:
    inside = min(max(latitude, SOUTH), NORTH)
    return round((longitude + 180) / 360 * WIDTH, 1), round((NORTH - inside) / 360 * WIDTH, 1)


@cache
def _rings(*, lakes: bool) -> str:
    rings = (ring for name, ring in coastline() if name.startswith("lake ") is lakes)
    return "".join(
        "M" + "L".join(f"{x:g} {y:g}" for x, y in (_position(*each) for each in ring)) + "Z" for ring in rings
    )


@cache
def _dots() -> str:
    """The reference places as one path of dots: strokes without length and with round ends."""
    inside = ((north, east) for _, north, east in reference_places() if SOUTH < north < NORTH)
    return "".join(f"M{x:g} {y:g}h0" for x, y in (_position(north, east) for north, east in inside))


@cache
def _grid() -> tuple[GridLine, ...]:
    lines = []
    for east in range(-150, 180, _STEP):
        x, _ = _position(0, east)
        lines.append(GridLine(f"M{x:g} 0V{HEIGHT}", _degrees(east, "E", "W"), x, HEIGHT - 5, is_meridian=True))
    for north in range(-30, 90, _STEP):
        _, y = _position(north, 0)
        lines.append(GridLine(f"M0 {y:g}H{WIDTH}", _degrees(north, "N", "S"), 5, y - 4, is_meridian=False))
    return tuple(lines)


def _degrees(value: int, positive: str, negative: str) -> str:
    return f"{abs(value)}°{(positive if value > 0 else negative) if value else ''}"
