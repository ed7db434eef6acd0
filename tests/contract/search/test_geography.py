"""Circles and boxes hold exactly what is inside, everywhere on earth."""

import math
import random
from collections.abc import Iterator

import pytest

from clew.projections.search.fields import DocumentSet
from clew.projections.search.port import GeoBox, GeoRadius, SearchReader, SearchRequest
from tests.contract.search.adapters import Adapter
from tests.contract.search.conftest import ORGANIZATION, entity, fill, ids

_CHANCE = random.Random(12)


def _anywhere() -> tuple[float, float]:
    return math.degrees(math.asin(_CHANCE.uniform(-1, 1))), _CHANCE.uniform(-180, 180)


def _near(latitude: float, longitude: float, degrees: float) -> tuple[float, float]:
    bent = max(-90.0, min(90.0, latitude + _CHANCE.gauss(0, degrees)))
    turned = longitude + _CHANCE.gauss(0, degrees) / max(0.01, math.cos(math.radians(bent)))
    return bent, (turned + 180) % 360 - 180


CENTRES = [
    (52.52, 13.405),
    (0.0, 180.0),
    (-17.7, -179.99),
    (89.9, 30.0),
    (-90.0, 0.0),
    (0.0, 0.0),
    (64.7, 10.5),
    (90.0, 77.0),
]
POINTS = [
    (0.0, 0.0),
    (90.0, 0.0),
    (90.0, 123.0),
    (-90.0, 0.0),
    (0.0, 180.0),
    (0.0, -180.0),
    (52.52, 13.405),
    (-89.9999, 180.0),
    *(_anywhere() for _ in range(1500)),
    *(_near(*centre, spread) for centre in CENTRES for spread in (0.001, 0.05, 1.0, 8.0) for _ in range(30)),
]


@pytest.fixture(scope="module")
def reader(shared_adapter: Adapter) -> Iterator[SearchReader]:
    documents = [entity(f"{n}", location={"lat": lat, "lon": lon}) for n, (lat, lon) in enumerate(POINTS)]
    fill(shared_adapter.view(), {DocumentSet.OSINT_ENTITIES: [*documents, entity("nowhere")]})
    with shared_adapter.view().reader() as opened:
        yield opened


def _kilometres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Spherical distance by vectors: another formula than the product's."""
    (x, y, z), (u, v, w) = (
        (math.cos(p) * math.cos(t), math.cos(p) * math.sin(t), math.sin(p))
        for p, t in ((math.radians(lat), math.radians(lon)) for lat, lon in (a, b))
    )
    cross = math.hypot(y * w - z * v, z * u - x * w, x * v - y * u)
    return 6371.0088 * math.atan2(cross, x * u + y * v + z * w)


@pytest.mark.parametrize("centre", CENTRES, ids=str)
@pytest.mark.parametrize("kilometres", [0.05, 1.0, 12.5, 150.0, 1000.0, 5000.0, 12_000.0, 20_015.0])
def test_a_circle_holds_what_is_near_enough(
    reader: SearchReader, centre: tuple[float, float], kilometres: float
) -> None:
    request = SearchRequest(within=GeoRadius(*centre, kilometres), limit=1000)
    result = reader.search(ORGANIZATION, request)
    sure = [n for n, point in enumerate(POINTS) if _kilometres(centre, point) <= kilometres - 1e-6]
    near = [n for n, point in enumerate(POINTS) if _kilometres(centre, point) <= kilometres + 1e-6]
    assert len(sure) <= result.total <= len(near)
    hits = set(ids(result))
    if len(near) < 1000:
        assert {entity(f"{n}")["id"] for n in sure} <= hits <= {entity(f"{n}")["id"] for n in near}


@pytest.mark.parametrize(
    "box",
    [
        GeoBox(50, 10, 55, 15),
        GeoBox(-20, 170, 5, -170),
        GeoBox(80, -180, 90, 180),
        GeoBox(-90, -180, 90, 180),
        GeoBox(0, 0, 0, 0),
        GeoBox(-1, 179, 1, -179),
        GeoBox(-90, 5, -80, 4),
        GeoBox(-5, 180, 5, -180),
    ],
    ids=str,
)
def test_a_box_holds_what_is_inside(reader: SearchReader, box: GeoBox) -> None:
    def inside(lat: float, lon: float) -> bool:
        across = box.west <= lon <= box.east if box.west <= box.east else lon >= box.west or lon <= box.east
        return box.south <= lat <= box.north and across

    expected = {entity(f"{n}")["id"] for n, point in enumerate(POINTS) if inside(*point)}
    result = reader.search(ORGANIZATION, SearchRequest(within=box, limit=1000))
    assert result.total == len(expected)
    assert set(ids(result)) <= expected


def test_places_combine_with_words(reader: SearchReader) -> None:
    result = reader.search(ORGANIZATION, SearchRequest(text="name:6", within=GeoRadius(52.52, 13.405, 0.0)))
    assert [hit.name for hit in result.hits] == ["6"]
    assert reader.search(ORGANIZATION, SearchRequest(text="name:nowhere", within=GeoBox(-90, -180, 90, 180))).total == 0
