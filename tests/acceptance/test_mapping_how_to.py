"""The how-to on mapping one's own table works as it is written, and a dry run leaves nothing behind."""

import json
import re

import pytest

from tests.acceptance.test_documentation import as_pattern, steps
from tests.support.program import Program
from tests.support.repository import ROOT

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "how-to" / "map-your-own-csv.md"
FILE = re.compile(r"^`([\w.-]+)`:\n\n```(?:csv|toml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def write_files(program: Program) -> None:
    files = FILE.findall(PAGE.read_text(encoding="utf-8"))
    assert {name for name, _ in files} == {"customers.csv", "customers.toml"}
    for name, content in files:
        (program.base / name).write_text(content, encoding="utf-8")


def test_the_page_works_as_written(prepared: Program) -> None:
    write_files(prepared)
    listed = steps(PAGE)
    assert [("--dry-run" in step.command) for step in listed] == [True, False]
    for step in listed:
        result = prepared.run(*step.command)
        assert re.fullmatch(as_pattern(step.printed), result.output), result.output
    again = prepared.json("ingest", "customers.csv", "--mapping", "customers.toml")
    assert again["files"][0]["status"] == "known"
    other = (prepared.base / "customers.toml").read_text().replace('"ASSOCIATED_WITH"', '"USES"')
    (prepared.base / "other.toml").write_text(other)
    assert prepared.json("ingest", "customers.csv", "--mapping", "other.toml")["files"][0]["status"] == "loaded"


def test_a_dry_run_writes_nothing_and_tells_programs_the_same(program: Program) -> None:
    write_files(program)
    document = program.json("ingest", "customers.csv", "--mapping", "customers.toml", "--dry-run")
    assert document["written"] is False
    rows = document["files"][0]["rows"]
    assert [row["line"] for row in rows] == [2, 3, 4]
    assert [link["type"] for link in rows[0]["links"]] == ["ASSOCIATED_WITH", "ASSOCIATED_WITH", "HAS_ACCOUNT"]
    assert rows[2]["rejected"]["reason"] == "invalid_timestamp"
    assert not program.data_dir.exists()


def test_mistakes_are_told_before_anything_is_set_up(program: Program) -> None:
    write_files(program)
    error = program.error("ingest", "customers.csv", "--dry-run", expect=2)
    assert "--mapping" in error["message"]
    missing = program.error("ingest", "customers.csv", "--mapping", "none.toml", expect=4)
    assert missing["where"] == "none.toml"
    text = (program.base / "customers.toml").read_text().replace('"email"', '"emial"')
    (program.base / "bad.toml").write_text(text)
    bad = program.error("ingest", "customers.csv", "--mapping", "bad.toml", expect=4)
    assert (bad["code"], bad["where"]) == ("mapping", "bad.toml, line 12")
    assert "'email'" in json.dumps(bad)
    assert not program.data_dir.exists()
