"""What someone finds who searches the sample case, and what becomes of a view when a command is killed."""

import json
import signal
from typing import Any

import pytest

from tests.acceptance.test_interruption import LINES, SMALL_BATCHES, is_loading, write_log
from tests.support.embedded import wait_until
from tests.support.program import PATIENCE_SECONDS, Program

pytestmark = pytest.mark.same_everywhere

FEW_LINES = 500


def listed(program: Program, *arguments: str) -> list[dict[str, Any]]:
    document = json.loads(program.run(*arguments, "--json").output)
    assert isinstance(document, list)
    return document


def names(document: dict[str, Any]) -> list[str]:
    return [hit["name"] for hit in document["hits"]]


def test_half_a_name_finds_it_with_facets_and_highlights(loaded: Program) -> None:
    found = loaded.json("search", "lanternk", "--facet", "doc_type", "--highlight")
    assert found["total"] == len(found["hits"]) > 5
    assert "lanternkeeper_example" in names(found)
    assert {"id", "type", "name", "score", "highlights"} <= found["hits"][0].keys()
    assert sum(bucket["count"] for bucket in found["facets"]["doc_type"]) == found["total"]
    pieces = [piece for hit in found["hits"] for listed in hit["highlights"].values() for piece in listed]
    assert any("<mark>" in piece for piece in pieces)


def test_types_times_and_fields_narrow_it(loaded: Program) -> None:
    domains = loaded.json("search", "lantern", "--type", "domain")
    assert {hit["type"] for hit in domains["hits"]} == {"domain"}
    attacks = loaded.json("search", "source_ip:198.51.100.0/24", "--index", "attacks", "--stats", "event_count")
    assert attacks["total"] == attacks["stats"]["event_count"]["count"] > 10
    later = loaded.json("search", "", "--index", "attacks", "--from", "2025-03-10", "--histogram", "hour")
    everything = loaded.json("search", "", "--index", "attacks")
    assert 0 < later["total"] < everything["total"]
    assert sum(bucket["count"] for bucket in later["histogram"]) == later["total"]


def test_pages_follow_each_other_without_gap_or_repeat(loaded: Program) -> None:
    seen, cursor = [], None
    while True:
        page = loaded.json("search", "example", "--limit", "7", *(["--cursor", cursor] if cursor else []))
        seen += [hit["id"] for hit in page["hits"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == page["total"]


def test_names_are_completed(loaded: Program) -> None:
    found = loaded.json("suggest", "dl.lant")["suggestions"]
    assert found[0]["text"] == "dl.lantern-harbour.example"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["search", "(" * 500], 4),
        (["search", "word " * 500], 4),
        (["search", "x", "--facet", "no_such_field"], 4),
        (["search", "x", "--near", "north pole"], 2),
        (["search", "x", "--from", "yesterday"], 2),
        (["search", "x", "--index", "nowhere"], 2),
        (["search", "x", "--cursor", "made-up"], 4),
        (["projection", "verify", "nowhere"], 5),
    ],
)
def test_what_cannot_be_asked_is_told(loaded: Program, arguments: list[str], code: int) -> None:
    result = loaded.run(*arguments, expect=code)
    assert result.output == ""
    assert "Traceback" not in result.errors


def test_another_organization_finds_nothing_of_it(loaded: Program) -> None:
    loaded.run("org", "new", "elsewhere", expect=None)
    assert loaded.json("search", "lantern", "--org", "elsewhere")["total"] == 0
    assert loaded.json("search", "lantern OR (example) -nothing", "--org", "elsewhere")["total"] == 0


def test_the_view_is_proved_equal_and_can_be_made_anew(loaded: Program) -> None:
    (status,) = [each for each in listed(loaded, "projection", "status") if each["projection"] == "search"]
    assert {"adapter", "position", "lag_seconds", "rows", "errors", "set_aside"} <= status.keys()
    (verified,) = listed(loaded, "projection", "verify", "search")
    assert verified["record_rows"] == verified["view_rows"] == status["rows"] > 300
    assert (verified["missing"], verified["extra"], verified["different"]) == (0, 0, 0)
    drilled = loaded.json("projection", "drill", "search")
    assert drilled["equal"] is True
    assert drilled["rebuilt_rows"] == verified["view_rows"]


def test_after_a_killed_load_search_shows_what_the_record_holds(prepared: Program) -> None:
    write_log(prepared.base / "cowrie.json")
    loading = prepared.start("ingest", "cowrie.json", CLEW_BATCH_BYTES=SMALL_BATCHES)
    wait_until(lambda: is_loading(prepared), "the load to begin")
    loading.send_signal(signal.SIGKILL)
    loading.communicate(timeout=PATIENCE_SECONDS)
    prepared.json("search", "", "--index", "attacks", "--limit", "0")
    (verified,) = listed(prepared, "projection", "verify", "search")
    assert (verified["missing"], verified["extra"], verified["different"]) == (0, 0, 0)
    prepared.run("ingest", "cowrie.json")
    assert prepared.json("search", "", "--index", "attacks", "--limit", "0")["total"] == LINES


def test_search_can_be_switched_off(prepared: Program) -> None:
    write_log(prepared.base / "cowrie.json", FEW_LINES)
    prepared.run("ingest", "cowrie.json", CLEW_SEARCH="none")
    assert not (prepared.data_dir / "search").exists()
    assert "CLEW_SEARCH" in prepared.error("search", "x", expect=3, CLEW_SEARCH="none")["where"]
    assert prepared.json("search", "", "--index", "attacks", "--limit", "0")["total"] == FEW_LINES
    prepared.run("case", "new", "Made while it was off", CLEW_SEARCH="none")
    assert names(prepared.json("search", "off")) == ["Made while it was off"]


def test_what_was_looked_for_is_told_before_it_is_shown(loaded: Program) -> None:
    loaded.run("search", "lanternk", "--limit", "3")
    loaded.run("suggest", "lantern")
    loaded.run("path", "lanternkeeper_example", "lanternkeeper_example")
    waiting = sorted((loaded.base / "data" / "audit" / "reads").glob("*.reads"))
    found = loaded.json("audit", "search", "--action", "read", "--limit", "50")["events"]
    told = {each["event_type"]: each for each in reversed(found)}  # of each kind the newest, which comes first
    assert told["search"]["request_data"]["text"] in {"lanternk", ""}
    assert next(each for each in found if each["event_type"] == "search")["request_data"]["text"] == "lanternk"
    assert told["suggest"]["request_data"]["prefix"] == "lantern"
    assert told["search"]["user_name"].startswith("operator@")
    assert told["path_read"]["request_data"]["found"] is True
    assert waiting
    assert not any(path.exists() for path in waiting)
    assert loaded.json("audit", "verify")["ok"] is True


def test_nothing_is_shown_that_cannot_be_told(loaded: Program) -> None:
    reads = loaded.base / "data" / "audit" / "reads"
    aside = reads.with_name("aside")
    reads.rename(aside)
    reads.write_text("no directory")
    try:
        error = loaded.error("search", "lanternk", expect=3)
        assert error["code"] == "configuration"
    finally:
        reads.unlink()
        aside.rename(reads)
