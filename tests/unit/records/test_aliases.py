"""Judgements are followed to their end, however they were strung together."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from clew.records.aliases import LONGEST_CHAIN, follow


def steps(known: dict[str, str]) -> dict[str, str]:
    return follow(known, lambda ids: {alias: known[alias] for alias in ids & known.keys()})


def test_chains_end_where_nothing_follows() -> None:
    assert steps({"a": "b", "b": "c", "c": "d", "x": "d"}) == {"a": "d", "b": "d", "c": "d", "x": "d"}


def test_who_was_not_merged_is_left_out() -> None:
    assert follow(["a", "z"], lambda ids: {"a": "b"} if "a" in ids else {}) == {"a": "b"}


def test_all_of_a_circle_and_what_leads_into_it_agree() -> None:
    assert steps({"c": "d", "d": "b", "b": "c", "z": "d", "y": "z"}) == {"c": "b", "d": "b", "z": "b", "y": "b"}
    assert steps({"a": "a"}) == {}


def test_a_chain_longer_than_any_real_one_ends_somewhere_on_it() -> None:
    known = {UUID(int=number): UUID(int=number + 1) for number in range(1, 1000)}
    found = follow([UUID(int=1)], lambda ids: {alias: known[alias] for alias in ids & known.keys()})
    assert found == {UUID(int=1): UUID(int=1 + LONGEST_CHAIN)}


@given(known=st.dictionaries(st.integers(0, 30).map(str), st.integers(0, 30).map(str), max_size=31))
def test_the_end_stands_for_itself(known: dict[str, str]) -> None:
    found = steps(known)
    for end in found.values():
        assert found.get(end, end) == end
