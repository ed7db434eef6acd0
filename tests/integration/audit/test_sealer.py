"""The sealer skips nothing, reorders nothing, and is harmless to kill."""

import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from clew.domains.audit.chain import decode
from clew.domains.audit.sealer import Sealer, seal_of_row
from clew.domains.audit.service import Act, record, seal_now
from clew.kernel.roles import RETENTION
from clew.kernel.settings import Settings
from tests.support.auditing import Trail
from tests.support.embedded import SOURCES, environment_with, wait_until

WRITERS = 50
KILLS = 8
SEALS = (
    "SELECT organization_id, number, sealed_at, rows, rows_before, entries, digest, seal, signature"
    " FROM audit.seals WHERE organization_id = :id ORDER BY number"
)
FOLLOW = """
import sys, threading
from clew.domains.audit.sealer import Sealer
from clew.kernel.database import Database
from clew.kernel.settings import Settings
settings = Settings.model_validate_json(sys.argv[1])
with Database(settings) as database, Sealer(database) as sealer:
    print("following", flush=True)
    sealer.follow(threading.Event(), idle_seconds=0.001)
"""


def sealed_ids(trail: Trail) -> list[int]:
    rows = trail.read(SEALS, id=trail.ours.id)
    return [entry.id for row in rows for entry in decode(seal_of_row(tuple(row))[1])]


def test_a_transaction_that_commits_late_is_sealed_late(trail: Trail) -> None:
    trail.seal()
    with trail.database.transaction(trail.ours.context) as connection:
        record(connection, Act("late", "CREATE", "entity", resource_name="late"))
        connection.execute(text("SELECT"))  # with which it is written
        after = trail.act(trail.ours, "sooner")
        assert trail.seal() >= 1
        assert sealed_ids(trail)[-1:] == after
        assert trail.verify().ok
    assert trail.seal() == 1
    late = trail.row("late")
    assert late < after[0]
    assert sealed_ids(trail)[-2:] == [*after, late]
    assert trail.verify().ok


def test_rows_are_sealed_in_pieces_as_well(trail: Trail) -> None:
    before = sealed_ids(trail)
    with trail.database.transaction(trail.ours.context) as connection:
        record(connection, Act("late", "CREATE", "entity", resource_name="late-again"))
        connection.execute(text("SELECT"))
        rows = trail.act(trail.ours, *(f"piece-{number}" for number in range(23)))
        assert trail.seal(rows_at_once=5) == 23
    assert trail.seal(rows_at_once=5) == 1
    assert sealed_ids(trail) == [*before, *rows, trail.row("late-again")]
    verified = trail.verify()
    assert (verified.ok, verified.unsealed) == (True, 0)


def test_what_came_after_the_last_seal_is_counted(trail: Trail) -> None:
    trail.seal()
    trail.act(trail.ours, "not-yet", "nor-this")
    verified = trail.verify()
    assert (verified.ok, verified.unsealed) == (True, 2)
    assert trail.seal() == 2


def test_fifty_writers_at_once_keep_the_chain_whole(trail: Trail) -> None:
    before = set(sealed_ids(trail))
    stop = threading.Event()

    def write(writer: int) -> None:
        for number in range(6):
            trail.act(random.choice([trail.ours, trail.theirs]), f"w{writer}-{number}-a", f"w{writer}-{number}-b")

    with Sealer(trail.database) as sealer, ThreadPoolExecutor(1) as beside, ThreadPoolExecutor(WRITERS) as writers:
        following = beside.submit(sealer.follow, stop, idle_seconds=0.01)
        for done in [writers.submit(write, number) for number in range(WRITERS)]:
            done.result()
        stop.set()
        following.result()
        sealer.catch_up()
    verified = trail.verify()
    assert (verified.ok, verified.unsealed) == (True, 0)
    written = {int(row[0]) for row in trail.read("SELECT id FROM audit.events WHERE resource_name LIKE 'w%-%-%'")}
    assert len(written) == WRITERS * 6 * 2
    ids = sealed_ids(trail)
    assert len(ids) == len(set(ids)), "no row is sealed twice"
    assert {row for row in written if row in set(ids)} == set(ids) - before


def test_a_sealer_that_follows_seals_within_a_second(trail: Trail) -> None:
    stop = threading.Event()
    with Sealer(trail.database) as sealer, ThreadPoolExecutor(1) as beside:
        following = beside.submit(sealer.follow, stop)
        for number in range(5):
            began = time.monotonic()
            (row,) = trail.act(trail.ours, f"soon-{number}")
            wait_until(lambda row=row: row in sealed_ids(trail), "the row to be sealed")  # type: ignore[misc]
            assert time.monotonic() - began < 1.5  # a second, and the machine's own slowness
        stop.set()
        following.result()


