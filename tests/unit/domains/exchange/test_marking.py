"""What may go to whom: never beyond a marking, and what nobody knows is taken for the strictest."""

from typing import Any

import pytest

from clew.domains.exchange.marking import TLP, Audience, distributed, level_of_tags, may_have, stix_level
from clew.domains.exchange.misp_shape import event_for

GROUP = "5d8b1c7e-0000-4000-8000-000000000009"


@pytest.mark.parametrize(
    ("tags", "level"),
    [
        ([], None),
        (["honeypot"], None),
        (["tlp:clear"], "clear"),
        (["tlp:white"], "clear"),
        (["TLP:GREEN"], "green"),
        (["tlp:green", "tlp:amber"], "amber"),
        (["tlp:amber+strict", "tlp:clear"], "amber+strict"),
        (["tlp:red", "tlp:white"], "red"),
        (["tlp:ex:chr"], "red"),
    ],
)
def test_the_strictest_tag_counts(tags: list[str], level: str | None) -> None:
    assert level_of_tags(tags) == (-1 if level is None else TLP.index(level))


@pytest.mark.parametrize("maximum", ["clear", "green", "amber"])
def test_a_level_goes_to_those_who_may_have_it(maximum: str) -> None:
    allowed = [level for level in TLP if may_have(TLP.index(level), Audience(maximum))]
    assert allowed == list(TLP[: TLP.index(maximum) + 1])
    assert not may_have(level_of_tags(["tlp:purple"]), Audience(maximum))


@pytest.mark.parametrize(
    ("value", "internal", "group", "spread"),
    [
        ("0", True, None, None),
        ("1", False, None, None),
        ("1", True, None, 1),
        ("2", False, None, 1),
        ("2", True, None, 2),
        ("3", False, None, 3),
        (3, False, None, 3),
        ("4", True, None, None),
        ("4", False, GROUP, 4),
        ("4", False, "other", None),
        ("5", False, None, None),
        ("6", True, None, None),
        ("", True, None, None),
        (None, True, None, None),
        ([], True, None, None),
    ],
)
def test_distribution_as_misp_has_it(value: Any, internal: bool, group: str | None, spread: int | None) -> None:
    audience = Audience(internal=internal, sharing_groups=frozenset({GROUP}))
    assert distributed(value, audience, group) == spread


@pytest.mark.parametrize("marked", [{"distribution": "0"}, {"Tag": [{"name": "tlp:red"}]}, {"distribution": "4"}])
@pytest.mark.parametrize("place", ["Attribute", "Object", "EventReport", "ShadowAttribute", "GalaxyCluster"])
def test_parts_beyond_their_marking_are_left_out_wherever_they_stand(marked: dict[str, Any], place: str) -> None:
    secret = {"uuid": "s", "value": "secret"} | marked
    held = {"Galaxy": [{"uuid": "g", "GalaxyCluster": [secret]}]} if place == "GalaxyCluster" else {place: [secret]}
    view = event_for({"uuid": "e", "distribution": "3", **held}, Audience())
    assert "secret" not in repr(view)


def test_what_they_have_already_they_keep_as_they_have_it() -> None:
    mine = {"uuid": "e", "distribution": "3", "Attribute": [{"uuid": "a", "value": "new", "distribution": "0"}]}
    base = {"uuid": "e", "Attribute": [{"uuid": "a", "value": "old", "distribution": "3"}]}
    view = event_for(mine, Audience(), base)
    assert view is not None
    assert view["Attribute"] == base["Attribute"]


def test_levels_of_stix_objects() -> None:
    red = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
    statement = {"id": "marking-definition--x", "definition_type": "statement", "definition": {"statement": "(c)"}}
    assert stix_level({}) == -1
    assert stix_level({"object_marking_refs": [red]}) == TLP.index("red")
    assert stix_level({"granular_markings": [{"marking_ref": red, "selectors": ["name"]}]}) == TLP.index("red")
    assert stix_level({"object_marking_refs": ["marking-definition--x"]}, {"marking-definition--x": statement}) == -1
    assert stix_level({"object_marking_refs": ["marking-definition--unknown"]}) == len(TLP)
