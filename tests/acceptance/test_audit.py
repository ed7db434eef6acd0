"""The audit trail as a user meets it: proved, copied for somebody else, and searched."""

from tests.support.program import Program


def test_what_was_done_is_proved_copied_and_found(program: Program) -> None:
    program.run("init")
    if program.is_embedded:
        program.run("db", "start")  # as someone would who runs this many commands
    program.run("case", "new", "Harbour Lantern")
    program.run("case", "add-target", "Harbour Lantern", "203.0.113.9")
    program.run("case", "show", "Harbour Lantern")
    verified = program.json("audit", "verify")
    assert {"organizations", "rows", "unsealed", "ok", "first_bad"} <= verified.keys()
    assert (verified["organizations"], verified["unsealed"], verified["ok"], verified["first_bad"]) == (
        1,
        0,
        True,
        None,
    )
    assert verified["rows"] >= 4

    found = program.json("audit", "search", "--resource", "target")["events"]
    assert [(each["event_type"], each["resource_name"]) for each in found] == [("target_added", "203.0.113.9")]
    reads = program.json("audit", "search", "--action", "read")["events"]
    assert [(each["event_type"], each["resource_name"]) for each in reads] == [
        ("audit_search", None),  # who looks into the trail is told in it
        ("investigation_read", "Harbour Lantern"),
    ]
    page = program.json("audit", "search", "--limit", "1")
    following = program.json("audit", "search", "--limit", "1", "--cursor", page["cursor"])
    assert page["events"] != following["events"]
    assert program.error("audit", "search", "--action", "steal", expect=4)["code"] == "input"

    program.json("audit", "search", "--installation")
    own = program.json("audit", "search", "--installation")["events"]
    assert [each["event_type"] for each in own] == ["audit_search"], "what is of no organization has a trail of its own"
    assert (program.json("audit", "verify")["organizations"], program.json("audit", "verify")["ok"]) == (2, True)

    exported = program.json("audit", "export", "trail.ndjson")
    checked = program.json("audit", "verify", "--export", "trail.ndjson", "--public-key", exported["public_key"])
    assert (checked["ok"], checked["rows"]) == (True, exported["rows"])
    file = program.base / "trail.ndjson"
    file.write_bytes(file.read_bytes().replace(b"203.0.113.9", b"203.0.113.8"))
    error = program.run("audit", "verify", "--export", "trail.ndjson", "--json", expect=13)
    assert error.document["first_bad"]["problem"] == "edited"
    assert error.error["code"] == "audit_chain_broken"


def test_a_checkpoint_file_that_was_taken_away_is_told(program: Program) -> None:
    program.run("init")
    for name in ("one", "two"):
        program.run("case", "new", name)
    (program.data_dir / "audit" / "checkpoints.ndjson").unlink()
    result = program.run("audit", "verify", "--json", expect=13)
    assert result.document["first_bad"]["problem"] == "checkpoint_file"
    assert "checkpoint" in program.run("audit", "verify", expect=13).errors
