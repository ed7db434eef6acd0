"""Bins go to InfluxDB as text and come back as they were; text that somebody else wrote is no bins, and no error."""

from base64 import b64encode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.projections.series.influx.bins import bins_in, texts_of
from clew.records.series.rollups import BIN, Array

LARGEST_KEY = (1 << 20) + 70_000
BINS = st.dictionaries(
    st.tuples(st.integers(1, 2**62), st.integers(-(2**50), 2**50), st.integers(-LARGEST_KEY, LARGEST_KEY)),
    st.one_of(st.integers(1, 3), st.integers(1, 2**62)),
    min_size=1,
    max_size=60,
)


def array(bins: dict[tuple[int, int, int], int]) -> Array:
    return np.array([(*place, count) for place, count in sorted(bins.items())], BIN)


def rows_of(bins: Array) -> list[tuple[int, int, str]]:
    starts, texts = texts_of(bins)
    return list(zip(bins["series"][starts].tolist(), bins["time"][starts].tolist(), texts, strict=True))


@given(BINS)
def test_what_is_written_is_read(bins: dict[tuple[int, int, int], int]) -> None:
    given_bins = array(bins)
    assert np.array_equal(bins_in(rows_of(given_bins)), given_bins)


def test_bins_side_by_side_that_count_little_take_little() -> None:
    bins = array({(1, 0, (1 << 20) + place): 1 for place in range(300)})
    ((_, _, text),) = rows_of(bins)
    assert len(text) < 2 * len(bins)
    assert rows_of(np.empty(0, BIN)) == []
    assert bins_in([]).tolist() == []


@given(st.lists(st.binary(max_size=30), max_size=8), BINS)
def test_what_is_no_such_text_has_no_bins_and_hurts_no_other_row(
    texts: list[bytes], bins: dict[tuple[int, int, int], int]
) -> None:
    rows = rows_of(array(bins))
    # A text is wrong for sure if it tells of more bins than there is anything after it.
    wrong = [(7, place, b64encode(bytes([0x7F]) + bytes(each[:30])).decode()) for place, each in enumerate(texts)]
    mixed = [*wrong, *rows, (8, 0, None), (8, 1, "§"), (8, 2, b64encode(b"\xff\xff").decode())]
    assert np.array_equal(bins_in(mixed), array(bins))
    for each in texts:
        bins_in([(7, 0, b64encode(each).decode())])


@pytest.mark.parametrize("octets", [b"\x01", b"\x01\x03", b"\x02\x02", b"\x00\x02", b"\x01\x02\x05"])
def test_half_a_text_has_no_bins(octets: bytes) -> None:
    assert bins_in([(1, 0, b64encode(octets).decode())]).tolist() == []
