"""The projector with the real view on a real server: in step after whatever happens to either."""

import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from clew.projections import feed
from clew.projections.books import Books
from clew.projections.keeping import drill, status, verify
from clew.projections.place import ProjectorBusyError
from clew.projections.projector import Projector
from clew.projections.search.errors import SearchViewBusyError
from clew.projections.search.fields import DocumentSet
from clew.projections.search.port import SearchRequest
from clew.projections.search.tantivy.view import TantivySearchView
from clew.projections.search_projection import SearchProjection, SearchWriting
from tests.support.embedded import wait_until
from tests.support.projecting import Place, add_domain, new_place
from tests.support.record import Writer, new_organization


@pytest.fixture(scope="module")
def shared() -> Iterator[Place]:
    with new_place() as place:
        yield place


@pytest.fixture
def place(shared: Place) -> Iterator[Place]:
    """The module's place with a tenant of the test's own; record and view agree before and after."""
    own = Place(shared.database, shared.directory, new_organization(shared.database))
    own.catch_up()
    yield own
    own.catch_up()
    own.assert_equal()


def test_what_was_written_is_found_and_what_was_deleted_is_not(place: Place) -> None:
    with place.writing() as connection:
        kept = add_domain(connection, place.tenant, "lantern.example", title="The harbour lantern")
        add_domain(connection, place.tenant, "gone.example")
        assert place.catch_up().changes == 2
        assert place.found("harbour") == {"lantern.example"}
        connection.execute("DELETE FROM entities WHERE name = 'gone.example'")
        connection.execute('UPDATE entities SET properties = \'{"title": "The pier"}\' WHERE id = %s', (kept,))
    place.catch_up()
    assert place.found("harbour") == set()
    assert place.found("pier") == {"lantern.example"}
    assert place.found("gone") == set()


def test_every_table_that_is_shown_reaches_the_view(place: Place) -> None:
    with place.database.transaction(place.tenant.context) as connection:
        writer = Writer(connection, place.tenant)
        domain, address = writer.entity("domain", "seen.example"), writer.entity("ip_address", "203.0.113.90")
        writer.relationship(domain, "RESOLVES_TO", address, properties='{"note": "whispered"}')
        writer.session("203.0.113.90", commands=("uname -a", "wget lure"))
        item = writer.item(writer.source("subfinder"), "hosts.txt", raw_data='{"text": "parchment"}')
        writer.sighting(domain, item)
        writer.insert("investigations", name="The brass key", description="who holds it")
    place.catch_up()
    assert place.found("seen") == {"seen.example"}
    assert place.found("brass") == {"The brass key"}
    assert place.found("whispered") == {"RESOLVES_TO"}
    with place.projection.view.reader() as reader:
        counts = {part: reader.count(place.tenant.id, part) for part in DocumentSet}
        (found,) = reader.search(place.tenant.id, SearchRequest("seen")).hits
    assert counts == {DocumentSet.OSINT_ENTITIES: 4, DocumentSet.ATTACKS: 1, DocumentSet.DOCUMENTS: 1}
    assert found.document["sources"] == ["subfinder"]


def test_organizations_do_not_find_each_others(place: Place) -> None:
    other = new_organization(place.database)
    for tenant, name in ((place.tenant, "ours.example"), (other, "theirs.example")):
        with place.writing(tenant) as connection:
            add_domain(connection, tenant, name)
    place.catch_up()
    assert place.found("example") == {"ours.example"}
    assert place.found("example", other) == {"theirs.example"}


def test_a_late_commit_is_taken_when_it_comes(place: Place) -> None:
    with place.writing() as slow, place.writing() as quick:
        with slow.transaction():
            add_domain(slow, place.tenant, "late.example")
            add_domain(quick, place.tenant, "early.example")
            place.catch_up()
            assert place.found("example") == {"early.example"}
            (shown,) = status(place.database, [place.projection])
            assert slow.info.backend_pid in [holder.pid for holder in shown.held_back_by]
            assert shown.lag_seconds == 0
        place.catch_up()
    assert place.found("example") == {"early.example", "late.example"}


def test_one_process_projects(place: Place) -> None:
    with place.projector(), pytest.raises(ProjectorBusyError):
        place.projector()
    place.projector().close()


