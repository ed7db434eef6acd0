"""What is drawn can be read, and the same record is always drawn alike."""

import math
import random
import re
from datetime import timedelta
from itertools import combinations
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.reporting.document import Entity, Place, Relationship
from clew.reporting.drawing import network, world
from clew.reporting.drawing.coastline import Ring, coastline
from clew.reporting.drawing.selection import select
from clew.reporting.gathering.history import MOST_BINS, bin_length
from clew.reporting.inert_text import inert
from clew.reporting.reference_places import country_places, degrees, reference_places
from tests.unit.reporting.example_report import NOON, entity, relationship


def star(size: int, hub: int = 1) -> tuple[list[Entity], list[Relationship]]:
    others = [n for n in range(1, size + 1) if n != hub]
    return [entity(n) for n in range(1, size + 1)], [relationship(1000 + n, hub, n) for n in others]


def tangle(size: int, links: int) -> tuple[list[Entity], list[Relationship]]:
    """A graph that is the same each time, with names of all lengths."""
    chance = random.Random(7)
    entities = [
        entity(n, chance.choice(("domain", "person", "file_hash", "document")), "n" * chance.randint(1, 90))
        for n in range(1, size + 1)
    ]
    ends = [chance.sample(range(1, size + 1), 2) for _ in range(links)]
    return entities, [relationship(1000 + n, one, other) for n, (one, other) in enumerate(ends)]


def test_a_small_case_is_drawn_whole() -> None:
    entities, relationships = star(10)
    drawn, lines = select(entities, relationships)
    assert {each.id for each in drawn} == {each.id for each in entities}
    assert len(lines) == 9


def test_what_stands_alone_gives_its_place_unless_it_matters() -> None:
    entities, relationships = star(5)
    alone = [entity(90), entity(91, is_target=True), entity(92, risk_score=80)]
    drawn = {each.id.int for each in select([*entities, *alone], relationships)[0]}
    assert drawn == {1, 2, 3, 4, 5, 91, 92}


def test_targets_and_risk_come_before_what_joins_the_rest() -> None:
    entities, relationships = star(100)
    entities[49] = entity(50, is_target=True)
    entities[59] = entity(60, risk_score=90)
    drawn, lines = select(entities, relationships, most=10)
    assert [each.id.int for each in drawn[:3]] == [50, 60, 1]
    assert len(drawn) == 10
    assert len(lines) == 9


def test_the_bridge_between_two_crowds_is_drawn() -> None:
    left, left_links = star(40)
    right = [entity(n) for n in range(101, 141)]
    right_links = [relationship(2000 + n, 101, n) for n in range(102, 141)]
    bridge = [relationship(3000, 1, 200), relationship(3001, 200, 101)]
    drawn, _ = select([*left, *right, entity(200)], [*left_links, *right_links, *bridge], most=8)
    assert {1, 101, 200} <= {each.id.int for each in drawn}


def test_selection_does_not_depend_on_the_order_in_which_rows_come() -> None:
    entities, relationships = tangle(120, 200)
    once = select(entities, relationships)
    again = select(entities, relationships)
    shuffled = select(entities, sorted(relationships, key=lambda each: -each.id.int))
    assert once == again == shuffled


@pytest.mark.parametrize(("size", "links"), [(1, 0), (2, 1), (12, 8), (42, 60), (42, 400), (42, 20)])
def test_no_label_covers_another_and_all_are_inside(size: int, links: int) -> None:
    drawn = network.draw(*tangle(size, links))
    assert len(drawn.nodes) == size
    for node in drawn.nodes:
        half = len(node.label) * 5.5 / 2
        assert node.x - half >= 0
        assert node.x + half <= drawn.width
        assert network.RADIUS <= node.y <= drawn.height - 20
    covering = [
        (one.label, other.label)
        for one, other in combinations(drawn.nodes, 2)
        if abs(one.y - other.y) < 24 and abs(one.x - other.x) < (len(one.label) + len(other.label)) * 5.5 / 2
    ]
    assert covering == []
    assert drawn == network.draw(*tangle(size, links))


def test_lines_join_the_marks_without_touching_them() -> None:
    drawn = network.draw(*star(6))
    places = {(node.x, node.y) for node in drawn.nodes}
    assert len(drawn.lines) == 5
    for line in drawn.lines:
        assert min(math.dist((line.x1, line.y1), place) for place in places) >= network.RADIUS
        assert min(math.dist((line.x2, line.y2), place) for place in places) >= network.RADIUS


def test_an_entity_related_to_itself_is_drawn_without_a_line() -> None:
    drawn = network.draw([entity(1)], [relationship(5, 1, 1)])
    assert (len(drawn.nodes), drawn.lines) == (1, ())


@given(st.integers(0, 60 * 24 * 365 * 40))
def test_a_span_is_cut_into_a_bounded_number_of_bins(minutes: int) -> None:
    last = NOON + timedelta(minutes=minutes)
    unit, step = bin_length(NOON, last)
    lengths = {"minute": 1, "hour": 60, "day": 1440, "week": 10080, "month": 43200, "year": 525600}
    assert minutes / (lengths[unit] * step) < MOST_BINS


def shown(drawn: world.WorldMap, *classes: str) -> list[ET.Element]:
    return [
        each for each in ET.fromstring(f"<svg>{drawn.picture}</svg>") if each.get("class", "").split()[0] in classes
    ]


def extent(element: ET.Element) -> tuple[float, float, float, float]:
    """Left, right, top and bottom of a path."""
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", element.get("d", ""))]
    return min(numbers[::2]), max(numbers[::2]), min(numbers[1::2]), max(numbers[1::2])


