"""Which of many records are to blame is found by halving, on top of what is sound."""

from collections.abc import Sequence

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.records.refusals import REFUSALS, describe, find_refused


@given(count=st.integers(1, 200), seed=st.sets(st.integers(0, 199), max_size=40))
def test_the_records_to_blame_are_found_and_the_others_are_merged_in_order(count: int, seed: set[int]) -> None:
    records = range(10, 10 + count)
    bad = {record for record in records if record - 10 in seed}
    merged: list[int] = []

    def attempt(some: Sequence[int]) -> None:
        if bad & set(some):
            raise psycopg.DataError("no")
        merged.extend(some)

    assert set(find_refused(records, attempt)) == bad
    assert merged in ([record for record in records if record not in bad], [])


def test_of_two_records_that_do_not_go_together_the_later_is_to_blame() -> None:
    merged: set[int] = set()

    def attempt(some: Sequence[int]) -> None:
        if {3, 70} <= merged | set(some):
            raise psycopg.errors.CheckViolation("not both")
        merged.update(some)

    assert list(find_refused(range(100), attempt)) == [70]


def test_one_bad_record_costs_few_attempts() -> None:
    sizes: list[int] = []

    def attempt(some: Sequence[int]) -> None:
        sizes.append(len(some))
        if 4321 in some:
            raise psycopg.DataError("no")

    find_refused(range(10_000), attempt)

    assert sum(sizes) <= 3 * 10_000
    assert len(sizes) <= 40


def test_what_is_no_refusal_goes_through() -> None:
    def attempt(some: Sequence[int]) -> None:
        raise psycopg.OperationalError("gone")

    assert not isinstance(psycopg.OperationalError("gone"), REFUSALS)
    with pytest.raises(psycopg.OperationalError):
        find_refused([1], attempt)


def test_no_value_is_in_the_description() -> None:
    said = describe(psycopg.DataError('invalid input syntax for type inet: "secret ""of"" another"\nCONTEXT: secret'))
    assert said == 'PostgreSQL refuses it: invalid input syntax for type inet: "…"'