def test_lag_is_told_and_goes(place: Place) -> None:
    with place.writing() as connection:
        add_domain(connection, place.tenant, "waiting.example")
    (before,) = status(place.database, [place.projection])
    assert (before.lag_changes, before.state) == (1, "ready")
    assert before.lag_seconds > 0
    place.catch_up()
    (after,) = status(place.database, [place.projection])
    assert (after.lag_changes, after.lag_seconds, after.set_aside) == (0, 0, 0)
    assert after.rows == before.rows + 1


class NotedRests:
    """Never stops anybody, and notes how long it was waited for."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def is_set(self) -> bool:
        return False

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout or 0.0)
        return False


@pytest.mark.parametrize(("share", "rests"), [(0.25, 3), (1.0, 0)])
def test_who_may_have_a_share_of_the_time_rests_after_each_step(place: Place, share: float, rests: int) -> None:
    with place.writing() as connection:
        for number in range(5):
            add_domain(connection, place.tenant, f"step-{number}.example")
    noted = NotedRests()
    with Projector(place.database, [place.projection], step_changes=2, share=share) as projector:
        assert projector.catch_up(noted)[0].changes == 5
    assert len(noted.seconds) == rests
    assert all(seconds > 0 for seconds in noted.seconds)


def test_who_finds_half_of_a_stretch_done_does_the_rest_and_what_came_since(place: Place) -> None:
    """Before, it stopped at the stretch's own end: a search after a killed companion missed what was loaded last."""
    place.catch_up()
    with place.writing() as connection:
        for number in range(5):
            add_domain(connection, place.tenant, f"half-{number}.example")
    with Projector(place.database, [place.projection], step_changes=2) as projector:
        projector.catch_up(AfterOneStep())
    assert place.lag() == 3
    with place.writing() as connection:
        add_domain(connection, place.tenant, "since.example")
    assert place.catch_up().changes == 4
    assert place.lag() == 0
    assert "since.example" in place.found("since.example")


class AfterOneStep:
    """A stop that comes once a step was made."""

    def __init__(self) -> None:
        self.looks = 0

    def is_set(self) -> bool:
        self.looks += 1
        return self.looks > 1

    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        return True


class InterruptedWorkError(Exception):
    """Stands for a kill at a place in the code."""


@pytest.mark.parametrize("at", ["before the view commits", "after the view has committed", "after the intention"])
def test_dying_around_a_commit_loses_and_doubles_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def die(*_: object, **__: object) -> None:
        raise InterruptedWorkError

    owner, name = {
        "before the view commits": (SearchWriting, "commit"),
        "after the view has committed": (Books, "confirm"),
        "after the intention": (SearchWriting, "apply"),
    }[at]
    with place.writing() as connection:
        add_domain(connection, place.tenant, "survivor.example")
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, die)
        with pytest.raises(InterruptedWorkError):
            place.catch_up()
    outcome = place.catch_up()
    assert outcome.rebuilt is None
    assert place.found("survivor") == {"survivor.example"}


def test_rows_changed_behind_the_feeds_back_are_found_and_repaired(place: Place) -> None:
    with place.writing() as connection:
        for name in ("altered.example", "erased.example", "steady.example"):
            add_domain(connection, place.tenant, name)
    place.catch_up()
    with place.without_triggers() as connection:
        organization = (place.tenant.id,)
        connection.execute(
            "UPDATE entities SET name = 'x' WHERE name = 'altered.example' AND organization_id = %s", organization
        )
        connection.execute("DELETE FROM entities WHERE name = 'erased.example' AND organization_id = %s", organization)
        connection.execute(
            "INSERT INTO entities (organization_id, entity_type, name, normalized_name)"
            " VALUES (%s, 'domain', 'n', 'n')",
            organization,
        )
    with place.projector() as projector:
        found = verify(projector, "search")
        assert [
            len(each) for each in (found.comparison.missing, found.comparison.extra, found.comparison.different)
        ] == [1] * 3
        assert not found.equal
        repaired = verify(projector, "search", repair=True)
    assert repaired.repaired
    assert repaired.equal


