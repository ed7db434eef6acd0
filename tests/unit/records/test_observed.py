"""Properties merge to the same, in whatever order they were observed."""

from hypothesis import given
from hypothesis import strategies as st

from clew.records.observed import Observed, merge_observed, plain_numbers

NUMBERS = st.sampled_from([0, 0.0, -0.0, 1, 1.0, 10, 1e5, 100000, 9.5, 1e-7, 1e16, -1, -0.5])
SCALARS = st.none() | st.booleans() | NUMBERS | st.sampled_from(["", "1", "a", "ä", "😀", '"', "\\", "\n", "\x1f"])
VALUES = st.recursive(
    SCALARS,
    lambda members: st.lists(members, max_size=2) | st.dictionaries(st.sampled_from("abä"), members, max_size=2),
)
OBSERVED = st.dictionaries(st.sampled_from("pqr"), st.tuples(VALUES, st.none() | st.integers(-2, 2)), max_size=3).map(
    lambda said: (
        {k: plain_numbers(v) for k, (v, _) in said.items()},
        {k: t for k, (_, t) in said.items() if t is not None},
    )
)


@given(one=OBSERVED, other=OBSERVED)
def test_order_does_not_matter(one: Observed, other: Observed) -> None:
    assert sorted(merge_observed(one, other)[1].items()) == sorted(merge_observed(other, one)[1].items())
    assert merge_observed(one, other)[0] == merge_observed(other, one)[0]


@given(one=OBSERVED, other=OBSERVED, third=OBSERVED)
def test_grouping_does_not_matter(one: Observed, other: Observed, third: Observed) -> None:
    left = merge_observed(merge_observed(one, other), third)
    assert left == merge_observed(one, merge_observed(other, third))


@given(one=OBSERVED)
def test_the_same_again_changes_nothing(one: Observed) -> None:
    assert merge_observed(one, one) == one


def test_the_newest_wins_and_any_time_beats_none() -> None:
    early, late = ({"bio": "b"}, {"bio": 1}), ({"bio": "a"}, {"bio": 2})
    untimed: Observed = ({"bio": "z"}, {})
    assert merge_observed(early, late) == ({"bio": "a"}, {"bio": 2})
    assert merge_observed(untimed, early) == ({"bio": "b"}, {"bio": 1})


def test_equal_numbers_become_equal_text() -> None:
    assert repr(plain_numbers([1.0, -0.0, {"a": 1e5}, 9.5, True])) == "[1, 0, {'a': 100000}, 9.5, True]"
