"""From nothing to a record and back: first use, versions of the schema, starting and stopping."""

from pathlib import Path

from pydantic import SecretStr

from clew.kernel.database import Database
from clew.kernel.settings import Settings
from tests.support.embedded import processes_about
from tests.support.program import Program

SAMPLE = "cowrie.json"
LINE = (
    '{"eventid":"cowrie.session.connect","session":"dd","timestamp":"2025-03-10T01:02:03.000000Z",'
    '"src_ip":"192.0.2.11","src_port":4242,"dst_ip":"10.77.0.1","dst_port":2222,"protocol":"ssh","sensor":"s"}\n'
)


def write_sample(program: Program) -> None:
    (program.base / SAMPLE).write_text(LINE)


def test_first_use_sets_the_embedded_record_up_and_a_users_server_wants_init(program: Program) -> None:
    write_sample(program)
    assert program.run("doctor", expect=None).code in (0, 1)
    if not program.is_embedded:
        error = program.error("ingest", SAMPLE, expect=3)
        assert "clew init" in error["remedy"]
        program.run("init")
    result = program.run("ingest", SAMPLE, "--json")
    assert result.document["new"] == 1
    assert program.run("ingest", SAMPLE, "--json").document["duplicate"] == 1
    if program.is_embedded:
        assert "setting up a new record" in result.errors
        assert processes_about(program.data_dir) == [], "the last command to end left the server running"


def test_a_newer_schema_is_refused_and_an_older_one_is_brought_up(program: Program) -> None:
    write_sample(program)
    program.run("init")
    program.run("ingest", SAMPLE)
    assert program.error("db", "downgrade", "0000", "--yes", expect=4)["code"] == "input"
    refused = program.run("db", "downgrade", "base", expect=130)
    assert "What that cannot hold is lost" in refused.errors
    assert program.json("db", "downgrade", "base", "--yes")["to"] is None
    assert program.json("db", "upgrade")["from"] is None
    assert program.error("show", "192.0.2.11", expect=5)["code"] == "not_found"


def test_a_schema_from_the_future_is_refused(program: Program) -> None:
    program.run("init")
    set_revision(program, "9999")
    error = program.error("case", "list", expect=8)
    assert error["code"] == "schema_version"
    assert "9999" in error["message"]
    document = program.run("doctor", "--json", expect=1).document
    assert not document["healthy"]
    assert [each["name"] for each in document["findings"] if each["status"] == "fail"] == ["schema"]


def test_a_pinned_server_stays_until_it_is_stopped(program: Program) -> None:
    if not program.is_embedded:
        assert program.error("db", "start", expect=3)["code"] == "configuration"
        return
    program.run("init")
    started = program.json("db", "start")
    status = program.json("db", "status")
    assert (status["running"], status["pinned"], status["pid"]) == (True, True, started["pid"])
    assert program.json("db", "stop")["stopped"] is True
    assert program.json("db", "stop")["stopped"] is False
    assert program.json("db", "status")["running"] is False


def set_revision(program: Program, revision: str) -> None:
    url = program.environment.get("CLEW_DATABASE_URL")
    settings = Settings(
        data_dir=program.data_dir,
        embedded_fallback_dir=Path(program.environment["CLEW_EMBEDDED_FALLBACK_DIR"]),
        embedded_shared_buffers_mb=16,
        database_url=SecretStr(url) if url else None,
    )
    with Database(settings) as database, database.admin_engine().begin() as connection:
        connection.exec_driver_sql("UPDATE schema_version SET version_num = %s", (revision,))
