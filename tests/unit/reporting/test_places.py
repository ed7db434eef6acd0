"""Where an entity is, by what its properties say."""

from typing import Any

import pytest

from clew.reporting.gathering.places import place_of
from clew.reporting.reference_places import country_places


@pytest.mark.parametrize(
    "properties",
    [
        {"latitude": 52.52, "longitude": 13.41},
        {"latitude": "52.52", "longitude": "13.41", "country_code": "FR"},
        {"lat": 52.52, "lon": 13.41},
        {"location": {"lat": 52.52, "lon": 13.41}},
        {"geo": {"latitude": 52.52, "longitude": 13.41}},
        {"coordinates": "52.52, 13.41"},
        {"discriminator": "geo:52.520000,13.410000"},
    ],
)
def test_coordinates_in_the_forms_that_sources_use(properties: dict[str, Any]) -> None:
    assert place_of(properties) == (52.5, 13.4, None)


@pytest.mark.parametrize("properties", [{"country_code": "de"}, {"country": "DE"}, {"region": " DE "}])
def test_a_country_is_placed_at_its_reference_place(properties: dict[str, Any]) -> None:
    assert place_of(properties) == (*country_places()["DE"], "DE")


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"latitude": 91, "longitude": 0},
        {"latitude": "NaN", "longitude": "1"},
        {"latitude": 0, "longitude": 0},
        {"latitude": [1], "longitude": {}},
        {"latitude": 10**400, "longitude": 1},
        {"latitude": 5},
        {"location": {"location": {"lat": 1, "lon": 2}}},
        {"location": ["<script>"]},
        {"country_code": 49},
        {"country": "Atlantis"},
        {"discriminator": "geo:here"},
    ],
)
def test_what_is_no_place_is_none(properties: dict[str, Any]) -> None:
    assert place_of(properties) is None
