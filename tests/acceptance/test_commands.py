"""Every command does its work, and with --json prints one document that a program can rely on."""

from clew import __version__
from tests.support.program import Program

CARD_KEYS = {
    "id",
    "type",
    "name",
    "normalized_name",
    "properties",
    "confidence",
    "first_seen",
    "last_seen",
    "sources",
    "neighbours",
}
REPORT_KEYS = {
    "read",
    "new",
    "merged",
    "duplicate",
    "rejected",
    "by_source",
    "by_reason",
    "warnings",
    "entities",
    "relationships",
    "events",
    "seconds",
}


def test_version_needs_no_record(program: Program) -> None:
    assert program.run("--version").output == f"clew {__version__}\n"
    assert program.json("version") == {"version": __version__}
    assert not program.data_dir.exists()


def test_init_says_where_everything_is_and_may_be_run_again(loaded: Program) -> None:
    document = loaded.json("init")
    assert document["data_dir"] == str(loaded.data_dir)
    assert document["schema"] == document["schema_before"]
    assert document["organization"]["slug"] == "default"
    assert document["embedded"] is loaded.is_embedded


def test_show_tells_values_sources_and_neighbours(loaded: Program) -> None:
    card = loaded.json("show", "203[.]0.113.77")
    assert card.keys() >= CARD_KEYS
    assert (card["type"], card["name"]) == ("ip_address", "203.0.113.77")
    assert {"source", "item_id", "file", "line", "confidence"} <= card["sources"][0].keys()
    assert {"id", "type", "name", "relationship_type"} <= card["neighbours"][0].keys()
    by_id = loaded.json("--json", "show", card["id"], "--type", "ip_address")
    assert by_id["sources"] == card["sources"]


def test_path_tells_entities_and_relationships(loaded: Program) -> None:
    way = loaded.json("path", "lanternkeeper_example", "198.51.100.21")
    assert way["found"]
    assert way["length"] == len(way["relationships"]) == len(way["nodes"]) - 1
    ends = [node["name"] for node in (way["nodes"][0], way["nodes"][-1])]
    assert ends == ["lanternkeeper_example", "198.51.100.21"]


def test_no_path_within_the_length_is_an_answer(loaded: Program) -> None:
    way = loaded.json("path", "lanternkeeper_example", "198.51.100.21", "--max-length", "2")
    assert way["found"] is False
    assert (way["length"], way["nodes"], way["relationships"]) == (None, [], [])


def test_cases(loaded: Program) -> None:
    opened = loaded.json("case", "new", "Second thread", "--type", "infrastructure", "--priority", "high")
    target = loaded.json("case", "add-target", "Second thread", "203.0.113.77")
    assert (target["type"], target["found"], target["added"]) == ("ip_address", True, True)
    overview = loaded.json("case", "show", opened["id"])
    assert [each["value"] for each in overview["targets"]] == ["203.0.113.77"]
    names = [case["name"] for case in loaded.json("case", "list")["cases"]]
    assert names == ["Second thread", "Harbour Lantern"]


def test_quarantine(loaded: Program) -> None:
    held = loaded.json("quarantine", "list", "--reason", "invalid_json")["held"]
    assert [each["line"] for each in held] == [5, 6]
    shown = loaded.json("quarantine", "show", held[0]["id"])
    assert shown["content"].startswith("{")
    report = loaded.json("quarantine", "retry", held[0]["id"])
    assert (report["tried"], report["recovered"], report["rejected"]) == (1, 0, 1)


def test_a_dropped_record_is_held_no_more(loaded: Program) -> None:
    loaded.run("org", "new", "dropping")
    folder = loaded.base / "dropping"
    folder.mkdir()
    (folder / "cowrie.json").write_text(
        '{"eventid":"cowrie.session.connect","session":"aa","timestamp":"2025-03-10T01:02:03.000000Z",'
        '"src_ip":"192.0.2.9","src_port":4242,"dst_ip":"10.77.0.1","dst_port":2222,"protocol":"ssh","sensor":"s"}\n'
        '{"eventid":"cowrie.session.cl\n'
    )
    report = loaded.json("--org", "dropping", "ingest", folder)
    assert report.keys() >= REPORT_KEYS
    assert (report["read"], report["new"], report["rejected"]) == (2, 1, 1)
    held = loaded.json("quarantine", "list", "--org", "dropping")["held"]
    assert loaded.json("quarantine", "drop", held[0]["id"], "--org", "dropping") == {"dropped": 1}
    assert loaded.json("quarantine", "list", CLEW_ORG="dropping")["held"] == []


def test_organizations_see_nothing_of_each_other(loaded: Program) -> None:
    made = loaded.json("org", "new", "harbour-watch", "--name", "Harbour Watch")
    assert made["name"] == "Harbour Watch"
    assert "harbour-watch" in [each["slug"] for each in loaded.json("org", "list")["organizations"]]
    error = loaded.error("show", "203.0.113.77", "--org", "harbour-watch", expect=5)
    assert error["code"] == "not_found"


def test_database_status_and_upgrade(loaded: Program) -> None:
    status = loaded.json("db", "status")
    assert status["running"]
    upgraded = loaded.json("db", "upgrade")
    assert upgraded["from"] == upgraded["to"]


def test_doctor_finds_everything_well(loaded: Program) -> None:
    document = loaded.json("doctor")
    findings = {finding["name"]: finding for finding in document["findings"]}
    assert document["healthy"]
    assert {"clew", "python", "settings", "data directory", "database", "schema", "partitions"} <= findings.keys()
    assert findings["row-level security"]["status"] == "ok"
    assert findings["quarantine"]["status"] == "warn"
    assert findings["quarantine"]["remedy"]
