"""A rebuild that died: the view it was to replace goes on if it may, and is rebuilt if its changes are forgotten."""

from collections.abc import Iterator

import pytest

from clew.projections.books import Books
from clew.projections.projector import Projector
from clew.projections.search.tantivy.view import TantivySearchView
from clew.projections.search_projection import SearchProjection, SearchWriting
from tests.support.projecting import Place, add_domain, new_place


@pytest.fixture
def place() -> Iterator[Place]:
    with new_place() as made:
        made.catch_up()
        yield made
        made.catch_up()
        made.assert_equal()


class InterruptedWorkError(Exception):
    """Stands for a kill at a place in the code."""


def die(*_: object, **__: object) -> None:
    raise InterruptedWorkError


@pytest.mark.parametrize("dying_in", ["fill", "commit"])
def test_dying_in_a_rebuild_does_not_forget_that_it_was_needed(
    place: Place, monkeypatch: pytest.MonkeyPatch, dying_in: str
) -> None:
    """The old view, whose changes are forgotten, is still the published one."""
    monkeypatch.setattr(
        place.database, "settings", place.database.settings.model_copy(update={"feed_maximum_changes": 5})
    )
    with place.writing() as connection:
        for number in range(20):
            add_domain(connection, place.tenant, f"cut-{number}.example")
    with place.projector() as projector:
        projector._trim()
    with monkeypatch.context() as patched:
        patched.setattr(SearchWriting, dying_in, die)
        with pytest.raises(InterruptedWorkError):
            place.catch_up()
    assert place.catch_up().rebuilt is not None
    assert len(place.found("cut")) == 20


def test_of_a_view_whose_rebuild_was_broken_off_nothing_is_forgotten(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on from where it stands; meanwhile another view is kept, and what that one needs no more goes."""
    other = SearchProjection(TantivySearchView(place.directory.with_name("other")))
    monkeypatch.setattr(SearchProjection, "name", property(lambda self: "search" if self is not other else "other"))
    with place.projector() as projector, monkeypatch.context() as patched:
        patched.setattr(SearchWriting, "fill", die)
        with pytest.raises(InterruptedWorkError):
            projector.rebuild("search", "measured")
    with place.writing() as connection:
        add_domain(connection, place.tenant, "needed.example")
    with Projector(place.database, [other]) as projector:
        projector.catch_up()
    assert place.catch_up().rebuilt is None
    assert place.found("needed") == {"needed.example"}


def test_where_a_first_build_may_be_published_unnoted_nothing_is_forgotten(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place.database.connect_raw("clew_projector") as connection:
        connection.execute("DELETE FROM projections")
    with monkeypatch.context() as patched:
        patched.setattr(Books, "confirm", die)
        with pytest.raises(InterruptedWorkError):
            place.catch_up()
    with place.database.connect_raw("clew_projector") as connection:
        assert Books(connection).needed() is None
        Books(connection).fallen_behind(1, "a test cut the log")
    assert place.catch_up().rebuilt == "a test cut the log"
