"""Views that take long keep no other one waiting, and a guest no longer than it must."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from clew.projections.keeping import projecting
from clew.projections.own_database import OwnDatabase
from clew.projections.projection import Aside
from clew.projections.projector import Projector
from clew.projections.slow_side import Slow
from clew.projections.vector_place import vector_view
from clew.projections.vector_projection import VectorProjection, VectorWriting
from clew.projections.vectors.port import Collection
from tests.support.embedded import wait_until
from tests.support.projecting import Place, add_domain
from tests.support.record import new_organization
from tests.support.vectors import embedded_record

pytestmark = [pytest.mark.same_everywhere, pytest.mark.slow]


class Held(VectorProjection):
    """Vectors whose making waits, having begun, until it is let go."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.began, self.go = threading.Event(), threading.Event()

    @contextlib.contextmanager
    def building(self) -> Iterator[VectorWriting]:
        with super().building() as writing:
            yield HeldWriting(writing, self.began, self.go)  # type: ignore[misc]


class HeldWriting:
    """A writing that waits before it is filled."""

    def __init__(self, writing: VectorWriting, began: threading.Event, go: threading.Event) -> None:
        self._writing, self._began, self._go = writing, began, go

    def fill(self, connection: psycopg.Connection[Any], observe: Callable[[int], None]) -> tuple[Aside, ...]:
        self._began.set()
        self._go.wait()
        return self._writing.fill(connection, observe)

    def commit(self, position: str) -> tuple[Aside, ...]:
        return self._writing.commit(position)


@pytest.fixture
def views(tmp_path: Path) -> Iterator[tuple[Place, Held]]:
    with embedded_record(tmp_path) as database:
        own = OwnDatabase(database.settings, database)
        held = Held(vector_view(database.settings, own), database.settings, own)
        yield Place(database, tmp_path / "views", new_organization(database)), held


@contextlib.contextmanager
def following(place: Place, held: Held) -> Iterator[None]:
    stop = threading.Event()
    with Projector(place.database, [held, place.projection]) as projector:
        thread = threading.Thread(target=projector.follow, args=(stop,), kwargs={"idle_seconds": 0.01})
        thread.start()
        try:
            yield
        finally:
            held.go.set()
            stop.set()
            thread.join()


def write(place: Place, name: str) -> None:
    with place.writing() as connection:
        add_domain(connection, place.tenant, name)


def names(held: Held, place: Place) -> set[str]:
    with held.view.reader() as reader:
        return {each.subject.name for each in reader.stored(place.tenant.id, Collection.DOMAINS)}


def test_other_views_follow_while_vectors_are_made_and_nothing_is_lost(
    views: tuple[Place, Held], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clew.projections.projector.TRIM_SECONDS", 0.0)  # whatever may be forgotten is
    place, held = views
    assert isinstance(held, Slow)
    assert not isinstance(place.projection, Slow)
    write(place, "before.example")
    with following(place, held):
        held.began.wait()
        for name in ("first.example", "second.example", "third.example"):
            write(place, name)
            wait_until(lambda name=name: name.partition(".")[0] in str(found(place)), f"{name} to be found")  # type: ignore[misc]
        assert held.position() is None, "the vectors are not made yet"
        held.go.set()
        wait_until(lambda: held.position() is not None and len(names(held, place)) == 4, "the vectors to be made")
        write(place, "later.example")
        wait_until(lambda: "later.example" in names(held, place), "the vectors to follow")
    assert names(held, place) == {f"{name}.example" for name in ("before", "first", "second", "third", "later")}


def test_a_guest_gets_the_place_once_the_vectors_are_made(views: tuple[Place, Held]) -> None:
    place, held = views
    write(place, "one.example")
    held.go.set()
    with following(place, held):
        held.began.wait()
        with projecting(place.database, [held, place.projection]) as projector:
            assert [outcome.error for outcome in projector.catch_up()] == [None, None]
        write(place, "two.example")
        wait_until(lambda: "two.example" in names(held, place), "the vectors to follow again")


def test_what_is_being_made_in_the_end_is_given_up_and_made_by_whoever_follows_next(views: tuple[Place, Held]) -> None:
    place, held = views
    write(place, "one.example")
    stop = threading.Event()
    with Projector(place.database, [held, place.projection]) as projector:
        thread = threading.Thread(target=projector.follow, args=(stop,), kwargs={"idle_seconds": 0.01})
        thread.start()
        held.began.wait()
        stop.set()
        held.go.set()
        thread.join()
        assert held.position() is None
        assert projector.books.page(held.name) is not None
    with following(place, held):
        wait_until(
            lambda: held.position() is not None and names(held, place) == {"one.example"}, "another one to make it"
        )


def found(place: Place) -> set[str]:
    return place.found("example") if place.projection.position() is not None else set()
