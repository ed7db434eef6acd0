import contextlib
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.ingest.sources.times import NO_TIME_ZONE_WARNING, RecordTimes, parse_time

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-02-22 08:05:15.141628", datetime(2025, 2, 22, 8, 5, 15, 141628, UTC)),
        ("2025-02-12T08:28:02Z", datetime(2025, 2, 12, 8, 28, 2, 0, UTC)),
        ("2025-02-12 08:28:02 UTC", datetime(2025, 2, 12, 8, 28, 2, 0, UTC)),
        ("2025-02-12T08:28:02,5+0200", datetime(2025, 2, 12, 6, 28, 2, 500_000, UTC)),
        ("2025-02-12T08:28:02.123456789Z", datetime(2025, 2, 12, 8, 28, 2, 123456, UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_utc(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment
    assert parse_time(text).tzinfo is UTC


def test_a_stated_zone_wins_over_the_setting_and_clock_changes_follow_the_rule() -> None:
    assert parse_time("2025-01-01 12:00:00", BERLIN) == datetime(2025, 1, 1, 11, tzinfo=UTC)
    assert parse_time("2025-01-01T12:00:00Z", BERLIN) == datetime(2025, 1, 1, 12, tzinfo=UTC)
    assert parse_time("2025-10-26 02:30:00", BERLIN) == datetime(2025, 10, 26, 0, 30, tzinfo=UTC), "twice: the first"
    assert parse_time("2025-03-30 02:30:00", BERLIN) == datetime(2025, 3, 30, 1, 30, tzinfo=UTC), "skipped"


@pytest.mark.parametrize(
    "text", ["", "yesterday", "10000-01-01T00:00:00Z", "0000-01-01T00:00:00", "2025-02-30T00:00:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 – the message belongs to Python's parser for some
        parse_time(text)


def test_a_moment_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match="outside the years"):
        parse_time("9999-12-31T23:59:59-12:00")


@given(st.text(max_size=30))
def test_nothing_but_value_error_comes_of_any_text(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_time(text).tzinfo is UTC


def test_the_warning_is_given_only_where_a_zone_was_missing_and_not_set() -> None:
    for timezone, text, warning in (
        (None, "2025-01-01 12:00:00", NO_TIME_ZONE_WARNING),
        (None, "2025-01-01T12:00:00Z", None),
        (BERLIN, "2025-01-01 12:00:00", None),
    ):
        times = RecordTimes(timezone)
        times.read(text)
        assert times.warning() == warning
