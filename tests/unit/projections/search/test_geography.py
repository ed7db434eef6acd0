import math

import h3.api.basic_int as h3  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from clew.projections.search.geography import FINEST, cells, cover, distance

LATITUDES, LONGITUDES = st.floats(-90, 90), st.floats(-180, 180)


def test_known_distances() -> None:
    assert math.isclose(distance(0, 0, 0, 180), math.pi * 6371.0088)
    assert math.isclose(distance(90, 0, -90, 123), math.pi * 6371.0088)
    assert math.isclose(distance(0, 179.5, 0, -179.5), math.pi * 6371.0088 / 180)
    assert distance(12.5, 7, 12.5, 7) == 0


@given(LATITUDES, LONGITUDES)
def test_cells_are_ancestors_of_the_finest(latitude: float, longitude: float) -> None:
    found = cells(latitude, longitude)
    assert found[-1] == h3.latlng_to_cell(latitude, longitude, FINEST)
    assert found == [h3.cell_to_parent(found[-1], resolution) for resolution in range(FINEST + 1)]


@given(LATITUDES, LONGITUDES, st.floats(0, 20_015), st.floats(0, 1), st.floats(0, 360))
def test_every_place_inside_is_covered_and_none_outside_is_sure(
    latitude: float, longitude: float, kilometres: float, part: float, bearing: float
) -> None:
    """A place at some fraction of twice the radius, in any direction."""
    covered = cover(latitude, longitude, kilometres)
    angle, turn = min(2 * part * kilometres / 6371.0088, math.pi), math.radians(bearing)
    phi = math.radians(latitude)
    sine = math.sin(phi) * math.cos(angle) + math.cos(phi) * math.sin(angle) * math.cos(turn)
    there = math.degrees(math.asin(max(-1.0, min(1.0, sine))))
    across = math.atan2(math.sin(turn) * math.sin(angle) * math.cos(phi), math.cos(angle) - math.sin(phi) * sine)
    further = (longitude + math.degrees(across) + 180) % 360 - 180
    place, apart = set(cells(there, further)), distance(latitude, longitude, there, further)
    if apart <= kilometres:
        assert place & (set(covered.inside) | set(covered.edge))
    else:
        assert not place & set(covered.inside)


def test_covers_stay_small() -> None:
    for kilometres in (0.0, 0.1, 5.0, 300.0, 4000.0, 20_015.0):
        for latitude, longitude in ((0.0, 0.0), (52.5, 13.4), (90.0, 0.0), (-17.7, 179.99)):
            covered = cover(latitude, longitude, kilometres)
            assert len(covered.inside) + len(covered.edge) < 1_500
