"""Objects of any arrangement: each a row with its place; damage costs only itself."""

import pytest

from clew.ingest.sources.base import Framing, RecordBatch
from clew.ingest.sources.json_fields import integer_of, utc_time
from clew.ingest.sources.json_values import (
    batch_rows,
    line_row,
    nested_rows,
    read_json_values,
    sample_objects,
)
from tests.support.tool_reports import sample


def found(data: bytes) -> list[tuple[int, object]]:
    return [(row.line, row.fault.reason if row.fault else row.values.get("a")) for row in read_json_values(data)]


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b'{"a":1}{"a":2}', [(1, 1), (1, 2)]),
        (b'{"a":1}\n{"a":2}\n', [(1, 1), (2, 2)]),
        (b'[{"a":1},\n {"a":2}]', [(1, 1), (2, 2)]),
        (b'[[{"a":1}],[{"a":2}]]', [(1, 1), (1, 2)]),
        (b'\xef\xbb\xbf{"a":1}', [(1, 1)]),
        (b'[{"a":1}, 5, "x", {"a":2}]', [(1, 1), (1, "wrong_type"), (1, "wrong_type"), (1, 2)]),
        (b'{"a":1}\n{"a":\n{"a":3}\n', [(1, 1), (2, "invalid_json"), (3, 3)]),
        (b'[\n  {"a":1},\n  {"a": oops,\n    "b":{"a":9}},\n  {"a":3}\n]', [(2, 1), (3, "invalid_json"), (5, 3)]),
        (b'{"a":NaN}', [(1, "invalid_json")]),
        (b'{"a":"\xff"}', [(1, "invalid_encoding")]),
        (b"[" * 100_000, []),
        (b'{"a":' * 100_000, [(1, "invalid_json")]),
        (b"", []),
    ],
)
def test_rows_with_their_lines(data: bytes, rows: list[tuple[int, object]]) -> None:
    assert found(data) == rows


def test_a_file_of_faults_ends() -> None:
    rows = found(b"{x\n" * 5000)
    assert len(rows) == 100
    assert {reason for _, reason in rows} == {"invalid_json"}


def test_nested_rows_have_their_own_places_and_the_last_member_of_a_name_counts() -> None:
    data = b'\n{"b": [],\n "b": [\n  {"a": 1},\n  7,\n  {"a": 2}]}'
    row = next(iter(read_json_values(data)))
    inner = nested_rows(row, "b")
    assert [(each.line, each.values.get("a"), each.fault is None) for each in inner] == [
        (4, 1, True),
        (5, None, False),
        (6, 2, True),
    ]
    assert inner[2].raw == b'{"a": 2}'
    assert nested_rows(row, "c") == []


def test_nul_is_made_visible_but_not_where_it_is_only_spelled() -> None:
    assert line_row(rb'{"a":"x\u0000\u0000y"}', 1).values == {"a": "x␀␀y"}
    assert line_row(rb'{"a":"x\\u0000"}', 1).values == {"a": r"x\u0000"}


def test_lines_keep_their_number() -> None:
    batch = RecordBatch([b'\xef\xbb\xbf{"a":1}', b"oops"], [1, 4], 0)
    rows = batch_rows(batch, one_a_line=True)
    assert [(row.line, row.fault is None) for row in rows] == [(1, True), (4, False)]


@pytest.mark.parametrize(
    ("data", "framing", "count"),
    [
        (b'{"a":1}\n{"a":2}\n', Framing.LINES, 2),
        (b'[{"a":1},{"a":2}]', Framing.DOCUMENT, 2),
        (b'{\n"a":1\n}\n{\n"a":2\n}', Framing.DOCUMENT, 1),
        (b'{"a": [' + b'{"b":1},' * 20_000, Framing.DOCUMENT, 1),
        (b"hello", Framing.DOCUMENT, 0),
        (b"{" * 70_000, Framing.DOCUMENT, 0),
        (b"\xff\xfe[", Framing.DOCUMENT, 0),
    ],
)
def test_samples(data: bytes, framing: Framing, count: int) -> None:
    sampled = sample_objects(sample("x", data))
    assert (sampled.framing, len(sampled.objects)) == (framing, count)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2020-01-02", "2020-01-02 00:00:00+00:00"),
        ("2020-01-02T03:04:05.123456789+01:00", "2020-01-02 02:04:05.123456+00:00"),
        (1577934245, "2020-01-02 03:04:05+00:00"),
        (0, "None"),
        (True, "None"),
        (1e300, "None"),
        (float("nan"), "None"),
        ("yesterday", "None"),
        ("9999-12-31T23:59:59-14:00", "None"),
    ],
)
def test_moments(value: object, moment: str) -> None:
    assert str(utc_time(value)) == moment


def test_whole_numbers() -> None:
    values = {"a": "12", "b": 3.0, "c": True, "d": "x", "e": float("inf"), "f": 1.5}
    assert [integer_of(values, key) for key in "abcdef"] == [12, 3, None, None, None, None]
