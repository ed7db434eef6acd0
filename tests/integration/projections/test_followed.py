"""Commands that change the record leave the views up to date, or leave a note that they did not."""

import contextlib
from collections.abc import Iterator

import psutil
import pytest

from clew.kernel.errors import DatabaseUnavailableError, InputError
from clew.kernel.settings import Settings
from clew.projections.companion import Companion, companion
from clew.projections.projector import Projector
from clew.projections.registry import projections
from clew.projections.search.fields import DocumentSet
from clew.projections.search_place import dead_notes, is_behind, organization_ids, search_directory, search_view
from clew.projections.service import catch_up, followed, waiting
from tests.support.embedded import command_line, wait_until
from tests.support.projecting import Place, add_domain, new_place


@pytest.fixture
def place() -> Iterator[Place]:
    with new_place() as made:
        yield made


def count(place: Place) -> int:
    with search_view(place.database.settings).reader() as reader:
        return sum(1 for _ in reader.stored(place.tenant.id, DocumentSet.OSINT_ENTITIES))


def write(place: Place, name: str) -> None:
    with place.writing() as connection:
        add_domain(connection, place.tenant, name)


def fail_after_writing(place: Place, error: BaseException) -> None:
    with followed(place.database):
        write(place, "unlucky.example")
        raise error


def test_the_view_has_what_was_written_within_the_block(place: Place) -> None:
    with followed(place.database):
        write(place, "one.example")
        assert not is_behind(place.database.settings), "a command at work is not a dead one"
    assert count(place) == 1
    assert not is_behind(place.database.settings)
    assert organization_ids(place.database.settings)[place.tenant.slug] == str(place.tenant.id)


def test_the_view_follows_what_was_written_before_an_error(place: Place) -> None:
    with pytest.raises(InputError):
        fail_after_writing(place, InputError("the second file is not there"))
    assert count(place) == 1
    assert not is_behind(place.database.settings)


def test_ctrl_c_leaves_a_note_and_the_next_command_catches_up(place: Place) -> None:
    with followed(place.database):
        write(place, "one.example")
    with pytest.raises(KeyboardInterrupt):
        fail_after_writing(place, KeyboardInterrupt())
    assert is_behind(place.database.settings)
    assert count(place) == 1
    assert catch_up(place.database) is not None
    assert count(place) == 2
    assert dead_notes(place.database.settings) == []


def test_what_would_take_long_is_left_to_whoever_reads_next(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def long_lasting(settings: Settings) -> Iterator[Companion]:
        with companion(settings, after_seconds=0) as beside:
            wait_until(lambda: beside.was_started, "the process beside the command to be started")
            yield beside

    settings = place.database.settings
    with followed(place.database):
        write(place, "one.example")
    monkeypatch.setattr("clew.projections.service.MOST_WAITED_FOR", 2)
    with monkeypatch.context() as patched, Projector(place.database, projections(settings)):
        patched.setattr("clew.projections.service.companion", long_lasting)
        with followed(place.database):  # the process beside it finds the views busy
            for number in range(3):
                write(place, f"left-{number}.example")
    assert not any("companion_process" in command_line(each) for each in psutil.Process().children())
    assert is_behind(settings)
    assert waiting(place.database) == 3
    assert count(place) == 1
    with followed(place.database):  # a small command after it does not pay for it either
        write(place, "small.example")
    assert waiting(place.database) == 4
    assert catch_up(place.database) is not None
    assert not is_behind(settings)
    assert count(place) == 5


def test_a_database_that_goes_away_is_told_not_raised(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise DatabaseUnavailableError("stopped")

    monkeypatch.setattr(Projector, "catch_up", gone)
    with followed(place.database):
        write(place, "one.example")
    assert is_behind(place.database.settings)


def test_one_waits_until_another_has_come_this_far(place: Place) -> None:
    settings = place.database.settings
    with Projector(place.database, projections(settings)) as other:
        other.catch_up()
        write(place, "one.example")
        assert catch_up(place.database, patience_seconds=0.2) is None
        other.catch_up()
        assert catch_up(place.database, patience_seconds=5) == []
    assert count(place) == 1


def test_without_search_nothing_is_made_but_a_view_that_is_there_is_noted_as_behind(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    off = place.database.settings.model_copy(update={"search": "none"})
    with monkeypatch.context() as patched:
        patched.setattr(place.database, "settings", off)
        with followed(place.database):
            write(place, "one.example")
    assert not search_directory(off).exists()
    catch_up(place.database)
    monkeypatch.setattr(place.database, "settings", off)
    with followed(place.database):
        write(place, "two.example")
    assert is_behind(off)
