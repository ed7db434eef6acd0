"""kill -9 of the projector and of the server, and a base backup put back: the view comes back to equality by itself."""

import contextlib
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from clew.kernel.settings import Settings
from clew.projections.place import ProjectorBusyError
from tests.support.embedded import SOURCES, environment_with, stop_servers_beneath, wait_until
from tests.support.projecting import Place, add_domain, kill_server, new_place
from tests.support.record import embedded_database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
KILLS = 10
FOLLOW = """
import sys, threading
from pathlib import Path
from clew.kernel.database import Database
from clew.kernel.settings import Settings
from clew.projections.projector import Projector
from clew.projections.search.tantivy.view import TantivySearchView
from clew.projections.search_projection import SearchProjection
settings = Settings.model_validate_json(sys.argv[1])
with Database(settings) as database:
    with Projector(database, [SearchProjection(TantivySearchView(Path(sys.argv[2])))]) as projector:
        print("following", flush=True)
        projector.follow(threading.Event(), idle_seconds=0.01)
"""


@pytest.fixture
def place() -> Iterator[Place]:
    with new_place() as made:
        yield made


@pytest.fixture
def embedded_place() -> Iterator[Place]:
    """On a server of its own, which may be killed and copied."""
    with new_place(embedded_database) as made:
        yield made


def environment_of(place: Place) -> tuple[str, dict[str, str]]:
    """Settings as JSON and the environment for a process that works on the place's record."""
    settings = place.database.settings
    url = settings.database_url.get_secret_value() if settings.database_url else None
    given = {**settings.model_dump(mode="json", exclude_defaults=True), **({"database_url": url} if url else {})}
    environment = environment_with(SOURCES)
    if url:
        return "{}", environment | {"CLEW_DATABASE_URL": url, "CLEW_DATA_DIR": str(settings.data_dir)}
    return Settings(**given).model_dump_json(), environment


def follower(place: Place) -> subprocess.Popen[str]:
    settings, environment = environment_of(place)
    process = subprocess.Popen(
        [sys.executable, "-c", FOLLOW, settings, str(place.directory)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "following\n"
    return process


def write_for(place: Place, seconds: float) -> None:
    until = time.monotonic() + seconds
    with place.writing() as connection:
        number = 0
        while time.monotonic() < until:
            add_domain(connection, place.tenant, f"kill-{number}.example", text=random.choice(["one", "two"]))
            if number % 3 == 0:
                connection.execute(
                    'UPDATE entities SET properties = \'{"text": "three"}\' WHERE name = %s',
                    (f"kill-{number // 2}.example",),
                )
            if number % 5 == 0:
                connection.execute("DELETE FROM entities WHERE name = %s", (f"kill-{number // 3}.example",))
            number += 1


def is_free(place: Place) -> bool:
    """Whether nobody has the projector's place: who was killed has it until their server's process sees it."""
    try:
        with place.projector():
            return True
    except ProjectorBusyError:
        return False


def test_a_projector_killed_at_any_moment_is_caught_up_with(place: Place) -> None:
    for _ in range(KILLS):
        process = follower(place)
        try:
            write_for(place, random.uniform(0.05, 0.4))
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        wait_until(lambda: is_free(place), "the server to notice that the follower was killed")
    outcome = place.catch_up()
    assert outcome.rebuilt is None
    place.assert_equal()


def test_a_killed_server_is_caught_up_with(embedded_place: Place) -> None:
    place = embedded_place
    with place.writing() as connection:
        add_domain(connection, place.tenant, "before.example")
    place.catch_up()
    with contextlib.suppress(psycopg.OperationalError), place.writing() as connection:
        add_domain(connection, place.tenant, "between.example")
        connection.execute("BEGIN")
        add_domain(connection, place.tenant, "lost.example")
        kill_server(place.database)
        raise psycopg.OperationalError("the writer does not get to commit")
    with place.writing() as connection:
        add_domain(connection, place.tenant, "after.example")
    assert place.catch_up().rebuilt is None
    assert place.found("example") == {"before.example", "between.example", "after.example"}
    place.assert_equal()


def test_a_base_backup_put_back_is_noticed(embedded_place: Place) -> None:
    place = embedded_place
    with place.writing() as connection:
        kept = add_domain(connection, place.tenant, "kept.example")
    place.catch_up()
    server = place.database.embedded
    assert server is not None
    cluster = Path(psutil.Process(server.ensure_running().pid).cwd())
    place.database.close()
    stop_servers_beneath(cluster)
    backup = cluster.with_name("backup")
    subprocess.run(["cp", "--archive", str(cluster), str(backup)], check=True)
    with place.writing() as connection:
        add_domain(connection, place.tenant, "undone.example")
        connection.execute("DELETE FROM entities WHERE id = %s", (kept,))
    place.catch_up()
    place.database.close()
    stop_servers_beneath(cluster)
    shutil.rmtree(cluster)
    backup.rename(cluster)
    with place.writing() as connection:
        for number in range(50):  # the record may well be past the view's position again
            add_domain(connection, place.tenant, f"anew-{number}.example")
    assert place.catch_up().rebuilt is not None
    assert place.found("undone") == set()
    assert place.found("kept") == {"kept.example"}
    place.assert_equal()
