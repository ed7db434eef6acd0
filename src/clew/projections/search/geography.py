"""Places on the sphere: h3 cells to find candidates by, great-circle distance to decide.

A place is stored under the cell of FINEST resolution that holds it and under all ancestors of that cell, so that
"descendant of" is exact though cells of different resolutions do not nest exactly. A circle becomes the cells wholly
inside it and those at its edge, whose places are measured one by one.
"""

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from typing import Final

from clew.projections.search.requests import EARTH_RADIUS_KILOMETRES

FINEST: Final = 9
_MOST_EDGE_CELLS: Final = 160
# Upper bound of the distance from a cell's centre to any place below it at resolution 0, in kilometres: the vertices of
# all cells of resolutions 0 to 3 stay, scaled, within 1,405, and a fifth is added because descendants spill over.
# Each finer resolution has √7 times less.
_REACH: Final = 1_405.0 * 1.2
_SHRINK: Final = sqrt(7.0)


@dataclass(frozen=True, slots=True)
class Cover:
    """Cells whose places are all inside, and cells that also have places outside."""

    inside: tuple[int, ...]
    edge: tuple[int, ...]


def distance(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Kilometres along the great circle between two places in degrees (haversine, sphere of mean radius)."""
    a, b = radians(latitude), radians(other_latitude)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(other_longitude - longitude) / 2) ** 2
    return 2 * EARTH_RADIUS_KILOMETRES * asin(min(1.0, sqrt(half)))


def cells(latitude: float, longitude: float) -> list[int]:
    """The cell of a place and its ancestors, coarsest first."""
    import h3.api.basic_int as h3  # type: ignore[import-untyped]  # noqa: PLC0415 - 0.1 s, for what has a place

    cell = h3.latlng_to_cell(latitude, longitude, FINEST)
    return [_ancestor(cell, resolution) for resolution in range(FINEST)] + [cell]


def _ancestor(cell: int, resolution: int) -> int:
    """As h3.cell_to_parent, of which ten calls for each place take longer than all else that is done with it.

    H3 cell indexes hold the resolution in bits 52 to 55 and a digit of three bits for each resolution below, all ones
    where there is none.
    """
    return cell & ~(0xF << 52) | resolution << 52 | (1 << 3 * (15 - resolution)) - 1


def cover(latitude: float, longitude: float, kilometres: float) -> Cover:
    """The circle as cells, refined until its edge would need too many of them."""
    import h3.api.basic_int as h3  # noqa: PLC0415 - 0.1 s, for who asks for places

    inside: list[int] = []
    edge, resolution, reach = list(h3.get_res0_cells()), 0, _REACH
    while True:
        remaining = []
        for cell in edge:
            apart = distance(latitude, longitude, *h3.cell_to_latlng(cell))
            if apart + reach <= kilometres:
                inside.append(cell)
            elif apart - reach <= kilometres:
                remaining.append(cell)
        edge = remaining
        if resolution == FINEST or len(edge) > _MOST_EDGE_CELLS or not edge:
            return Cover(tuple(inside), tuple(edge))
        if len(edge) * 3 > _MOST_EDGE_CELLS and resolution > 0 and reach * 12 < kilometres:
            return Cover(tuple(inside), tuple(edge))  # the edge is already a thin ring
        edge = [child for cell in edge for child in h3.cell_to_children(cell, resolution + 1)]
        resolution += 1
        reach /= _SHRINK
