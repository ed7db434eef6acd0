"""Cursors lead back to the place they were made for, and nothing else passes for one."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.api.paging import decode_cursor, encode_cursor, page_of
from clew.kernel.errors import InputError

SOME_ID = UUID(int=7)
VALUES = st.tuples(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50) | st.none(),
    st.integers(-(2**53), 2**53),
    st.datetimes(timezones=st.just(UTC)),
    st.uuids(),
)


@given(VALUES)
def test_a_cursor_gives_back_what_it_was_made_of(values: tuple[object, ...]) -> None:
    assert decode_cursor(encode_cursor(*values), str, int, datetime, UUID) == values


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_anything_else_is_refused_and_breaks_nothing(text: str) -> None:
    try:
        decoded = decode_cursor(text, str, UUID)
    except InputError:
        return
    assert decoded is not None
    assert len(decoded) == 2


@pytest.mark.parametrize(
    "cursor",
    [
        encode_cursor("a"),
        encode_cursor("a", SOME_ID, 1),
        encode_cursor(1, SOME_ID),
        encode_cursor("a\0", SOME_ID),
        encode_cursor("a", "no id"),
        encode_cursor(True, SOME_ID),
    ],
)
def test_a_cursor_of_another_list_is_refused(cursor: str) -> None:
    with pytest.raises(InputError, match="cursor"):
        decode_cursor(cursor, str, UUID)


def test_a_time_without_zone_is_no_place() -> None:
    with pytest.raises(InputError):
        decode_cursor(encode_cursor("2025-03-09T12:00:00"), datetime)


def test_the_last_page_has_no_next() -> None:
    assert page_of([1, 2, 3], 2, lambda item: (item,)) == ([1, 2], encode_cursor(2))
    assert page_of([1, 2], 2, lambda item: (item,)) == ([1, 2], None)
    assert page_of([], 2, lambda item: (item,)) == ([], None)
    assert decode_cursor(None, int) is None
