"""What someone sees who tries the sample case."""

import re

from tests.support.program import Program, Result

ACCOUNTING = re.compile(
    r"^([\d,]+) read = ([\d,]+) new \+ ([\d,]+) merged \+ ([\d,]+) duplicate \+ ([\d,]+) rejected$", re.MULTILINE
)


def test_the_first_demo_accounts_for_every_record(first_demo: tuple[Program, Result]) -> None:
    found = ACCOUNTING.search(first_demo[1].output)
    assert found is not None
    read, new, merged, duplicate, rejected = (int(number.replace(",", "")) for number in found.groups())
    assert read == new + merged + duplicate + rejected == 587  # the sum of the table in the sample's README
    assert new > 500
    assert rejected == 3


def test_the_demo_shows_what_was_rejected_where_facts_are_from_and_how_things_hang_together(
    first_demo: tuple[Program, Result],
) -> None:
    output = first_demo[1].output
    assert re.search(r"cowrie +invalid_json .*damaged/cowrie\.json +5$", output, re.MULTILINE)
    assert re.search(r"subfinder +\S*lantern-harbour\.example\.json +\d+ +0\.80", output)
    way = output[output.index("How a handle and an attacker hang together") :]
    assert way.index("lanternkeeper_example  (username)") < way.index("198.51.100.21  (ip_address)")
    assert "What the honeypots saw" in output
    assert "Try next" in output


def test_the_demo_again_adds_nothing(loaded: Program) -> None:
    document = loaded.json("demo")
    load = document["load"]
    assert load["read"] == load["duplicate"] + load["rejected"] == 587
    assert load["entities"] == load["relationships"] == load["events"] == 0
    assert len(document["quarantine"]) == 3
    assert document["path"]["found"]
    assert document["card"]["name"] == "203.0.113.77"
    assert document["honeypots"]["sessions"] > 100


def test_the_demo_belongs_to_its_case(loaded: Program) -> None:
    overview = loaded.json("case", "show", "Harbour Lantern")
    assert overview["file_count"] == 18
    assert sum(file["records"] for file in overview["files"]) == 587
