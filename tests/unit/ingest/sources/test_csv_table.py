"""CSV rows: what comes back is what was written, and damage stays where it is."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from clew.ingest.sources.csv_table import read_csv

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8))
def test_rows_come_back_as_written_with_the_line_where_they_start(rows: list[tuple[str, str, str]]) -> None:
    target = io.StringIO(newline="")
    csv.writer(target).writerows([("a", "b", "c"), *rows])
    text = target.getvalue()
    table = read_csv(text.encode())
    assert [tuple(row.values.values()) for row in table.rows] == rows
    lines = list(io.StringIO(text, newline=""))
    for row in table.rows:
        assert "".join(lines[row.line - 1 :]).encode().startswith(row.raw)


@given(st.binary(max_size=300))
def test_every_line_that_is_not_blank_is_in_some_row_or_the_header(data: bytes) -> None:
    table = read_csv(b"a,b\n" + data)
    assert all(row.raw in data for row in table.rows if not data.startswith((b"\xff\xfe", b"\xfe\xff")))
    assert sum(len(row.raw) for row in table.rows) <= len(data)


def test_a_quote_left_open_costs_its_own_line_only() -> None:
    table = read_csv(b'a,b\n1,2\n3,"4\n5,6\n')
    assert [(row.line, row.fault is None) for row in table.rows] == [(2, True), (3, False), (4, True)]


def test_a_file_of_broken_rows_is_given_up_in_bounded_time() -> None:
    table = read_csv(b"a,b\n" + b'1,"2\n' * 5000)
    assert len(table.rows) == 100
    assert table.rows[-1].raw.count(b"\n") == 5000 - 99 - 1
