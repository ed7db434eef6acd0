"""Views follow beside a command that lasts, and nothing depends on whether they do."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from clew.projections.companion import companion
from clew.projections.projector import Projector
from clew.projections.registry import projections
from clew.projections.search.errors import SearchViewMissingError
from clew.projections.search.fields import DocumentSet
from clew.projections.search_place import search_view
from clew.projections.service import catch_up, followed
from tests.support.embedded import command_line
from tests.support.projecting import Place, add_domain, new_place
from tests.support.record import new_organization

COMMAND = """
import pickle, sys, time
from clew.projections.companion import companion
with companion(pickle.load(sys.stdin.buffer), after_seconds=0):
    print("working", flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def shared() -> Iterator[Place]:
    with new_place() as made:
        yield made


@pytest.fixture
def place(shared: Place) -> Place:
    """The module's place with a tenant of the test's own, and a view that knows it."""
    own = Place(shared.database, shared.directory, new_organization(shared.database))
    assert catch_up(shared.database) is not None
    return own


def companions(of: int | None = None) -> list[psutil.Process]:
    return [
        each for each in psutil.Process(of).children() if "clew.projections.companion_process" in command_line(each)
    ]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def count(place: Place) -> int:
    try:
        with search_view(place.database.settings).reader() as reader:
            return sum(1 for _ in reader.stored(place.tenant.id, DocumentSet.OSINT_ENTITIES))
    except SearchViewMissingError:
        return 0


def blocked(status: str) -> set[int]:
    """The signals that Linux says a thread or process keeps from itself."""
    line = next(line for line in Path(status).read_text().splitlines() if line.startswith("SigBlk:"))
    mask = int(line.split()[1], 16)
    return {number for number in range(1, 65) if mask >> (number - 1) & 1}


def write(place: Place, name: str) -> None:
    with place.writing() as connection:
        add_domain(connection, place.tenant, name)


def test_the_view_follows_before_the_block_ends(place: Place) -> None:
    with companion(place.database.settings, after_seconds=0):
        write(place, "one.example")
        until(lambda: count(place) == 1)
        assert len(companions()) == 1
    assert companions() == []
    with Projector(place.database, projections(place.database.settings)):
        pass  # its place is free again


def test_a_short_block_starts_nothing(place: Place) -> None:
    with companion(place.database.settings, after_seconds=60):
        write(place, "one.example")
        assert companions() == []
    assert count(place) == 0


def test_killed_it_costs_nothing_but_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clew.projections.service.companion", lambda settings: companion(settings, after_seconds=0))
    with followed(place.database):
        write(place, "one.example")
        until(lambda: len(companions()) == 1)
        (process,) = companions()
        process.kill()
        write(place, "two.example")
    assert count(place) == 2


def test_asked_to_finish_it_takes_over_the_rest(place: Place) -> None:
    with companion(place.database.settings, after_seconds=0) as beside:
        until(lambda: len(companions()) == 1)
        write(place, "one.example")
        assert beside.finish()
        assert count(place) == 1
        assert companions() == []


def test_what_could_not_be_finished_is_said(place: Place) -> None:
    with companion(place.database.settings, after_seconds=0) as beside:
        until(lambda: len(companions()) == 1)
        companions()[0].kill()
        assert not beside.finish()
    with companion(place.database.settings, after_seconds=60) as beside:
        assert not beside.finish()


def test_it_takes_no_signal_away_from_its_command(place: Place) -> None:
    before = threading.enumerate()
    with companion(place.database.settings, after_seconds=0.2):
        (timer,) = set(threading.enumerate()) - set(before)
        assert timer.native_id is not None
        assert {signal.SIGINT, signal.SIGTERM} <= blocked(f"/proc/{os.getpid()}/task/{timer.native_id}/status")
        until(lambda: len(companions()) == 1)
        (process,) = companions()
        until(lambda: "clew.projections.companion_process" in command_line(process))
        until(lambda: not {signal.SIGINT, signal.SIGTERM} & blocked(f"/proc/{process.pid}/status"))


def test_it_leaves_the_views_to_whoever_has_them(place: Place) -> None:
    with (
        Projector(place.database, projections(place.database.settings)) as other,
        companion(place.database.settings, after_seconds=0),
    ):
        until(lambda: len(companions()) == 1)
        (process,) = companions()
        until(lambda: process.status() == psutil.STATUS_ZOMBIE)
        write(place, "one.example")
        other.catch_up()
    assert count(place) == 1


def test_it_ends_when_its_command_is_killed(place: Place) -> None:
    with subprocess.Popen([sys.executable, "-c", COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as command:
        assert command.stdin is not None
        assert command.stdout is not None
        command.stdin.write(pickle.dumps(place.database.settings))
        command.stdin.close()
        assert command.stdout.readline() == b"working\n"
        until(lambda: len(companions(command.pid)) == 1)
        (process,) = companions(command.pid)
        command.kill()
        command.wait()
        until(lambda: not process.is_running())
