"""Rows as documents: what is said, where it is, and that whatever a row holds has a document."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.projections.search_documents import shapes
from clew.projections.search_documents.prose import country_of, place_of, point_of, spelt_otherwise, text_of, texts_at

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
NOON = "2025-03-09T12:00:00+00:00"


def entity_row(properties: dict[str, Any], entity_type: str = "domain") -> tuple[Any, ...]:
    times = (None, NOON, NOON, NOON)
    return (
        UUID(int=1),
        str(UUID(int=2)),
        False,
        entity_type,
        "Name",
        "name",
        properties,
        [],
        ["private"],
        0,
        0.5,
        *times,
        ["nmap"],
    )


@given(JSON)
def test_text_is_what_the_leaves_say_each_once(value: Any) -> None:
    found = text_of(value)
    lines = (found or "").split("\n")
    assert found is None or (found and len(found) <= 32_768)
    assert len(lines) == len(set(lines)) or "\n" in str(value)


def test_long_text_is_cut_and_deep_text_is_left() -> None:
    deep: Any = "bottom"
    for _ in range(50):
        deep = [deep]
    assert text_of(deep) is None
    assert len(text_of({"a": "x" * 100_000, "b": "y"}) or "") == 32_768
    assert text_of({"discriminator": "registry:1", "bio": "keeps lanterns"}) == "keeps lanterns"


@pytest.mark.parametrize(
    ("properties", "point"),
    [
        ({"latitude": 52.5, "longitude": 13.4}, {"lat": 52.5, "lon": 13.4}),
        ({"location": {"lat": -1, "lon": 179}}, {"lat": -1.0, "lon": 179.0}),
        ({"discriminator": "geo:52.500000,-13.400000"}, {"lat": 52.5, "lon": -13.4}),
        ({"latitude": 91, "longitude": 0}, None),
        ({"latitude": "52", "longitude": 13}, None),
        ({"latitude": True, "longitude": 13}, None),
        ({"discriminator": "geo:north,south"}, None),
        ({"location": "Hamburg"}, None),
    ],
)
def test_places_are_read_from_what_names_them(properties: dict[str, Any], point: dict[str, float] | None) -> None:
    assert point_of(properties) == point
    document = shapes.entity(entity_row(properties))
    assert document.get("location") == point


def test_places_have_names() -> None:
    assert place_of({"city": "Hamburg", "country": "Germany", "country_name": "Germany"}) == "Hamburg, Germany"
    assert country_of({"country_code": "DE"}) == "DE"
    assert texts_at({"hashtags": "one"}, "hashtags") == ["one"]
    assert texts_at({"hashtags": ["one", 2, "one", ""]}, "hashtags") == ["one"]


@given(st.dictionaries(st.text(max_size=12), JSON, max_size=6))
def test_whatever_an_entity_says_it_has_a_document(properties: dict[str, Any]) -> None:
    document = shapes.entity(entity_row(properties))
    assert document["id"] == str(UUID(int=2))
    assert document["risk_score"] == 0
    assert "first_seen" not in document
    assert document["last_seen"] == NOON
    assert all(value is not None for value in document.values())


def test_profiles_and_relationships_are_told_apart() -> None:
    assert shapes.entity(entity_row({}, "social_profile"))["doc_type"] == "social_profile"
    row = (
        UUID(int=1),
        str(UUID(int=2)),
        False,
        *map(str, ("USES", UUID(int=3), UUID(int=4))),
        {"count": 3},
        0.5,
        None,
        None,
        NOON,
        NOON,
    )
    assert shapes.relationship(row) is None
    assert shapes.relationship((*row[:6], {"record_type": "NS", "sources": ["crtsh"]}, *row[7:])) is None
    said = shapes.relationship((*row[:6], {"note": "seen together"}, *row[7:]))
    assert said is not None
    assert said["content"] == "seen together"


def test_telephone_numbers_are_found_in_one_run_of_digits() -> None:
    written = {"e164": "+442079460958", "national": "020 7946 0958"}
    document = shapes.entity(entity_row(written, "phone"))
    assert str(document["content"]).splitlines()[-1].split() == ["02079460958", "442079460958", "00442079460958"]
    assert "content" not in shapes.entity(entity_row({}, "phone"))


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Zoë O'Brien", "Zoë OBrien"),
        ("D\u2019Angelo d'Or", "DAngelo dOr"),
        ("'quoted'", None),
        ("5'11", None),
        ("", None),
    ],
)
def test_names_are_found_without_their_apostrophes(name: str, plain: str | None) -> None:
    assert spelt_otherwise("person", name, {}) == plain
