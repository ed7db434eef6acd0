"""Whatever two sides do to one document, what both wanted is there, and what contradicts has a name."""

import copy
from typing import Any

import hypothesis.strategies as st
from hypothesis import given

from clew.domains.exchange.misp_shape import MISP
from clew.domains.exchange.three_way import merge, parts_of, read_place, restricted, same, with_value, written

Document = dict[str, Any]

NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.sampled_from(["1", "2", "3", None, ["x"], {"y": 1}])
TAGS = st.lists(NAMES, unique=True).map(lambda names: [{"name": each} for each in names])


@st.composite
def documents(draw: st.DrawFn) -> Document:
    attributes = []
    for identifier in draw(st.lists(NAMES, unique=True)):
        one: Document = {"uuid": identifier, "value": draw(VALUES), "timestamp": str(draw(st.integers(1, 9)))}
        if draw(st.booleans()):
            one["Tag"] = draw(TAGS)
        attributes.append(one)
    return {"uuid": "e", "info": draw(VALUES), "Tag": draw(TAGS), "Attribute": attributes}


@given(documents(), documents())
def test_changes_of_one_side_only_are_taken_and_nothing_contradicts(base: Document, one: Document) -> None:
    assert same(merge(base, base, one, MISP).document, one, MISP)
    assert same(merge(base, one, base, MISP).document, one, MISP)
    assert same(merge(base, one, one, MISP).document, one, MISP)
    for each in (merge(base, base, one, MISP), merge(base, one, base, MISP), merge(base, one, one, MISP)):
        assert each.contradictions == []


@given(documents(), documents(), documents())
def test_merging_is_stable_and_leaves_what_it_is_given_alone(base: Document, ours: Document, theirs: Document) -> None:
    given_documents = copy.deepcopy((base, ours, theirs))
    first = merge(base, ours, theirs, MISP)
    assert (base, ours, theirs) == given_documents
    # The next time, with theirs as the common ground and nothing new there, nothing happens.
    again = merge(theirs, first.document, theirs, MISP)
    assert same(again.document, first.document, MISP)
    assert again.contradictions == []


@given(documents(), documents(), documents())
def test_every_difference_that_is_not_taken_has_a_name(base: Document, ours: Document, theirs: Document) -> None:
    merged = merge(base, ours, theirs, MISP)
    before, mine, other, made = (parts_of(each, MISP) for each in (base, ours, theirs, merged.document))
    places = {each.place for each in merged.contradictions}
    for side, against in ((mine, other), (other, mine)):
        for path in before.keys() | side.keys():
            changed = side.get(path) != before.get(path)
            if not changed or made.get(path) == side.get(path) or against.get(path) == before.get(path):
                continue
            fields = (side.get(path) or {}).keys() | (before.get(path) or {}).keys()
            inside = {written((*path, name)) for name in fields}
            above = {written(path[:length]) for length in range(0, len(path) + 1, 2)}
            gone_above = any(path[:length] not in made for length in range(0, len(path), 2))
            both_fields = made.get(path) is not None and side.get(path) is not None
            if both_fields:
                lost = {
                    name
                    for name in fields
                    if (side[path].get(name) != (before.get(path) or {}).get(name))
                    and made[path].get(name) != side[path].get(name)
                }
                assert {written((*path, name)) for name in lost} <= places
            else:
                assert gone_above or places & (inside | above), (path, places)


def test_deletions_and_changes_of_different_things_meet() -> None:
    base: Document = {"info": "x", "Attribute": [{"uuid": "1", "value": "a"}, {"uuid": "2", "value": "b"}]}
    ours: Document = {"info": "x", "Attribute": [{"uuid": "2", "value": "b"}]}
    theirs: Document = {"info": "y", "Attribute": [{"uuid": "1", "value": "a"}, {"uuid": "2", "value": "c"}]}
    merged = merge(base, ours, theirs, MISP)
    assert merged.document == {"info": "y", "Attribute": [{"uuid": "2", "value": "c"}]}
    assert merged.contradictions == []


def test_a_member_that_is_there_to_say_that_it_is_deleted_counts_as_gone() -> None:
    base: Document = {"Attribute": [{"uuid": "1", "value": "a"}]}
    assert same({"Attribute": [{"uuid": "1", "value": "a", "deleted": True}]}, {"Attribute": []}, MISP)
    assert not same(base, {"Attribute": []}, MISP)


def test_lists_without_names_are_values() -> None:
    base: Document = {"x": [1], "Attribute": ["odd"]}
    merged = merge(base, {"x": [1, 2], "Attribute": ["odd"]}, {"x": [1], "Attribute": ["other"]}, MISP)
    assert merged.document == {"x": [1, 2], "Attribute": ["other"]}


def test_places_are_written_and_read() -> None:
    path = ("Attribute", "a/b~c", "comment")
    assert read_place(written(path)) == path
    assert read_place("/") == ()


def test_one_value_is_set_or_taken_away() -> None:
    document: Document = {"info": "x", "Attribute": [{"uuid": "1", "value": "a"}]}
    assert with_value(document, ("info",), "y", MISP)["info"] == "y"
    assert with_value(document, ("Attribute", "1", "value"), "b", MISP)["Attribute"][0]["value"] == "b"
    assert with_value(document, ("Attribute", "1"), None, MISP)["Attribute"] == []
    assert with_value(document, ("Attribute", "9", "value"), "b", MISP) == document
    assert document == {"info": "x", "Attribute": [{"uuid": "1", "value": "a"}]}


def test_what_the_other_has_too() -> None:
    document: Document = {"a": 1, "b": 2, "Attribute": [{"uuid": "1", "x": 1, "y": 2}, {"uuid": "2"}]}
    to: Document = {"b": 9, "Attribute": [{"uuid": "1", "x": 5}]}
    assert restricted(document, to, MISP) == {"b": 2, "Attribute": [{"uuid": "1", "x": 1}]}