def test_documents_changed_by_hand_are_found_and_repaired(place: Place) -> None:
    with place.writing() as connection:
        altered, removed = (add_domain(connection, place.tenant, f"{name}.example") for name in ("altered", "removed"))
    place.catch_up()
    view = place.projection.view
    state = view.state()
    assert state is not None
    with view.reader() as reader:
        document = dict(reader.get(place.tenant.id, SearchRequest().index, [str(altered)])[str(altered)])
    with view.writer() as writer:
        made_up = document | {"id": "00000000-0000-4000-8000-000000000001"}
        writer.put(place.tenant.id, DocumentSet.OSINT_ENTITIES, [document | {"risk_score": 99}, made_up])
        writer.remove(place.tenant.id, DocumentSet.OSINT_ENTITIES, [str(removed)])
        writer.commit(state.position)
    with place.projector() as projector:
        found = verify(projector, "search", repair=True)
    assert [str(each.row_id) for each in found.comparison.different] == [str(altered)]
    assert [str(each.row_id) for each in found.comparison.missing] == [str(removed)]
    assert [str(each.row_id) for each in found.comparison.extra] == [made_up["id"]]
    assert found.equal


def test_a_row_that_cannot_be_shown_is_set_aside_and_taken_once_it_can(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Choking:
        """An engine that breaks on one document."""

        def __init__(self, writer: Any) -> None:
            self._writer = writer

        def put(self, organization: Any, part: Any, documents: Any) -> Any:
            documents = list(documents)
            if any(document.get("name") == "poison.example" for document in documents):
                raise ValueError("poison")
            return self._writer.put(organization, part, documents)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._writer, name)

    original = SearchWriting.__init__
    with place.writing() as connection:
        for number in range(10):
            add_domain(connection, place.tenant, f"sound-{number}.example")
        poison = add_domain(connection, place.tenant, "poison.example")
        with monkeypatch.context() as patched:
            patched.setattr(
                SearchWriting, "__init__", lambda self, writer, holds: original(self, Choking(writer), holds)
            )
            place.catch_up()
        assert len(place.found("sound")) == 10
        (shown,) = status(place.database, [place.projection])
        assert shown.set_aside == 1
        place.assert_equal()  # a row that is told of as set aside is not held against the view
        connection.execute("UPDATE entities SET last_seen = now() WHERE id = %s", (poison,))
    place.catch_up()
    assert place.found("poison") == {"poison.example"}
    (shown,) = status(place.database, [place.projection])
    assert shown.set_aside == 0


def test_impossible_times_stop_nobody(place: Place) -> None:
    with place.writing() as connection:
        add_domain(connection, place.tenant, "timeless.example")
        connection.execute("UPDATE entities SET last_seen = 'infinity', first_seen = '0044-03-15 BC'")
    place.catch_up()
    assert place.found("timeless") == {"timeless.example"}


def test_a_drill_rebuilds_a_copy_and_leaves_the_view_alone(place: Place) -> None:
    with place.writing() as connection:
        add_domain(connection, place.tenant, "drilled.example")
    before = place.projection.view.state()
    with place.projector() as projector:
        done = drill(projector, "search")
    after = place.projection.view.state()
    assert done.equal
    assert done.rebuilt_rows == place.projection.rows()
    assert before is not None
    assert after is not None
    assert after.generation == before.generation
    assert [path.name for path in place.directory.parent.iterdir()] == [place.directory.name]


def test_a_new_epoch_rebuilds(place: Place) -> None:
    with place.database.connect_raw("clew_projector") as connection:
        feed.start_epoch(connection, "a test restored it")
    outcome = place.catch_up()
    assert outcome.rebuilt is not None
    assert "epoch" in outcome.rebuilt
    assert place.catch_up().rebuilt is None


def test_a_view_that_was_put_back_is_rebuilt(place: Place) -> None:
    kept = place.directory.parent / "kept"
    shutil.copytree(place.directory, kept)
    with place.writing() as connection:
        add_domain(connection, place.tenant, "between.example")
    place.catch_up()
    shutil.rmtree(place.directory)
    kept.rename(place.directory)
    outcome = place.catch_up()
    assert outcome.rebuilt is not None
    assert place.found("between") == {"between.example"}