def test_a_crash_between_commit_and_checkpoint_is_mended(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    trail.seal()
    trail.act(trail.ours, "crash")

    def dies(*_: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr("clew.domains.audit.checkpoints.CheckpointFile.append", dies)
        with pytest.raises(RuntimeError, match="killed"):
            trail.seal()
    assert trail.verify().first_bad is not None, "until a sealer runs again the file is behind"
    assert trail.seal() == 0
    assert trail.verify().ok
    with trail.file.path.open("ab") as file:
        file.write(b'{"organization": "half a li')
    trail.act(trail.ours, "torn")
    assert trail.seal() == 1
    assert trail.verify().ok


def follower(settings: Settings) -> subprocess.Popen[str]:
    url = settings.database_url.get_secret_value() if settings.database_url else None
    variables = {"CLEW_DATABASE_URL": url, "CLEW_DATA_DIR": str(settings.data_dir)} if url else {}
    process = subprocess.Popen(
        [sys.executable, "-c", FOLLOW, "{}" if url else settings.model_dump_json(exclude_defaults=True)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment_with(SOURCES) | variables,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "following\n"
    return process


@pytest.mark.slow
def test_a_sealer_killed_at_any_moment_does_no_harm(trail: Trail) -> None:
    for kill in range(KILLS):
        process = follower(trail.database.settings)
        try:
            for number in range(random.randrange(1, 25)):
                trail.act(trail.ours, f"kill-{kill}-{number}")
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
    # the lock of a killed one is gone when the server notices
    wait_until(lambda: seal_now(trail.database) is not None, "the lock to be free")
    verified = trail.verify()
    assert (verified.ok, verified.unsealed) == (True, 0)


def test_an_act_and_its_row_are_kept_together_or_not_at_all(trail: Trail) -> None:
    before = trail.read("SELECT count(*) FROM audit.events")

    def act_and_fail() -> None:
        with trail.database.transaction(trail.ours.context) as connection:
            record(connection, Act("undone", "CREATE", "entity", resource_name="undone"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act_and_fail()
    assert trail.read("SELECT count(*) FROM audit.events") == before


def test_expired_months_may_be_given_up_and_the_chain_still_holds(trail: Trail) -> None:
    drop = text("SELECT audit.drop_month('events', DATE '2020-03-01')")
    with trail.database.transaction(trail.ours.context) as connection:
        connection.execute(text("SELECT ensure_partitions('audit.events', ARRAY[DATE '2020-03-01'])"))
        old = Act("old", "READ", "entity", resource_name="old", at=datetime(2020, 3, 9, tzinfo=UTC))
        for _ in range(3):
            record(connection, old)
    with (
        pytest.raises(DBAPIError, match="not sealed yet"),
        trail.database.transaction(None, RETENTION) as connection,
    ):
        connection.execute(drop)
    trail.seal()
    trail.act(trail.ours, "later")
    trail.seal()
    with trail.database.transaction(None, RETENTION) as connection:
        assert connection.scalar(drop) == 3
    trail.seal()
    verified = trail.verify()
    assert (verified.ok, verified.expired) == (True, 3)
    with (
        pytest.raises(DBAPIError, match="has not expired"),
        trail.database.transaction(None, RETENTION) as connection,
    ):
        connection.execute(text("SELECT audit.drop_month('events', date_trunc('month', now())::date)"))


def test_a_transaction_open_elsewhere_does_not_keep_an_expired_month(trail: Trail) -> None:
    """Snapshots count the transactions of all databases of a server: none makes a sealed row an unsealed one."""
    with trail.database.transaction(trail.ours.context) as connection:
        connection.execute(text("SELECT ensure_partitions('audit.events', ARRAY[DATE '2019-07-01'])"))
    with trail.database.transaction(trail.theirs.context) as elsewhere:
        elsewhere.execute(text("SELECT pg_current_xact_id()"))
        with trail.database.transaction(trail.ours.context) as connection:
            record(connection, Act("old", "READ", "entity", resource_name="old", at=datetime(2019, 7, 9, tzinfo=UTC)))
        trail.seal()
        with trail.database.transaction(None, RETENTION) as connection:
            assert connection.scalar(text("SELECT audit.drop_month('events', DATE '2019-07-01')")) == 1
    trail.seal()
    assert trail.verify().ok


def test_the_file_is_for_nobody_else(trail: Trail) -> None:
    trail.seal()
    assert trail.file.path.stat().st_mode & 0o077 == 0
