"""What someone types to write, see and delete measured values, and to see what the record's own events come to."""

import csv
import io
import json

import pytest

from tests.support.program import Program

pytestmark = [pytest.mark.same_everywhere, pytest.mark.slow]

LINES = """measurement,time,tag:host,cpu,load
asset_metrics,2026-03-01T00:00:00Z,a,0.5,1
asset_metrics,2026-03-01T00:30:00Z,a,0.7,
asset_metrics,2026-03-01T02:00:00Z,b,0.1,2
asset_metrics,yesterday,b,0.1,2
asset_metrics,2026-03-01T02:00:00Z,b,much,2
asset_metric,2026-03-01T02:00:00Z,b,1,2
asset_metrics,2026-03-01T02:00:00Z,b
"""
SPAN = ("--from", "2026-03-01", "--to", "2026-03-01T03:00")


def test_counts_of_the_sample_case_are_asked_for(loaded: Program) -> None:
    listed = {each["measurement"]: each for each in json.loads(loaded.run("series", "list", "--json").output)}
    assert set(listed) == {"event_counts", "event_timelines"}
    span = ("--from", "2025-01-01", "--to", "2026-01-01")
    found = loaded.json("series", "query", "event_counts", *span, "--every", "1d", "--aggregate", "sum")
    events = sum(sum(line["values"]["sum"]) for line in found["lines"])
    by_kind = loaded.json(
        "series", "query", "event_counts", *span, "--every", "1h", "--aggregate", "sum", "--by", "kind"
    )
    assert events == sum(sum(line["values"]["sum"]) for line in by_kind["lines"]) > 100
    sessions = loaded.json("series", "query", "event_timelines", *span, "--every", "7d", "--aggregate", "sum")
    told = {line["field"]: sum(line["values"]["sum"]) for line in sessions["lines"]}
    assert told["events"] <= events
    assert 0 < told["sessions"] <= told["events"]
    attacks = loaded.json("search", "", "--index", "attacks", *span)
    assert attacks["total"] == told["sessions"]
    verified = json.loads(loaded.run("projection", "verify", "series", "--json").output)
    assert [each["equal"] for each in verified] == [True]
    drilled = json.loads(loaded.run("projection", "drill", "series", "--json").output)
    assert drilled["equal"] if isinstance(drilled, dict) else drilled[0]["equal"]


def test_points_are_written_asked_for_and_deleted(loaded: Program) -> None:
    file = loaded.base / "points.csv"
    file.write_text(LINES)
    written = loaded.json("series", "write", file, CLEW_SERIES_RETENTION_DAYS='{"raw": 36500}')
    assert written["values"] == 5
    assert [each["line"] for each in written["refused"]] == [5, 6, 7, 8]
    reasons = [each["reason"] for each in written["refused"]]
    assert [word in reason for word, reason in zip(("time", "much", "no measurement", "columns"), reasons, strict=True)]
    hourly = ("series", "query", "asset_metrics", *SPAN, "--every", "1h", "--field", "cpu", "--by", "host")
    found = loaded.json(*hourly, "--aggregate", "mean,count", "--fill", "null")
    assert [(line["tags"]["host"], line["values"]["count"]) for line in found["lines"]] == [
        ("a", [2, None, None]),
        ("b", [None, None, 1]),
    ]
    assert found["lines"][0]["times"][0] == "2026-03-01T00:00:00Z"
    rows = list(csv.DictReader(io.StringIO(loaded.run(*hourly, "--format", "csv").output)))
    assert [(row["tag:host"], float(row["mean"])) for row in rows] == [("a", 0.6), ("b", 0.1)]
    assert "0.7" in loaded.run("series", "query", "asset_metrics", *SPAN, "--where", "host=a").output
    series = json.loads(loaded.run("series", "list", "asset_metrics", "--json").output)
    assert {(each["field"], each["tags"]["host"]) for each in series} == {
        (field, host) for field in ("cpu", "load") for host in ("a", "b")
    }
    assert loaded.json("series", "delete", "asset_metrics", *SPAN, "--where", "host=a")["hours"] == 2
    left = loaded.json("series", "query", "asset_metrics", *SPAN)
    assert {line["tags"]["host"] for line in left["lines"]} == {"b"}
    assert loaded.json("series", "age")["archived"] >= 0


def test_line_protocol_comes_by_standard_input(loaded: Program) -> None:
    file = loaded.base / "points.lp"
    file.write_text("# a comment\nsystem_metrics,host=web\\ 1 cpu=1.5,up=true 1772323200000000000\nnonsense\n")
    written = loaded.json("series", "write", file, CLEW_SERIES_RETENTION_DAYS='{"raw": 36500}')
    assert (written["values"], [each["line"] for each in written["refused"]]) == (2, [3])
    assert loaded.run("series", "write", loaded.base / "none.csv", expect=4).errors
    (loaded.base / "bad.jsonl").write_text('{"time": 1}\n')
    assert "no measurement" in loaded.run("series", "write", loaded.base / "bad.jsonl", expect=4).errors


@pytest.mark.parametrize(
    ("option", "value"),
    [("--every", "often"), ("--from", "soon"), ("--fill", "guess"), ("--where", "host"), ("--aggregate", "median")],
)
def test_what_is_wrong_with_an_option_is_said(loaded: Program, option: str, value: str) -> None:
    refused = loaded.run("series", "query", "asset_metrics", option, value, expect=2)
    assert option in refused.errors
