"""`clew worker` as users start it: it does jobs by either runner, and gives back what it cannot finish."""

import json
import random
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydantic import SecretStr

from clew.cli import main
from clew.domains.jobs.service import NewJob, enqueue
from clew.kernel.cache.opening import mark_of
from clew.kernel.database import Database
from clew.kernel.errors import ConfigurationError, ConflictError, InputError
from clew.kernel.single_server import CLASS, SingleServer
from clew.worker.celery.beside import beside_servers
from tests.engines.redis import shared_redis
from tests.support.embedded import SOURCES, environment_with
from tests.support.jobs import await_status
from tests.support.record import migrated_database, new_organization

ON_CELERY = pytest.param("celery", marks=[pytest.mark.engines, pytest.mark.xdist_group("celery")])


@contextmanager
def started(
    database: Database, variables: dict[str, str], errors: int | None = None
) -> Iterator["subprocess.Popen[str]"]:
    settings = database.settings
    environment = environment_with(SOURCES) | {
        "CLEW_DATA_DIR": str(settings.data_dir),
        "CLEW_EMBEDDED_FALLBACK_DIR": str(settings.embedded_fallback_dir),
        "CLEW_SEARCH": "none",
        "CLEW_LOG_LEVEL": "warning",
        "CLEW_JOB_LOST_SECONDS": "10",
        **variables,
    }
    if settings.database_url:
        environment["CLEW_DATABASE_URL"] = settings.database_url.get_secret_value()
    start = "from clew.cli.main import main; main()"
    command = [sys.executable, "-P", "-c", start, "worker", "--workers", "1", "--json"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def working(database: Database, **variables: str) -> Iterator["subprocess.Popen[str]"]:
    with started(database, variables) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"ready": True}
        yield process


@pytest.mark.parametrize("runner", ["server", ON_CELERY])
def test_it_does_jobs_until_it_is_told_to_end(runner: str) -> None:
    variables = {"CLEW_JOB_RUNNER": runner}
    if runner == "celery":
        variables["CLEW_REDIS_URL"] = shared_redis().emptied(secrets.randbelow(15) + 1)
    with migrated_database() as database, working(database, **variables) as process:
        tenant = new_organization(database)
        for _ in range(2):
            with database.transaction(tenant.context) as connection:
                job = enqueue(connection, tenant.id, NewJob("analyze", {"depth": "standard"}, queue="analysis"))
            done = await_status(database, tenant, job.id, "completed")
            assert done.result is not None
            assert done.result["status"] == "completed"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def server(database: Database, redis: str) -> SingleServer:
    """What says that a server runs, with that Redis."""
    settings = database.settings.model_copy(update={"redis_url": SecretStr(redis)})
    return SingleServer(database, shared=True, mark=mark_of(settings))


@pytest.mark.engines
@pytest.mark.xdist_group("celery")
def test_a_worker_that_names_another_redis_is_refused_beside_servers_and_they_beside_it() -> None:
    redis, another = (shared_redis().emptied(number) for number in random.sample(range(1, 16), 2))
    with migrated_database() as database:
        with (
            server(database, redis),
            started(database, {"CLEW_JOB_RUNNER": "celery", "CLEW_REDIS_URL": another}, subprocess.PIPE) as process,
        ):
            told = process.communicate(timeout=120)
            assert process.returncode == ConflictError.exit_code, told
            assert "names another Redis" in "".join(told)
        with working(database, CLEW_JOB_RUNNER="celery", CLEW_REDIS_URL=redis) as process:
            with pytest.raises(ConflictError, match="names another Redis"), server(database, another):
                pass
            with server(database, redis):
                pass
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        with server(database, another):  # nobody is left who names the other one
            pass


_LOCKS = (
    f"FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = {CLASS}"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_SAID = f"SELECT count(*) {_LOCKS}"
_END_ALL_BUT = f"SELECT count(pg_terminate_backend(pid)) {_LOCKS} AND objid <> 6"


@pytest.mark.engines
@pytest.mark.xdist_group("celery")
def test_a_worker_beside_which_another_redis_is_named_later_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr("os.kill", lambda *_: ended.set())
    url = SecretStr(shared_redis().emptied(secrets.randbelow(15) + 1))

    def work(database: Database) -> None:
        with beside_servers(database, look_seconds=0.2):
            other.execute("SELECT pg_advisory_lock_shared(%s, 6)", (CLASS,))  # as who has another one says it
            with database.admin_engine().connect() as connection:
                connection.exec_driver_sql(_END_ALL_BUT)  # the worker's own is lost, as with a restart
            assert ended.wait(60)

    with migrated_database() as database, database.connect_raw() as other:
        database.settings = database.settings.model_copy(update={"redis_url": url})
        other.autocommit = True
        with pytest.raises(ConflictError, match="names another Redis"):
            work(database)


def test_a_worker_that_does_not_reach_redis_is_refused_and_says_nothing_to_others() -> None:
    with migrated_database() as database:
        away = database.settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
        database.settings = away
        with pytest.raises(ConfigurationError, match="cannot be reached"), beside_servers(database):
            pass
        with database.admin_engine().connect() as connection:
            assert connection.exec_driver_sql(_SAID).scalar_one() == 0


def test_celery_without_redis_and_unknown_queues_are_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main.run(["worker", "--queues", "nowhere"]) == InputError.exit_code
    assert "there is no queue 'nowhere'" in capsys.readouterr().err
    with migrated_database() as database:
        from clew.worker.celery.dispatcher import Dispatcher

        with pytest.raises(ConfigurationError, match="none is named"):
            Dispatcher(database)


UNUSED = """
import sys
import clew.api.server, clew.api.several, clew.cli.commands.worker, clew.worker.runner, clew.api.services
from clew.kernel.cache.opening import opened_cache
from clew.kernel.settings import load_settings
with opened_cache(load_settings()):
    pass
print(sorted(name for name in ("redis", "celery", "kombu", "billiard") if name in sys.modules))
"""


def test_nothing_of_redis_and_celery_is_loaded_where_none_is_named() -> None:
    found = subprocess.run(
        [sys.executable, "-c", UNUSED], env=environment_with(SOURCES), capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
