"""`clew worker` as users start it: it does jobs by either runner, and gives back what it cannot finish."""

import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from clew.cli import main
from clew.domains.jobs.service import NewJob, enqueue
from clew.kernel.database import Database
from clew.kernel.errors import ConfigurationError, InputError
from tests.engines.redis import shared_redis
from tests.support.embedded import SOURCES, environment_with
from tests.support.jobs import await_status
from tests.support.record import migrated_database, new_organization

ON_CELERY = pytest.param("celery", marks=[pytest.mark.engines, pytest.mark.xdist_group("celery")])


@contextmanager
def working(database: Database, **variables: str) -> Iterator["subprocess.Popen[str]"]:
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
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"ready": True}
        yield process
    finally:
        process.kill()
        process.communicate()


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