def test_a_follower_keeps_its_writer_and_rebuilds_a_view_that_was_taken_away(place: Place) -> None:
    def write_and_find(name: str) -> None:
        with place.writing() as connection:
            add_domain(connection, place.tenant, f"{name}.example")
        wait_until(lambda: place.projection.position() is not None and place.found(name), f"{name} to be found")

    stop = threading.Event()
    with place.projector() as projector:
        following = threading.Thread(target=projector.follow, args=(stop,), kwargs={"idle_seconds": 0.01})
        following.start()
        try:
            for name in ("first", "second"):
                write_and_find(name)
            with pytest.raises(SearchViewBusyError):
                place.projection.view.writer()
            shutil.rmtree(place.directory.rename(place.directory.with_name("taken-away")))
            for name in ("third", "fourth"):
                write_and_find(name)
        finally:
            stop.set()
            following.join()
    assert place.found("example") == {f"{name}.example" for name in ("first", "second", "third", "fourth")}


@pytest.mark.parametrize("loss", ["the directory", "the books"])
def test_a_lost_view_or_lost_books_are_rebuilt(place: Place, loss: str) -> None:
    with place.writing() as connection:
        add_domain(connection, place.tenant, "again.example")
    place.catch_up()
    if loss == "the directory":
        shutil.rmtree(place.directory)
    else:
        with place.database.connect_raw("clew_projector") as connection:
            connection.execute("DELETE FROM projections")
    assert place.catch_up().rebuilt is not None
    assert place.found("again") == {"again.example"}


def test_a_view_that_cannot_be_written_is_told_and_catches_up_later(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clew.projections.attempts.FIRST_PAUSE_SECONDS", 0.001)
    with place.writing() as connection:
        add_domain(connection, place.tenant, "patient.example")
    with place.projection.view.writer():
        outcome = place.catch_up()
    assert outcome.error is not None
    (shown,) = status(place.database, [place.projection])
    assert shown.errors > 0
    assert place.catch_up().error is None
    assert place.found("patient") == {"patient.example"}


def test_what_every_view_has_is_forgotten_and_what_lags_too_far_is_rebuilt(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clew.projections.attempts.FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(
        place.database, "settings", place.database.settings.model_copy(update={"feed_maximum_changes": 50})
    )
    with place.writing() as connection:
        with place.projection.view.writer():
            for number in range(80):
                add_domain(connection, place.tenant, f"many-{number}.example")
            assert place.catch_up().error is not None
            with place.database.connect_raw("clew_projector") as looking:
                assert feed.size(looking) <= 50
        outcome = place.catch_up()
    assert outcome.rebuilt is not None
    assert "cut" in outcome.rebuilt
    with place.database.connect_raw("clew_projector") as looking:
        assert feed.size(looking) == 0


@pytest.mark.parametrize("rested_seconds", [0.0, 3600.0])
def test_a_view_that_nobody_follows_holds_the_log_for_a_while_only(
    place: Place, monkeypatch: pytest.MonkeyPatch, rested_seconds: float
) -> None:
    monkeypatch.setattr("clew.projections.forgetting.UNFOLLOWED_SECONDS", rested_seconds)
    limited = place.database.settings.model_copy(update={"feed_unfollowed_changes": 1000})
    monkeypatch.setattr(place.database, "settings", limited)
    assert place.catch_up().error is None
    other = SearchProjection(TantivySearchView(place.directory.with_name("other")))
    monkeypatch.setattr(SearchProjection, "name", property(lambda self: "other" if self is other else "search"))

    def write(first: int, count: int) -> int:
        with place.writing() as connection:
            for number in range(first, first + count):
                add_domain(connection, place.tenant, f"many-{number}.example")
        with Projector(place.database, [other]) as projector:
            assert [outcome.error for outcome in projector.catch_up()] == [None]
        with place.database.connect_raw("clew_projector") as looking:
            return feed.size(looking)

    assert write(0, 300) > 0, "a view that lags a little is waited for, however long"
    held = write(300, 900)
    (shown,) = status(place.database, [place.projection])
    if rested_seconds:
        assert (shown.state, shown.reason) == ("ready", None)
        assert held > 1000
    else:
        assert shown.state == "rebuild"
        assert "nobody followed" in str(shown.reason)
        assert held == 0
    assert (place.catch_up().rebuilt is None) == bool(rested_seconds)
    place.assert_equal()
