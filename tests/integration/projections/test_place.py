"""The views are verified, repaired and made anew beside a process that follows the record, whoever of the two dies."""

import contextlib
import pickle
import select
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from clew.kernel.database import Database
from clew.projections import keeping
from clew.projections.following import FollowingProcess
from clew.projections.place import ProjectorBusyError
from clew.projections.projection import Difference
from clew.projections.projector import Projector
from clew.projections.search_place import search_view
from clew.projections.search_projection import SearchProjection
from clew.projections.service import catch_up
from tests.support.embedded import wait_until
from tests.support.projecting import Place, add_domain, new_place
from tests.support.record import new_organization

FOLLOWER = """
import pickle, sys, threading
from clew.kernel.database import Database
from clew.projections.projector import Projector
from clew.projections.registry import projections
settings = pickle.load(sys.stdin.buffer)
with Database(settings) as database, Projector(database, projections(settings)) as projector:
    print("there", flush=True)
    projector.follow(threading.Event(), idle_seconds=0.02)
"""
GUEST = """
import pickle, sys, time
from clew.kernel.database import Database
from clew.projections.keeping import projecting
from clew.projections.registry import projections
settings = pickle.load(sys.stdin.buffer)
with Database(settings) as database, projecting(database, projections(settings)) as projector:
    projection = projector.projection("search")
    with projection.building() as writing, projector.moment():
        writing.fill(projector.connection, lambda rows: None)
        print("there", flush=True)
        time.sleep(600)
"""


@pytest.fixture(scope="module")
def shared() -> Iterator[Place]:
    with new_place() as made:
        yield made


@pytest.fixture
def place(shared: Place) -> Place:
    """The module's record with a tenant of the test's own, and its views where a server keeps them."""
    own = Place(shared.database, shared.directory, new_organization(shared.database))
    own.projection = SearchProjection(search_view(shared.database.settings))
    with keeping.projecting(shared.database, []):
        pass  # sessions of processes that were killed have ended
    assert catch_up(shared.database) is not None
    return own


@contextlib.contextmanager
def process(place: Place, program: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as made:
        assert made.stdin is not None
        assert made.stdout is not None
        try:
            made.stdin.write(pickle.dumps(place.database.settings))
            made.stdin.close()
            yield made
        finally:
            made.kill()


def there(started: subprocess.Popen[bytes]) -> None:
    assert started.stdout is not None
    assert started.stdout.readline() == b"there\n"


def write(place: Place, name: str) -> None:
    with place.writing() as connection:
        add_domain(connection, place.tenant, name)


def verified(place: Place, *, repair: bool = False) -> keeping.Verified:
    with keeping.projecting(place.database, [place.projection]) as projector:
        return keeping.verify(projector, "search", repair=repair)


def test_views_are_verified_repaired_rebuilt_and_drilled_while_a_process_follows(place: Place) -> None:
    stop = threading.Event()

    def keep_writing() -> None:
        number = 0
        while not stop.is_set():
            write(place, f"busy{number}.example")
            number += 1
            stop.wait(0.01)

    writer = threading.Thread(target=keep_writing)
    with process(place, FOLLOWER) as follower:
        there(follower)
        writer.start()
        try:
            compared = [verified(place) for _ in range(3)]
            assert all(found.equal for found in compared), [found.as_dict() for found in compared]
            rows = compared[-1].comparison.record_rows
            assert rows, "the record was empty: nothing was shown"
            with keeping.projecting(place.database, [place.projection]) as projector:
                lost = add_and_lose(place, projector)
                repaired = keeping.verify(projector, "search", repair=True)
            assert [each.row_id for each in repaired.comparison.missing] == [lost.row_id]
            assert repaired.equal
            with keeping.projecting(place.database, [place.projection]) as projector:
                assert projector.rebuild("search", "for a test").rows >= rows
                assert keeping.drill(projector, "search").equal
        finally:
            stop.set()
            writer.join()
        assert follower.poll() is None, "it lends its place, and goes on"
        write(place, "afterwards.example")
        wait_until(lambda: place.found("afterwards") == {"afterwards.example"}, "the follower to go on")
        assert verified(place).equal


def add_and_lose(place: Place, projector: Projector) -> Difference:
    """A row that the view has taken over and does not hold."""
    with place.writing() as connection:
        lost = add_domain(connection, place.tenant, "lost.example")
    projector.catch_up()
    difference = Difference(place.tenant.id, "osint_entities", lost, None)
    with place.projection.writing() as writing:
        writing.remove([difference])
        writing.commit(place.projection.position() or "")
    return difference


def test_a_guest_that_is_killed_leaves_the_place_to_who_lent_it(place: Place) -> None:
    with process(place, FOLLOWER) as follower:
        there(follower)
        with process(place, GUEST) as guest:
            there(guest)
            write(place, "meanwhile.example")
            with pytest.raises(ProjectorBusyError), keeping.projecting(place.database, [], patience_seconds=0.1):
                pass
            assert place.found("meanwhile") == set(), "nobody writes a view that a guest has"
        wait_until(lambda: place.found("meanwhile") == {"meanwhile.example"}, "the follower to go on")
        assert follower.poll() is None
        assert verified(place).equal


def test_a_follower_that_is_killed_does_not_keep_a_guest_out(place: Place) -> None:
    with process(place, FOLLOWER) as follower:
        there(follower)
        with process(place, GUEST) as first, process(place, GUEST) as second:
            follower.kill()
            follower.wait()
            assert first.stdout is not None
            assert second.stdout is not None
            ready, _, _ = select.select([first.stdout.fileno(), second.stdout.fileno()], [], [], 60)
            came, waits = (first, second) if ready == [first.stdout.fileno()] else (second, first)
            there(came)
            came.kill()
            came.wait()
            there(waits)
    write(place, "alone.example")
    assert verified(place).equal
    assert place.found("alone") == {"alone.example"}


def test_a_follower_lets_a_guest_in_between_two_steps_of_a_long_way(place: Place) -> None:
    for number in range(12):
        write(place, f"step{number}.example")
    with place.database.connect_raw("clew_projector") as connection:
        caught_up = "SELECT caught_up_at FROM projections WHERE name = 'search'"
        before = connection.execute(caught_up).fetchone()
    asked = iter([False, False, False, True])

    class Wanted:
        def is_set(self) -> bool:
            return next(asked)

        def wait(self, _timeout: float | None = None) -> bool:
            return True

    with Projector(place.database, [place.projection], step_changes=3) as projector:
        assert projector.advance(place.projection, Wanted()).changes == 9
        with place.database.connect_raw("clew_projector") as connection:
            assert connection.execute(caught_up).fetchone() == before, "it has not come to the present moment"
    assert verified(place).equal


def test_the_server_s_process_lends_its_place(place: Place) -> None:
    with Database(place.database.settings) as database:
        service = FollowingProcess(database.settings)
        service.start()
        try:
            write(place, "served.example")
            wait_until(lambda: place.found("served") == {"served.example"}, "the server's process to follow")
            assert verified(place).equal
        finally:
            service.stop()
