"""Roll-ups merge into what the points themselves come to, in whatever pieces; so do bins."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.records.series import layout, rollups
from clew.records.series.model import DAY, HOUR, MINUTE, SeriesError, block_id, read_id, series_of
from clew.records.series.rollups import (
    ACCURACY,
    POINT,
    Array,
    bins_of,
    keys_of,
    merge,
    merge_bins,
    ordered_points,
    quantiles,
    roll_up,
    value_of,
)

NUMBERS = st.floats(-1e100, 1e100).filter(lambda value: value == 0 or abs(value) > 1e-290)
POINTS = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2 * DAY), NUMBERS), min_size=1, max_size=60)


def array(points: list[tuple[int, int, float]]) -> Array:
    return ordered_points(np.array(points, POINT))


@given(POINTS)
def test_merged_hours_are_the_day(points: list[tuple[int, int, float]]) -> None:
    given_points = array(points)
    for width in (MINUTE, HOUR):
        parts = roll_up(given_points, width)
        merged, group = merge(parts, parts["series"], parts["time"] // DAY * DAY)
        whole = roll_up(given_points, DAY)
        assert np.array_equal(group, whole["series"])
        for name in ("time", "count", "least", "greatest", "first", "last", "first_at", "last_at"):
            assert np.array_equal(merged[name], whole[name]), name
        scale = np.maximum(np.abs(whole["greatest"]), np.abs(whole["least"])) * whole["count"]
        assert np.all(np.abs(merged["sum"] - whole["sum"]) <= 1e-12 * scale)
        assert np.all(np.abs(merged["deviations"] - whole["deviations"]) <= 1e-9 * np.maximum(scale, 1e-300) ** 2)


@given(POINTS)
def test_merged_bins_are_those_of_all(points: list[tuple[int, int, float]]) -> None:
    given_points = array(points)
    parts = bins_of(given_points, HOUR)
    merged = merge_bins(parts, parts["series"], parts["time"] // DAY * DAY)
    assert np.array_equal(merged, bins_of(given_points, DAY))


@given(st.lists(NUMBERS, min_size=1, max_size=80), st.floats(0, 1))
def test_a_quantile_is_near_the_value_of_its_rank(values: list[float], quantile: float) -> None:
    points = array([(1, place, value) for place, value in enumerate(values)])
    _, _, (told,) = quantiles(bins_of(points, DAY), quantile)
    exact = sorted(values)[math.floor(quantile * (len(values) - 1))]
    assert told == pytest.approx(exact, rel=ACCURACY, abs=1e-299)


@given(st.lists(NUMBERS, min_size=1, max_size=50))
def test_a_bin_stands_for_all_its_values_and_bins_are_in_order(values: list[float]) -> None:
    given_values = np.array(sorted(values))
    keys = keys_of(given_values)
    assert np.all(np.diff(keys) >= 0)
    assert np.all(np.abs(value_of(keys) - given_values) <= ACCURACY * np.abs(given_values) + 1e-299)


@given(POINTS)
def test_what_is_packed_is_unpacked(points: list[tuple[int, int, float]]) -> None:
    given_points = array(points)
    assert np.array_equal(layout.unpack_points(list(layout.pack_points(given_points))), given_points)
    rollups = roll_up(given_points, MINUTE)
    assert np.array_equal(layout.unpack_rollups(list(layout.pack_rollups(rollups, HOUR))), rollups)
    bins = bins_of(given_points, HOUR)
    assert np.array_equal(layout.unpack_bins(list(layout.pack_bins(bins, DAY))), bins)


def test_deviations_keep_their_digits_far_from_zero() -> None:
    values = [1e9 + step for step in (0.0, 1.0, 2.0)]
    parts = roll_up(array([(1, place * HOUR, value) for place, value in enumerate(values)]), HOUR)
    merged, _ = merge(parts, parts["series"], parts["time"] // DAY * DAY)
    assert merged["deviations"][0] == pytest.approx(2.0, rel=1e-9)


def test_a_series_is_named_by_what_it_is() -> None:
    one = series_of("asset_metrics", "cpu", {"b": "2", "a": "1"})
    assert one == series_of("asset_metrics", "cpu", {"a": "1", "b": "2"})
    assert one.number != series_of("asset_metrics", "cpu", {"a": "1"}).number
    assert read_id(block_id(one.number, 123)) == (one.number, 123)


@pytest.mark.parametrize(
    ("measurement", "field", "tags"),
    [
        ("nothing", "cpu", {}),
        ("asset_metrics", "a b", {}),
        ("asset_metrics", "", {}),
        ("asset_metrics", "cpu", {"organization": "x"}),
        ("asset_metrics", "cpu", {"series": "x"}),
        ("asset_metrics", "cpu", {"a": ""}),
        ("asset_metrics", "cpu", {"a": "line\nbreak"}),
        ("asset_metrics", "cpu", {"a": "x" * 257}),
        ("asset_metrics", "cpu", {f"t{number}": "x" for number in range(17)}),
    ],
)
def test_what_cannot_be_named_is_refused(measurement: str, field: str, tags: dict[str, str]) -> None:
    with pytest.raises(SeriesError):
        series_of(measurement, field, tags)


@given(POINTS, st.integers(0, 400))
def test_bins_are_summed_alike_with_and_without_sorting(points: list[tuple[int, int, float]], places: int) -> None:
    given_points = array(points)
    parts = bins_of(given_points, HOUR)
    group = parts["series"] % 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rollups, "_DENSE", places)
        few = merge_bins(parts, group, parts["time"] // DAY * DAY)
    most = merge_bins(parts, group, parts["time"] // DAY * DAY)
    counts: dict[tuple[int, int, int], int] = {}
    for series, time, key, count in parts.tolist():
        place = (series % 2, time // DAY * DAY, key)
        counts[place] = counts.get(place, 0) + count
    assert [tuple(each) for each in most.tolist()] == [(*place, count) for place, count in sorted(counts.items())]
    assert np.array_equal(few, most)
