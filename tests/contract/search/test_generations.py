"""What readers see while somebody writes, rebuilds or dies."""

import random
import threading
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from clew.kernel.errors import ClewError
from clew.projections.search.errors import SearchViewMissingError
from clew.projections.search.fields import DocumentSet
from clew.projections.search.port import SearchRequest, SearchView
from tests.contract.search.adapters import DAMAGES, Adapter
from tests.contract.search.conftest import ORGANIZATION, OTHER, entity, everything, fill, found, kill, until

SET = DocumentSet.OSINT_ENTITIES


def _state(view: SearchView) -> tuple[str, str] | None:
    state = view.state()
    return (state.generation, state.position) if state is not None else None


def test_nothing_can_be_read_before_anything_is_published(adapter: Adapter) -> None:
    view = adapter.view()
    assert view.state() is None
    with pytest.raises(SearchViewMissingError, match="rebuild"):
        view.reader()
    with view.writer() as writer:
        writer.put(ORGANIZATION, SET, [entity("Hidden")])
        writer.commit("1")
        assert view.state() is None
    assert view.state() is None


def test_a_new_generation_is_unseen_until_it_is_published(adapter: Adapter) -> None:
    view = adapter.view()
    fill(view, {SET: [entity("Old")]})
    before = _state(view)
    writer = view.writer(fresh=True)
    assert writer.position == ""
    writer.put(ORGANIZATION, SET, [entity("New")])
    writer.commit("rebuilt")
    with view.reader() as reader:
        assert found(reader, "") == ["Old"]
    assert _state(view) == before
    view.publish(writer)
    assert _state(view) == (writer.generation, "rebuilt")
    with view.reader() as reader:
        assert found(reader, "") == ["New"]
        assert reader.generation == writer.generation


def test_readers_of_an_old_generation_keep_it_until_they_are_done(adapter: Adapter) -> None:
    view = adapter.view()
    fill(view, {SET: [entity("Old")]})
    fill(view, {SET: [entity("Old too")]}, OTHER)
    reader = view.reader()
    assert found(reader, "old") == ["Old"]
    rebuilt = view.writer(fresh=True)
    rebuilt.put(ORGANIZATION, SET, [entity("New")])
    rebuilt.commit("2")
    view.publish(rebuilt)
    assert found(reader, "old") == ["Old"]
    assert reader.count(OTHER, SET) == 1  # opened only now
    assert len(everything(reader, OTHER)) == 1
    with view.reader() as newer:
        assert found(newer, "") == ["New"]
    size = len(adapter.traces())
    reader.close()
    view.writer().close()
    assert len(adapter.traces()) < size  # removed once nobody reads it


def test_an_abandoned_generation_leaves_nothing(adapter: Adapter) -> None:
    view = adapter.view()
    fill(view, {SET: [entity("Old")]})
    traces = adapter.traces()
    writer = view.writer(fresh=True)
    writer.put(ORGANIZATION, SET, [entity("New")])
    writer.commit("2")
    view.abandon(writer)
    assert adapter.traces() == traces
    view.abandon(view.writer())  # the published one is not removed
    with view.reader() as reader:
        assert found(reader, "") == ["Old"]


def test_an_old_state_or_the_new_one_is_seen_of_each_document(adapter: Adapter) -> None:
    """A reader in another thread never misses a document that is being replaced, nor sees it twice."""
    view = adapter.view()
    documents = [entity(f"Stable {n}", risk_score=0) for n in range(200)]
    fill(view, {SET: documents})
    done, problems, looks = threading.Event(), [], []

    def look() -> None:
        with adapter.view().reader() as reader:
            while not done.is_set():
                result = reader.search(ORGANIZATION, SearchRequest(text="stable", limit=1000, facets=("doc_type",)))
                versions = {hit.document["risk_score"] for hit in result.hits}
                stored = sum(1 for _ in reader.stored(ORGANIZATION, SET))
                looks.append(versions)
                if (
                    result.total != 200
                    or len({hit.id for hit in result.hits}) != 200
                    or stored != 200
                    or len(versions) != 1
                ):
                    problems.append((result.total, len(result.hits), stored, versions))

    reading = threading.Thread(target=look)
    reading.start()
    try:
        with view.writer() as writer:
            for turn in range(1, 31):
                writer.put(ORGANIZATION, SET, [{**document, "risk_score": turn} for document in documents])
                writer.commit(str(turn))
        until(lambda: bool(looks) and looks[-1] == {30})
    finally:
        done.set()
        reading.join()
    assert problems == []
    assert len({frozenset(look) for look in looks}) > 1


