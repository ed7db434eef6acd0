"""Backups and what is made of them: any second again, whole or not at all, beside whatever goes on."""

import contextlib
import hashlib
import json
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clew.domains.backups.service import take
from clew.kernel.database import Database
from clew.kernel.settings import Settings
from tests.acceptance.test_interruption import write_log
from tests.support.embedded import temporary_base, wait_until
from tests.support.program import SET_UP_BEFORE, Program, fresh_program

pytestmark = [pytest.mark.same_everywhere, pytest.mark.slow]

# What a restore itself changes: it begins an epoch, makes views, ends sessions, and tells of that.
RENEWED = {"changes", "feed_epochs", "projections", "projection_failures", "sessions", "refresh_tokens", "jobs"}


@pytest.fixture(scope="module")
def archived() -> Iterator[Program]:
    """The program with the log archived, a backup, and a first load; nobody uses it between two commands."""
    with fresh_program() as fresh:
        SET_UP_BEFORE.copy_to(fresh.base)
        program = replace(fresh, environment=fresh.environment | {"CLEW_BACKUP_DIR": str(fresh.base / "backups")})
        program.run("init")
        program.run("backup")
        write_log(program.base / "first.json", 300)
        program.run("ingest", "first.json", "--case", "Harbour")
        yield program


def settings_of(program: Program, data_dir: Path | None = None) -> Settings:
    return Settings(
        data_dir=data_dir or program.data_dir,
        embedded_fallback_dir=program.base / "fallback",
        embedded_shared_buffers_mb=16,
        backup_dir=Path(program.environment["CLEW_BACKUP_DIR"]),
    )


def digest(program: Program, data_dir: Path | None = None) -> dict[str, str]:
    """A digest of all rows of each table that a restore must give back as it was."""
    with Database(settings_of(program, data_dir)) as database, database.admin_engine().connect() as connection:
        tables = connection.scalars(
            sa.text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
                " AND NOT relispartition ORDER BY relname"
            )
        ).all()
        return {
            table: hashlib.sha256(
                "\n".join(connection.scalars(sa.text(f'SELECT t::text FROM "{table}" AS t ORDER BY 1'))).encode()
            ).hexdigest()
            for table in tables
            if table not in RENEWED
        }


def now() -> str:
    """This second, with nothing else happening within it."""
    time.sleep(0.05)
    moment = datetime.now(UTC).isoformat()
    time.sleep(0.05)
    return moment


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_a_second_in_the_past_is_restored_and_the_record_before_is_kept(archived: Program) -> None:
    then, copy_of_then = now(), digest(archived)
    write_log(archived.base / "later.json", 700)
    archived.run("ingest", "later.json", "--case", "Later")
    later = digest(archived)
    assert later != copy_of_then

    restored = archived.json("restore", "--at", then, "--replace")
    assert digest(archived) == copy_of_then
    assert digest(archived, Path(restored["replaced"])) == later
    assert archived.run("audit", "verify", "--json").document["ok"]
    (view,) = json.loads(archived.run("projection", "verify", "search", "--json").output)
    assert (view["missing"], view["extra"], view["different"]) == (0, 0, 0)
    assert view["record_rows"] > 0
    # What is written from now on is of another history, to which the backup that restore made leads.
    archived.run("ingest", "later.json", "--case", "Again")
    again, at_again = digest(archived), now()
    archived.run("ingest", "first.json", "--case", "Once more")
    archived.run("restore", "--at", at_again, "--replace")
    assert digest(archived) == again


def test_what_was_open_then_is_neither_done_twice_nor_let_in_again(archived: Program) -> None:
    with Database(settings_of(archived)) as database, database.admin_engine().begin() as connection:
        organization = connection.scalar(sa.text("SELECT id FROM organizations WHERE slug = 'default'"))
        user = connection.scalar(sa.text("SELECT id FROM users WHERE organization_id = :o"), {"o": organization})
        asked = {"o": organization, "u": user}
        connection.execute(sa.text("INSERT INTO jobs (organization_id, kind) VALUES (:o, 'ingest')"), asked)
        connection.execute(
            sa.text(
                "INSERT INTO sessions (organization_id, id, user_id, username, role, expires_at, token_hash)"
                " VALUES (:o, gen_random_uuid(), :u, 'someone', 'analyst', now() + interval '1 day', 'not one')"
            ),
            asked,
        )
    then = now()
    archived.run("ingest", "first.json", "--case", "Since")
    restored = archived.json("restore", "--at", then, "--replace")
    assert (restored["sessions_ended"], restored["jobs_held"]) == (1, 1)
    (job,) = archived.json("jobs", "list")["jobs"]
    assert (job["status"], job["error"]["code"]) == ("failed", "record_restored")
    assert archived.json("jobs", "retry", job["id"])["status"] == "pending"


def test_a_rehearsal_proves_a_restore_beside_the_record_in_use_and_leaves_nothing(archived: Program) -> None:
    archived.run("db", "start")
    try:
        before, beside = digest(archived), names(archived.base)
        tried = archived.json("restore", "--rehearse")
        assert tried["ok"]
        assert tried["audit_ok"]
        assert tried["views_equal"].keys() >= {"search", "graph", "series"}
        assert all(tried["views_equal"].values())
        for table, rows in tried["rows"].items():
            assert rows["restored"] == rows["present"], table
        assert tried["rows"]["attack_sessions"]["restored"] > 0
        assert (digest(archived), names(archived.base)) == (before, beside)
    finally:
        archived.run("db", "stop")


