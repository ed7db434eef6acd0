"""Points are read from what people and programs write; what is wrong is told by line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.records.series.formats import PointReader, time_of
from clew.records.series.model import SeriesError

Read = list[tuple[str, str, dict[str, str], int, float]]


def read(form: str, *lines: str, measurement: str | None = None) -> tuple[Read, list[int]]:
    reader = PointReader(form, measurement)
    found = []
    for batch in reader.batches(lines):
        for place, time, value in zip(batch.place, batch.time, batch.value, strict=True):
            series = batch.series[place]
            found.append((series.measurement, series.field, dict(series.tags), int(time), float(value)))
    return found, [each.line for each in reader.refused]


def test_line_protocol_as_influxdb_documents_it() -> None:
    found, refused = read(
        "line",
        r"system_metrics,host=a,k\=ey=v cpu=1 1700000000000000999",
        'system_metrics cpu=1,note="text, with = and \\" in it" 1',
        "system_metrics cpu=1",
        "system_metrics,host cpu=1 1",
        "system_metrics cpu=one 1",
        "system_metrics cpu 1",
        "system_metrics cpu=1 soon",
        "system_metrics cpu=1e3,load=7u 2000",
        "# a comment",
        "",
    )
    assert refused == [1, 2, 3, 4, 5, 6, 7]
    assert found == [("system_metrics", "cpu", {}, 2, 1000.0), ("system_metrics", "load", {}, 2, 7.0)]


def test_escaped_tags_of_line_protocol() -> None:
    found, refused = read("line", r"system_metrics,host=a\ b\,c\=d,at=back\slash cpu=1,up=true 1700000000000000999")
    assert refused == []
    assert {each[1]: each[4] for each in found} == {"cpu": 1.0, "up": 1.0}
    assert found[0][2:4] == ({"host": "a b,c=d", "at": "back\\slash"}, 1_700_000_000_000_000)


def test_csv_with_quotes_and_gaps() -> None:
    found, refused = read(
        "csv",
        "time,tag:host,cpu,load",
        '2026-03-01T00:00:00+01:00,"a, b",1.5,',
        "1772323200000000,,,2",
        "2026-03-01,a,nan,1",
        "2026-03-01,a,1e101,1",
        "2026-03-01,a",
        ",a,1,1",
        measurement="asset_metrics",
    )
    assert found == [
        ("asset_metrics", "cpu", {"host": "a, b"}, 1_772_319_600_000_000, 1.5),
        ("asset_metrics", "load", {}, 1_772_323_200_000_000, 2.0),
    ]
    assert refused == [4, 5, 6, 7]


def test_json_lines() -> None:
    found, refused = read(
        "jsonl",
        '{"measurement": "asset_metrics", "time": 5, "tags": {"a": "1"}, "fields": {"x": 1, "y": 2.5}}',
        '{"time": 5, "fields": {"x": 1}}',
        "[1]",
        "{",
        '{"measurement": "asset_metrics", "time": true, "fields": {"x": 1}}',
        '{"measurement": "asset_metrics", "time": 5, "fields": {"x": "1"}}',
        '{"measurement": "asset_metrics", "time": 5, "fields": {"x": true}}',
        '{"measurement": "asset_metrics", "time": 5, "fields": {}}',
        '{"measurement": "asset_metrics", "time": 5, "fields": []}',
        '{"measurement": "asset_metrics", "time": 5, "tags": {"a": 1}, "fields": {"x": 1}}',
        '{"measurement": "asset_metrics", "fields": {"x": 1}}',
    )
    assert [each[1:] for each in found] == [("x", {"a": "1"}, 5, 1.0), ("y", {"a": "1"}, 5, 2.5)]
    assert refused == list(range(2, 12))


def test_a_file_without_a_heading_or_of_no_known_kind_is_refused_as_a_whole() -> None:
    with pytest.raises(SeriesError, match="no column `time`"):
        read("csv", "a,b", "1,2")
    with pytest.raises(SeriesError, match="no format"):
        PointReader("xml")


@given(st.sampled_from(["csv", "jsonl", "line"]), st.lists(st.text(max_size=80), max_size=6))
def test_whatever_a_line_is_it_is_read_or_refused(form: str, lines: list[str]) -> None:
    heading = ["time,tag:a,x"] if form == "csv" else []
    found, refused = read(form, *heading, *lines, measurement="asset_metrics")
    assert len(refused) <= len(lines) + 1
    assert all(each[0] == "asset_metrics" or form != "csv" for each in found)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "1e5", None, 1.5, True])
def test_times_that_are_none(text: object) -> None:
    with pytest.raises(SeriesError):
        time_of(text)
