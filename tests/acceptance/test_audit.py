"""The audit trail as a user meets it: proved, copied for somebody else, and searched."""

from tests.support.program import Program


def test_what_was_done_is_proved_copied_and_found(prepared: Program) -> None:
    prepared.run("case", "new", "Harbour Lantern")
    prepared.run("case", "add-target", "Harbour Lantern", "203.0.113.9")
    prepared.run("case", "show", "Harbour Lantern")
    verified = prepared.json("audit", "verify")
    assert {"organizations", "rows", "unsealed", "ok", "first_bad"} <= verified.keys()
    assert (verified["organizations"], verified["unsealed"], verified["ok"], verified["first_bad"]) == (
        1,
        0,
        True,
        None,
    )
    assert verified["rows"] >= 4

    found = prepared.json("audit", "search", "--resource", "target")["events"]
    assert [(each["event_type"], each["resource_name"]) for each in found] == [("target_added", "203.0.113.9")]
    reads = prepared.json("audit", "search", "--action", "read")["events"]
    assert [(each["event_type"], each["resource_name"]) for each in reads] == [
        ("audit_search", None),  # who looks into the trail is told in it
        ("investigation_read", "Harbour Lantern"),
    ]
    page = prepared.json("audit", "search", "--limit", "1")
    following = prepared.json("audit", "search", "--limit", "1", "--cursor", page["cursor"])
    assert page["events"] != following["events"]
    assert prepared.error("audit", "search", "--action", "steal", expect=4)["code"] == "input"

    prepared.json("audit", "search", "--installation")
    own = prepared.json("audit", "search", "--installation")["events"]
    assert [each["event_type"] for each in own] == ["audit_search"], "what is of no organization has a trail of its own"
    assert (prepared.json("audit", "verify")["organizations"], prepared.json("audit", "verify")["ok"]) == (2, True)

    exported = prepared.json("audit", "export", "trail.ndjson")
    checked = prepared.json("audit", "verify", "--export", "trail.ndjson", "--public-key", exported["public_key"])
    assert (checked["ok"], checked["rows"]) == (True, exported["rows"])
    file = prepared.base / "trail.ndjson"
    file.write_bytes(file.read_bytes().replace(b"203.0.113.9", b"203.0.113.8"))
    error = prepared.run("audit", "verify", "--export", "trail.ndjson", "--json", expect=13)
    assert error.document["first_bad"]["problem"] == "edited"
    assert error.error["code"] == "audit_chain_broken"


def test_a_checkpoint_file_that_was_taken_away_is_told(prepared: Program) -> None:
    for name in ("one", "two"):
        prepared.run("case", "new", name)
    (prepared.data_dir / "audit" / "checkpoints.ndjson").unlink()
    result = prepared.run("audit", "verify", "--json", expect=13)
    assert result.document["first_bad"]["problem"] == "checkpoint_file"
    assert "checkpoint" in prepared.run("audit", "verify", expect=13).errors