def test_a_record_is_replaced_only_if_that_is_asked_for_and_nobody_uses_it(archived: Program) -> None:
    error = archived.error("restore", expect=6)
    assert "--replace" in error["remedy"]
    using = archived.start("projection", "follow")
    try:
        wait_until((archived.data_dir / "run" / "lease").exists, "the follower to begin")
        wait_until(lambda: "in use by process" in refusal(archived), "the record to be in use")
    finally:
        using.send_signal(signal.SIGTERM)
        using.communicate()


def refusal(program: Program) -> str:
    result = program.run("restore", "--replace", "--at", "2000-01-01", "--json", expect=None)
    return str(result.error["message"])


def test_a_second_that_no_backup_leads_to_is_refused(archived: Program) -> None:
    elsewhere = archived.base / "empty"
    early = archived.error("restore", "--at", "2020-01-01", "--data-dir", elsewhere, expect=5)
    assert "no backup is that old" in early["message"]
    late = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    error = archived.error("restore", "--at", late, "--data-dir", elsewhere, expect=4)
    assert "does not lead to that second" in error["message"]
    assert not elsewhere.exists()
    assert not [name for name in names(archived.base) if "restoring" in name]


def test_a_backup_without_the_log_leads_to_its_own_end_only(archived: Program) -> None:
    with temporary_base() as base:
        single = archived.json("backup", base / "single")
        assert not single["with_log"]
        late = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
        error = archived.error("restore", base / "single", "--at", late, "--data-dir", base / "new", expect=4)
        assert "CLEW_BACKUP_DIR" in error["remedy"]
        whole = digest(archived)
        archived.run("restore", base / "single", "--data-dir", base / "new", CLEW_BACKUP_DIR="")
        assert digest(archived, base / "new") == whole


def test_a_damaged_backup_is_refused_by_the_name_of_what_is_damaged(archived: Program) -> None:
    with temporary_base() as base:
        made = Path(archived.json("backup", base / "backups")["path"])
        manifest = json.loads((made / "postgres" / "backup_manifest").read_text())
        name = max(manifest["Files"], key=lambda entry: entry["Size"])["Path"]
        with (made / "postgres" / name).open("r+b") as file:
            file.seek(5_000)
            file.write(b"\xff\x00")
        error = archived.error("restore", base / "backups", "--data-dir", base / "new", expect=4)
        assert name in error["message"]
        assert names(base) == {"backups"}


def test_a_killed_restore_leaves_the_record_as_it_was(archived: Program) -> None:
    before = digest(archived)
    killed = archived.start("restore", "--replace")

    def halfway() -> bool:
        workspaces = [archived.base / name for name in names(archived.base) if name.startswith(".data-restoring-")]
        return any((place / "postgres" / "PG_VERSION").exists() for place in workspaces)

    wait_until(halfway, "the restore to be at work")
    killed.kill()
    killed.communicate()
    assert digest(archived) == before
    with contextlib.suppress(FileNotFoundError):
        archived.json("restore", "--rehearse")
    assert not [name for name in names(archived.base) if "restoring" in name]


def test_a_killed_backup_does_not_count(archived: Program) -> None:
    place = archived.base / "backups" / "base"
    killed = archived.start("backup")
    wait_until(lambda: any(place.glob(".unfinished-*/postgres")), "the copy to begin")
    killed.kill()
    killed.communicate()
    before = [each["name"] for each in json.loads(archived.run("backup", "--list", "--json").output)]
    made = archived.json("backup")
    after = [each["name"] for each in json.loads(archived.run("backup", "--list", "--json").output)]
    assert after == [*before, made["name"]]
    assert not list(place.glob(".unfinished-*"))


def test_doctor_tells_how_old_the_newest_backup_is_and_whether_the_log_is_archived(archived: Program) -> None:
    def told() -> dict[str, str]:
        found = json.loads(archived.run("doctor", "--json", expect=None).output)
        return {
            each["name"]: each["status"] for each in found["findings"] if each["name"] in {"backups", "archived log"}
        }

    archived.json("backup")
    assert told() == {"backups": "ok", "archived log": "ok"}
    log, away = archived.base / "backups" / "wal", archived.base / "wal-gone"
    archived.run("db", "start")
    log.rename(away)
    log.touch()  # nothing can be put there now
    try:
        with Database(settings_of(archived)) as database, database.admin_engine().connect() as connection:
            connection.execute(sa.text("SELECT pg_logical_emit_message(false, 'test', 'x'), pg_switch_wal()"))
        wait_until(lambda: told()["archived log"] == "fail", "the failure to be told")
    finally:
        log.unlink()
        away.rename(log)
        archived.run("db", "stop")


def test_what_leads_to_no_wanted_second_goes_with_its_log_and_the_rest_still_restores(archived: Program) -> None:
    log = archived.base / "backups" / "wal"
    oldest = min(names(log))
    with Database(settings_of(archived)) as database:
        taken = take(database, archived.base / "backups", clock=lambda: datetime.now(UTC) + timedelta(days=40))
    assert taken.removed
    listed = [each["name"] for each in json.loads(archived.run("backup", "--list", "--json").output)]
    assert listed == [taken.backup.name]
    assert names(archived.base / "backups" / "base") == set(listed)
    assert oldest not in names(log)
    assert archived.json("restore", "--rehearse")["ok"]


def test_backups_within_the_data_directory_are_refused(archived: Program) -> None:
    error = archived.error("backup", archived.data_dir / "backups", expect=4)
    assert "within the data directory" in error["message"]
