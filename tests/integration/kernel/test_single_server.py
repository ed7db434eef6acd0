"""Only one server works on a record, and a dead one stands in nobody's way."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from clew.kernel.database import Database
from clew.kernel.errors import ConflictError
from clew.kernel.settings import Settings
from clew.kernel.single_server import SingleServer
from tests.support.embedded import wait_until
from tests.support.record import empty_database

_CHILD = """
import sys
from clew.kernel.database import Database
from clew.kernel.settings import load_settings
from clew.kernel.single_server import SingleServer
with Database(load_settings()) as database, SingleServer(database):
    print("serving", flush=True)
    sys.stdin.read()
"""


def _end_connections(database: Database) -> None:
    with database.admin_engine().connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )


def test_a_second_server_is_refused_until_the_first_has_ended() -> None:
    with empty_database() as database:
        with SingleServer(database) as first:
            first.confirm()
            with pytest.raises(ConflictError, match="another server") as refused, SingleServer(database):
                pass
            assert "Redis" in str(refused.value)
        with SingleServer(database):
            pass


def test_a_lost_lock_is_taken_again_or_told() -> None:
    with empty_database() as database, SingleServer(database) as first:
        _end_connections(database)
        first.confirm()
        with pytest.raises(ConflictError), SingleServer(database):
            pass
        _end_connections(database)
        with SingleServer(database), pytest.raises(ConflictError):
            first.confirm()
        first.confirm()


def test_a_server_that_was_killed_leaves_nothing_behind() -> None:
    with empty_database() as database:
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(database.settings),
        )
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "serving\n"
            with pytest.raises(ConflictError), SingleServer(database):
                pass
            child.send_signal(signal.SIGKILL)
            child.wait(timeout=30)
        finally:
            child.kill()
            child.communicate()
        wait_until(lambda: _may_serve(database), "the lock of the dead server to be free")


def _may_serve(database: Database) -> bool:
    try:
        with SingleServer(database) as following:
            following.confirm()
    except ConflictError:
        return False
    return True


def _environment(settings: Settings) -> dict[str, str]:
    url = settings.database_url
    return os.environ | {
        "CLEW_DATA_DIR": str(settings.data_dir),
        "CLEW_EMBEDDED_FALLBACK_DIR": str(settings.embedded_fallback_dir),
        "CLEW_DATABASE_URL": url.get_secret_value() if url else "",
    }


class Marked:
    """A Redis that tells which it is."""

    def __init__(self, mark: int | None) -> None:
        self.mark = mark

    def tell(self, *, alone: bool) -> int | None:
        if alone and self.mark is None:
            self.mark = 7
        return self.mark


def shared(database: Database, mark: int | None) -> SingleServer:
    return SingleServer(database, shared=True, mark=Marked(mark))


def test_servers_with_several_redis_are_refused_beside_each_other() -> None:
    with empty_database() as database:
        with shared(database, 5) as first, shared(database, 5) as second:
            assert first.mark == second.mark == 5
            with pytest.raises(ConflictError, match="names another Redis"), shared(database, 6):
                pass
            first.confirm()
            _end_connections(database)
            first.confirm()  # both lost the lock; it is still said which Redis this one has
            with pytest.raises(ConflictError, match="names another Redis"), shared(database, 6):
                pass
        with shared(database, 6):  # nobody is left who names another
            pass


def test_a_redis_without_a_mark_gets_one_from_who_is_alone_and_others_wait_for_it() -> None:
    with empty_database() as database, shared(database, None) as first:
        assert first.mark == 7
        redis = Marked(None)
        written = threading.Timer(0.5, setattr, (redis, "mark", 7))
        written.start()
        with SingleServer(database, shared=True, mark=redis) as second:
            assert second.mark == 7
        written.join()
