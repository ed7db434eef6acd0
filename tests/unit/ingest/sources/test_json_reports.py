"""JSON reports read row by row: the same rows as a JSON parser gives, each with its line and bytes."""

import json

from hypothesis import given
from hypothesis import strategies as st

from clew.ingest.sources.json_reports import read_json_reports

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
ROWS = st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=4), max_size=6)


@given(ROWS, VALUES, st.sampled_from([None, 1, 4]), st.booleans())
def test_a_sound_report_gives_its_rows_and_head(
    rows: list[dict[str, object]], other: object, indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps({"before": other, "rows": rows, "after": other}, indent=indent, ensure_ascii=ascii_only)
    data = text.encode("utf-8", "surrogatepass")
    (report,) = read_json_reports(data, "rows")
    assert report.fault is None
    assert report.rows is not None
    assert [row.values for row in report.rows] == rows
    assert report.head == {"before": other, "after": other}
    lines = data.split(b"\n")
    for row in report.rows:
        assert row.raw in data
        assert row.raw.split(b"\n")[0] in lines[row.line - 1]


@given(ROWS, st.integers(0, 200))
def test_a_report_cut_anywhere_keeps_its_whole_rows(rows: list[dict[str, object]], cut: int) -> None:
    data = json.dumps({"rows": rows}).encode()
    whole = [
        row.values for report in read_json_reports(data[:cut], "rows") for row in report.rows or () if not row.fault
    ]
    assert whole == rows[: len(whole)]
    ends = [index for index in range(len(rows)) if len(json.dumps({"rows": rows[: index + 1]})) - 2 <= cut]
    assert len(whole) == len(ends)


def test_reports_may_stand_in_an_array_or_one_after_the_other() -> None:
    one = '{"rows": [{"a": 1}]}'
    for text in (f"[{one}, {one}]", f"{one}\n{one}\n", f"{one}{one}"):
        assert [len(report.rows or ()) for report in read_json_reports(text.encode(), "rows")] == [1, 1]


def test_a_broken_row_costs_itself_only() -> None:
    data = b'{"rows": [{"a": 1},\n{"a": NaN}, {"a": },\n{"a": 4}], "after": 5}'
    (report,) = read_json_reports(data, "rows")
    assert report.rows is not None
    assert [row.values.get("a") for row in report.rows] == [1, None, None, 4]
    assert [row.raw for row in report.rows][1:3] == [b'{"a": NaN}', b'{"a": }']
    assert report.head == {"after": 5}


def test_nesting_without_end_is_a_fault_and_not_a_crash() -> None:
    (report,) = read_json_reports(b'{"rows": [' + b'{"a":' * 100_000, "rows")
    assert report.rows is not None
    assert "nested too deeply" in str(report.rows[0].fault)
