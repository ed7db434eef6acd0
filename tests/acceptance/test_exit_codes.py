"""A command that fails says what was wrong and what to do, and ends with a code that says which kind it was."""

import os
import socket
from pathlib import Path

import pytest

from tests.support.program import Program

pytestmark = pytest.mark.same_everywhere

SAMPLE_LINE = (
    '{"eventid":"cowrie.session.connect","session":"bb","timestamp":"2025-03-10T01:02:03.000000Z",'
    '"src_ip":"192.0.2.10","src_port":4242,"dst_ip":"10.77.0.1","dst_port":2222,"protocol":"ssh","sensor":"s"}\n'
)


def test_a_mistyped_command_is_a_usage_error(program: Program) -> None:
    error = program.error("inget", expect=2)
    assert error["code"] == "usage"
    assert "ingest" in error["message"]
    assert program.run("ingest", "x", "--timezone", "Mars/Olympus", expect=2).errors.count("Mars/Olympus") == 1
    assert not program.data_dir.exists()


def test_a_bad_setting_is_named(program: Program) -> None:
    error = program.error("org", "list", expect=3, CLEW_POOL_SIZE="many")
    assert error["code"] == "configuration"
    assert error["where"] == "CLEW_POOL_SIZE"
    findings = program.run("doctor", "--json", expect=1, CLEW_POOL_SIZE="many").document["findings"]
    assert [finding["name"] for finding in findings if finding["status"] == "fail"] == ["settings"]


def test_what_can_be_loaded_is_loaded_before_a_missing_path_is_reported(loaded: Program) -> None:
    (loaded.base / "good.json").write_text(SAMPLE_LINE)
    result = loaded.run("ingest", "good.json", "missing.json", "--json", expect=4)
    assert result.document["read"] == 1
    assert result.error["where"] == "missing.json"


def test_a_file_that_nothing_recognises_is_an_error_after_the_others(loaded: Program) -> None:
    (loaded.base / "good.json").write_text(SAMPLE_LINE)
    (loaded.base / "notes.txt").write_bytes(bytes(range(256)) * 4)
    result = loaded.run("ingest", "notes.txt", "good.json", "--json", expect=4)
    assert result.document["read"] == 1
    assert [file["status"] for file in result.document["files"]] == ["unrecognised", "known"]
    assert result.error["where"] == "notes.txt"
    assert "--source" in result.error["remedy"]


def test_an_unknown_value_suggests_a_known_one(loaded: Program) -> None:
    error = loaded.error("show", "lanternkeper_example", expect=5)
    assert "lanternkeeper_example" in error["remedy"]


def test_an_unknown_organization_names_those_there_are(loaded: Program) -> None:
    assert "default" in loaded.error("case", "list", "--org", "nobody", expect=5)["remedy"]


def test_a_name_that_is_taken_is_a_conflict(loaded: Program) -> None:
    assert loaded.error("org", "new", "default", expect=6)["code"] == "conflict"


def test_an_unreachable_database_is_told_without_its_password(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"postgresql://someone:hidden-word@127.0.0.1:{port}/record"
    result = program.run("case", "list", expect=7, CLEW_DATABASE_URL=url)
    assert f"127.0.0.1:{port}" in result.errors
    assert "hidden-word" not in result.errors
    doctor = program.run("doctor", expect=1, CLEW_DATABASE_URL=url)
    assert "hidden-word" not in doctor.output + doctor.errors


def test_a_reader_that_has_gone_is_no_drama(loaded: Program) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = loaded.start("show", "203.0.113.77", stdout=writer)
    os.close(writer)
    _, errors = process.communicate()
    assert (process.returncode, errors) == (141, "")


def test_a_defect_leaves_its_traceback_in_a_private_file(program: Program, tmp_path: Path) -> None:
    program.data_dir.mkdir(mode=0o700)
    (tmp_path / "sitecustomize.py").write_text(
        "import clew.cli.output\n"
        "def broken(*_: object, **__: object) -> None: raise ZeroDivisionError('by nothing')\n"
        "clew.cli.output.print_json = broken\n"
    )
    error = program.cold.error("version", expect=70, PYTHONPATH=str(tmp_path))
    assert error["code"] == "unexpected"
    kept = Path(error["where"])
    assert kept.is_relative_to(program.data_dir)
    assert kept.stat().st_mode & 0o077 == 0
    assert "ZeroDivisionError: by nothing" in kept.read_text()
    shown = program.cold.run("version", "--json", expect=70, PYTHONPATH=str(tmp_path), CLEW_DEBUG="1")
    assert "Traceback" in shown.errors