_BATCHES = """
import random
fresh = view.state() is None
writer = view.writer()
done = int(writer.position or "0")
print("begin", done, flush=True)
for number in range(done, 400):
    put, gone = batch(number)
    writer.put(ORGANIZATION, DocumentSet.OSINT_ENTITIES, put)
    writer.remove(ORGANIZATION, DocumentSet.OSINT_ENTITIES, gone)
    writer.put(OTHER, DocumentSet.DOCUMENTS, [{"id": put[0]["id"], "content": "number %d" % number}])
    if number % 50 == 20:
        writer.drop_organization(UUID(int=77))
    writer.put(UUID(int=77), DocumentSet.OSINT_ENTITIES, put[:2])
    writer.commit(str(number + 1))
    if fresh:
        view.publish(writer)
        writer = view.writer()
        fresh = False
    print(number + 1, flush=True)
writer.close()
"""


def batch(number: int) -> tuple[list[dict[str, Any]], list[str]]:
    """The changes of a step, always the same for the same number."""
    chance = random.Random(number)
    put = [entity(f"Thing {chance.randrange(60)}", risk_score=number % 100) for _ in range(20)]
    kept = {document["id"] for document in put}
    gone = [entity(f"Thing {chance.randrange(60)}")["id"] for _ in range(6)]
    return put, [identifier for identifier in gone if identifier not in kept]


def _expected(steps: int) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for number in range(steps):
        put, gone = batch(number)
        held.update({document["id"]: document for document in put})
        for identifier in gone:
            held.pop(identifier, None)
    return held


def test_a_killed_writer_loses_and_doubles_nothing(adapter: Adapter) -> None:
    """Kill -9 at any moment, between and inside commits; the next writer goes on from the position that was kept."""
    chance, view = random.Random(5), adapter.view()
    script = "from tests.contract.search.test_generations import batch\n" + _BATCHES
    position = 0
    for round_ in range(6):
        child = adapter.child(script)
        assert child.stdout is not None
        child.stdout.readline()
        for _ in range(chance.randrange(1, 14) if round_ else 3):
            child.stdout.readline()
        threading.Event().wait(chance.random() * 0.03)  # not waiting for anything: the moment is meant to be any
        kill(child)
        state = view.state()
        assert state is not None
        assert int(state.position) >= position
        position = int(state.position)
        # What the position covers is surely there; the step that was cut off may be there as well, and is put again.
        with view.writer() as writer:
            put, gone = batch(position)
            writer.put(ORGANIZATION, SET, put)
            writer.remove(ORGANIZATION, SET, gone)
            writer.put(OTHER, DocumentSet.DOCUMENTS, [{"id": put[0]["id"], "content": f"number {position}"}])
            if position % 50 == 20:
                writer.drop_organization(UUID(int=77))
            writer.commit(str(position + 1))
        position += 1
        with view.reader() as reader:
            assert everything(reader) == _expected(position)
            assert reader.count(ORGANIZATION, SET) == len(_expected(position))
    assert position > 6


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_view_counts_as_none_or_ends_in_an_error_of_ours(adapter: Adapter, damage: str) -> None:
    view = adapter.view()
    fill(view, {SET: [entity(f"Thing {n}") for n in range(50)]})
    damaged = 0
    for _ in adapter.damages(damage):
        damaged += 1
        if view.state() is not None:
            with suppress(ClewError), view.reader() as reader:
                found(reader, "thing")
                everything(reader)
    assert damaged
    writer = view.writer(fresh=True)  # and it can always be built again
    writer.put(ORGANIZATION, SET, [entity("Rebuilt")])
    writer.commit("1")
    view.publish(writer)
    with view.reader() as reader:
        assert found(reader, "") == ["Rebuilt"]
