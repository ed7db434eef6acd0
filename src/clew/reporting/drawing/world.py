"""The map: an equirectangular one, on which longitude and latitude can be read off straight; drawn by matplotlib."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from clew.reporting.document import Place
from clew.reporting.drawing.coastline import Ring, coastline
from clew.reporting.drawing.plot import Canvas, plot
from clew.reporting.inert_text import inert
from clew.reporting.reference_places import reference_places

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH: Final = 1080
NORTH: Final = 84.0
SOUTH: Final = -58.0
_DEGREE: Final = WIDTH / 360
HEIGHT: Final = round(_DEGREE * (NORTH - SOUTH))
_STEP: Final = 30
_MOST_LABELS: Final = 14
_LABEL_CHARACTERS: Final = 28
_CHARACTER_WIDTH: Final = 6.4
_GAP: Final = 5  # between a point and its label


@dataclass(frozen=True, slots=True)
class WorldMap:
    """The map, for an `svg` element of that width and height."""

    width: int
    height: int
    picture: Markup


def draw(places: Sequence[Place]) -> WorldMap:
    """The places on the map, the greater ones beneath, labels where they cover no other."""
    return WorldMap(WIDTH, HEIGHT, plot(WIDTH, HEIGHT, partial(_paint, places=places)))


def _paint(canvas: Canvas, places: Sequence[Place]) -> None:
    axes = canvas.figure.add_axes((0, 0, 1, 1), xlim=(-180, 180), ylim=(SOUTH, NORTH))
    axes.set_axisbelow(True)
    canvas.show(axes.patch, "sea")
    _land(canvas, axes)
    _grid(canvas, axes)
    _points(canvas, axes, places)
    _labels(canvas, axes, places)


def _land(canvas: Canvas, axes: "Axes") -> None:
    from matplotlib.patches import PathPatch  # noqa: PLC0415  see plotting_library.library
    from matplotlib.path import Path  # noqa: PLC0415

    def rings(*, lakes: bool) -> Path:
        shown = (_turned(ring) for name, ring in coastline() if name.startswith("lake ") is lakes)
        return Path.make_compound_path(*(Path([*ring, ring[0]], closed=True) for ring in shown))

    towns = [(east, north) for _, north, east in reference_places() if SOUTH < north < NORTH]
    # Strokes without length and with round ends: dots, all in one path.
    dots = Path([town for town in towns for _ in range(2)], [Path.MOVETO, Path.LINETO] * len(towns))
    for path, classes, order in (
        (rings(lakes=False), "land", 0.1),
        (rings(lakes=True), "lake", 0.2),
        (dots, "dots", 0.6),
    ):
        canvas.show(axes.add_artist(PathPatch(path, zorder=order, clip_on=False)), classes)


def _grid(canvas: Canvas, axes: "Axes") -> None:
    meridians, parallels = range(-150, 180, _STEP), range(-30, 90, _STEP)
    axes.set_xticks(meridians, [_degrees(east, "E", "W") for east in meridians])
    axes.set_yticks(parallels, [_degrees(north, "N", "S") for north in parallels])
    axes.tick_params(length=0, pad=-4)  # labels inside
    for axis, sides in ((axes.xaxis, {"va": "bottom"}), (axes.yaxis, {"ha": "left", "va": "bottom"})):
        for tick in axis.get_major_ticks():
            tick.gridline.set(visible=True, clip_on=False)
            tick.label1.set(**sides)
            canvas.show(tick.gridline, "grid")
            canvas.show(tick.label1, "axis")


def _points(canvas: Canvas, axes: "Axes", places: Sequence[Place]) -> None:
    from matplotlib.patches import PathPatch  # noqa: PLC0415
    from matplotlib.path import Path  # noqa: PLC0415
    from matplotlib.transforms import Affine2D  # noqa: PLC0415

    circle = Path.arc(0, 360, 4)
    for place in places:
        around = Affine2D().scale(_radius(place) / _DEGREE).translate(place.longitude, _inside(place.latitude))
        point = axes.add_artist(PathPatch(circle.transformed(around), clip_on=False))
        canvas.show(point, "at-place" if place.country is None else "at-country", title=_title(place))


def _labels(canvas: Canvas, axes: "Axes", places: Sequence[Place]) -> None:
    taken: list[tuple[float, float, float]] = []
    for place in places:
        x, y = (place.longitude + 180) * _DEGREE, (NORTH - _inside(place.latitude)) * _DEGREE
        label = inert(_name(place), _LABEL_CHARACTERS)
        width, away = len(label) * _CHARACTER_WIDTH, _radius(place) + _GAP
        before = x + away + width + 1 > WIDTH
        left, right = (x - away - width, x - away) if before else (x + away, x + away + width)
        if len(taken) < _MOST_LABELS and all(
            abs(y - other) > 15 or right < first or left > last for first, last, other in taken
        ):
            taken.append((left, right, y))
            text = axes.annotate(
                "label", (place.longitude, _inside(place.latitude)), (-away if before else away, 0), "data",
                "offset points", ha="right" if before else "left", va="center", annotation_clip=False,
            )  # fmt: skip
            canvas.show(text, "halo", text=label)


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
    return f"{where}: {names}{more}"


def _radius(place: Place) -> float:
    """About a pixel each; the area grows with the number of entities."""
    return min(14.0, 3.5 + 1.6 * math.sqrt(place.count - 1))


def _inside(latitude: float) -> float:
    return min(max(latitude, SOUTH), NORTH)


def _turned(ring: Ring) -> list[tuple[float, float]]:
    return [(east, north) for north, east in ring]


def _degrees(value: int, positive: str, negative: str) -> str:
    return f"{abs(value)}°{(positive if value > 0 else negative) if value else ''}"