def test_a_place_stands_where_its_coordinates_say() -> None:
    drawn = world.draw(
        [Place(0, 0.5, None, ((UUID(int=1), "x"),), 1), Place(95, -180, "FJ", ((UUID(int=2), "y"),), 40)]
    )
    middle, edge = shown(drawn, "at-place", "at-country")
    assert [each.get("class") for each in (middle, edge)] == ["at-place", "at-country"]
    assert [each.findtext("title") for each in (middle, edge)] == ["0.0, 0.5: x", "country FJ: y and 39 more"]
    left, right, top, bottom = extent(middle)
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((180.5 * 3, 252.0), abs=0.02)
    assert right - left == pytest.approx(7, abs=0.02)
    left, right, top, bottom = extent(edge)
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((0, 0), abs=0.02)
    assert 2 * 14 >= right - left > 7


def test_the_map_has_land_lakes_and_degrees() -> None:
    drawn = world.draw([])
    (sea,), (land,), (lakes,), (dots,) = (shown(drawn, name) for name in ("sea", "land", "lake", "dots"))
    assert extent(sea) == (0, world.WIDTH, 0, world.HEIGHT)
    assert extent(land)[:2] == (0, world.WIDTH)
    assert land.get("d", "").count("M") == sum(not name.startswith("lake ") for name, _ in coastline())
    assert extent(lakes) == pytest.approx((682.5, 702, 111, 141.9), abs=0.02)
    assert dots.get("d", "").count("M") > 400
    assert len(shown(drawn, "grid")) == 11 + 4
    degrees = {each.text: (float(each.attrib["x"]), float(each.attrib["y"])) for each in shown(drawn, "axis")}
    assert degrees["120°W"][0] == 180
    assert degrees["60°N"][1] == pytest.approx(72 - 6, abs=4)
    assert all(0 < x < world.WIDTH and 0 < y < world.HEIGHT for x, y in degrees.values())


def test_labels_on_the_map_do_not_cover_each_other_and_are_inside() -> None:
    places = [Place(50 + n / 100, 10 + n / 100, None, ((UUID(int=n + 1), f"place {n}"),), 1) for n in range(30)]
    edge = Place(-20, 179, None, ((UUID(int=99), "edge"),), 1)
    labels = shown(world.draw([*places, edge]), "halo")
    assert 2 <= len(labels) < 30
    for one, other in combinations(labels, 2):
        apart = [abs(float(one.attrib[name]) - float(other.attrib[name])) for name in "xy"]
        assert apart[1] > 10 or apart[0] > 50
    assert (labels[-1].text, labels[-1].get("class")) == ("edge", "halo end")
    assert float(labels[-1].attrib["x"]) < 359 * 3


@pytest.mark.parametrize("name", ["$x^2$", "$", "</text></svg><b>", "\u5bc6\u7801 \u05d0", "\u202ea\x00", "x" * 10**6])
def test_an_entity_on_the_map_may_be_called_anything(name: str) -> None:
    drawn = world.draw([Place(10, 10, None, ((UUID(int=1), name),), 1)])
    (label,), (point,) = shown(drawn, "halo"), shown(drawn, "at-place")
    assert label.text == inert(name, 28)
    assert (point.findtext("title") or "").startswith(f"10.0, 10.0: {inert(name, 28).rstrip('…')}")
    assert len(point.findtext("title") or "") <= 400
    assert drawn == world.draw([Place(10, 10, None, ((UUID(int=1), name),), 1)])


def test_reference_places_are_where_everyone_knows_them() -> None:
    known = {name: (north, east) for name, north, east in reference_places()}
    assert known["London"] == pytest.approx((51.5, -0.13), abs=0.1)
    assert known["Sydney"] == pytest.approx((-33.87, 151.2), abs=0.1)
    assert country_places()["JP"] == pytest.approx((35.65, 139.74), abs=0.1)
    assert degrees("-0000731", 3) == pytest.approx(-0.1253, abs=0.0001)
    assert len(known) > 400


def test_every_town_of_a_continent_lies_on_or_at_the_drawn_land() -> None:
    land = [ring for name, ring in coastline() if not name.startswith("lake ")]
    rings = [ring for _, ring in coastline()]
    at_sea = {
        name
        for name, north, east in reference_places()
        if north > world.SOUTH
        and not any(is_inside(north, east, ring) for ring in land)
        and min(distance(north, east, ring) for ring in rings) > 1.0
    }
    small_islands = {"Bermuda", "Azores", "Canary", "Maldives", "Mauritius", "Guam", "Easter", "Stanley", "Barbados"}
    assert small_islands <= at_sea, "the measure finds nothing at sea, so it would find no error"
    assert not at_sea & {"Nairobi", "Lisbon", "Mumbai", "Tokyo", "Lima", "Anchorage", "Perth", "Manila", "Jakarta"}
    assert len(at_sea) <= 80  # all of them islands that are not drawn


def is_inside(north: float, east: float, ring: Ring) -> bool:
    inside = False
    for (a, b), (c, d) in zip(ring, (*ring[1:], ring[0]), strict=True):
        if (a > north) != (c > north) and east < (d - b) * (north - a) / (c - a) + b:
            inside = not inside
    return inside


def distance(north: float, east: float, ring: Ring) -> float:
    """Degrees of latitude to the nearest side of the ring."""
    narrow = math.cos(math.radians(north))
    nearest = math.inf
    for (a, b), (c, d) in zip(ring, (*ring[1:], ring[0]), strict=True):
        x, y, dx, dy = (b - east) * narrow, a - north, (d - b) * narrow, c - a
        along = max(0.0, min(1.0, -(x * dx + y * dy) / (dx * dx + dy * dy or 1)))
        nearest = min(nearest, math.hypot(x + along * dx, y + along * dy))
    return nearest
