"""Attacks of the view in a real engine grow old, and the view says the same all the while, whatever is cut off."""

import contextlib
import secrets
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from clew.kernel.database import Database
from clew.projections.keeping import verify
from clew.projections.projector import Projector
from clew.projections.search.elastic.address import EngineAddress
from clew.projections.search.elastic.catalogue import MARK, templates
from clew.projections.search.elastic.connection import EngineConnection, connection_to
from clew.projections.search.elastic.generations import Copies
from clew.projections.search.elastic.lifecycle import Step
from clew.projections.search.elastic.names import STATE_ID
from clew.projections.search.elastic.opening import engine_connection, engine_view
from clew.projections.search.elastic.view import ElasticSearchView
from clew.projections.search.fields import DocumentSet, SearchIndex
from clew.projections.search.port import SearchRequest
from clew.projections.search_ageing import age_indices, age_view
from clew.projections.search_place import search_directory
from clew.projections.search_projection import SearchProjection
from tests.engines.marks import ON_SEARCH_ENGINES
from tests.engines.running import running_node
from tests.support.embedded import wait_until
from tests.support.projecting import Place, new_place
from tests.support.record import Writer

pytestmark = [pytest.mark.same_everywhere, pytest.mark.timeout(600)]
OWN, OTHER = uuid4(), uuid4()
ATTACKS = DocumentSet.ATTACKS


def attack(source: str, **fields: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "timestamp": "2025-03-01T00:00:00.000000+00:00", "source_ip": source, **fields}


class Aged:
    """A view, and the clock of its scheduler."""

    def __init__(self, connection: EngineConnection, directory: Path) -> None:
        self.connection = connection
        self.prefix = f"w{secrets.token_hex(6)}"
        self.view = ElasticSearchView(connection, directory, prefix=self.prefix, copies=Copies({ATTACKS: 2}, 0))
        self.now = datetime.now(UTC)
        with contextlib.closing(self.view.writer(fresh=True)) as writer:
            writer.commit("0")
            self.view.publish(writer)
        self.generation = self.view.names.alias(ATTACKS, self.state())

    def state(self) -> str:
        state = self.view.state()
        assert state is not None, "the view counts as damaged"
        return state.generation

    def write(self, put: list[dict[str, Any]], gone: list[str] | None = None, owner: UUID = OWN) -> None:
        with contextlib.closing(self.view.writer()) as writer:
            assert writer.generation in self.generation  # and none made anew
            assert writer.put(owner, ATTACKS, put) == ()
            writer.remove(owner, ATTACKS, gone or [])
            writer.commit("1")

    def after(self, days: float) -> list[Step]:
        """What is done once so many days have passed, but for merging, which depends on the engine's own."""
        self.now += timedelta(days=days)
        done: list[Step] = []
        while found := self.view.age(self.now, contextlib.nullcontext):
            self.state()
            done += [each.step for each in found if each.step is not Step.MERGE]
        return done

    def indices(self) -> list[str]:
        found = self.connection.succeed("GET", f"/{self.generation}/_settings")
        return sorted(name.removeprefix(f"{self.generation}-") for name in found)

    def shown(self, owner: UUID = OWN) -> dict[str, str]:
        """Ports by source, of what is found, read through and counted: all three say the same."""
        with self.view.reader() as reader:
            stored = [identifier for identifier, _ in reader.stored(owner, ATTACKS)]
            found = reader.search(owner, SearchRequest(index=SearchIndex.ATTACKS, limit=100))
            documents = reader.get(owner, SearchIndex.ATTACKS, [hit.id for hit in found.hits])
        assert sorted(stored) == sorted(documents)
        assert len(stored) == found.total == len(found.hits)
        return {each["source_ip"]: str(each.get("port")) for each in documents.values()}

    def aliased(self) -> list[str]:
        """The indices behind the name that everybody knows."""
        found = self.connection.succeed("GET", f"/_alias/{self.prefix}-attacks")
        return sorted(name.removeprefix(f"{self.generation}-") for name in found)


@pytest.fixture(params=ON_SEARCH_ENGINES)
def aged(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Aged]:
    node = running_node(request.param)
    made = Aged(connection_to(EngineAddress("http", "127.0.0.1", node.port, "", timeout_seconds=60.0)), tmp_path / "v")
    yield made
    made.view.remove()


def test_attacks_age_and_every_change_of_an_old_one_still_arrives(aged: Aged) -> None:
    first, second, third = attack("192.0.2.1"), attack("192.0.2.2"), attack("192.0.2.3")
    aged.write([first, second, third])
    aged.write([attack("198.51.100.9")], owner=OTHER)
    assert aged.after(6.9) == []
    assert aged.after(0.2)[0] is Step.ROLLOVER  # and the engine's clock, behind ours, closed it a week ago
    assert aged.indices() == aged.aliased() == ["000001-shrunk", "000002"]
    aged.write([{**first, "port": 22}, attack("192.0.2.4")], gone=[second["id"]])
    assert aged.shown() == {"192.0.2.1": "22", "192.0.2.3": "None", "192.0.2.4": "None"}

    assert Step.READ_ONLY in aged.after(30)
    old = f"{aged.generation}-000001-shrunk"
    refused = aged.connection.request("POST", f"/{old}/_doc", {})
    assert "block" in refused.reason
    aged.write([{**first, "port": 23}], gone=[third["id"]])
    assert aged.shown() == {"192.0.2.1": "23", "192.0.2.4": "None"}
    assert Step.READ_ONLY in aged.after(0.1)  # closed again

    with contextlib.closing(aged.view.writer()) as writer:
        writer.drop_organization(OTHER)
        writer.commit("2")
    assert aged.shown(OTHER) == {}
    assert Step.DELETE not in aged.after(400)  # what the record has is shown, however old
    assert aged.shown() == {"192.0.2.1": "23", "192.0.2.4": "None"}
    aged.write([], gone=[first["id"]])
    assert Step.DELETE in aged.after(0.1)
    assert "000001-shrunk" not in aged.indices()
    assert aged.shown() == {"192.0.2.4": "None"}
    with aged.view.copied() as copy, copy.reader() as reader:
        assert reader.count(OWN, ATTACKS) == 1


def test_a_document_put_by_hand_into_another_index_is_taken_away(aged: Aged) -> None:
    first = attack("192.0.2.1")
    aged.write([first])
    aged.after(7.1)
    (hit,) = aged.connection.succeed("POST", f"/{aged.generation}/_search", {})["hits"]["hits"]
    copied = f"/{aged.generation}-000002/_doc/{hit['_id']}?refresh=true"
    aged.connection.succeed("PUT", copied, {**hit["_source"], "port": 1})
    aged.write([{**first, "port": 2}])
    assert aged.shown() == {"192.0.2.1": "2"}
    aged.connection.succeed("PUT", copied, hit["_source"])
    aged.write([], gone=[first["id"]])
    assert aged.shown() == {}


@pytest.mark.parametrize("switched", [False, True])
def test_a_step_that_was_cut_off_leaves_the_view_whole(aged: Aged, switched: bool) -> None:
    aged.write([attack("192.0.2.1")])
    place = f"/{aged.generation.replace('attacks', 'search_state')}/_doc/{STATE_ID}"
    before = aged.connection.succeed("GET", place)["_source"]
    assert aged.after(7.1)[0] is Step.ROLLOVER
    after = aged.connection.succeed("GET", place)["_source"]
    if switched:  # killed between the change of aliases and the note of it
        aged.connection.succeed("PUT", place, {**before, "indices": before["indices"], "next": after["indices"]})
    else:  # killed before it
        coming = {**after["indices"], f"{aged.generation}-000003": "made, and not used"}
        aged.connection.succeed("PUT", place, {**after, "next": coming})
    aged.state()
    aged.write([attack("192.0.2.2")])
    assert "next" not in aged.connection.succeed("GET", place)["_source"]
    assert set(aged.shown()) == {"192.0.2.1", "192.0.2.2"}


def test_an_index_that_was_deleted_by_hand_is_missed(aged: Aged) -> None:
    aged.write([attack("192.0.2.1")])
    aged.after(7.1)
    aged.connection.succeed("DELETE", f"/{aged.generation}-000001-shrunk")
    assert aged.view.state() is None


def test_what_is_not_alone_changes_nothing(aged: Aged) -> None:
    aged.write([attack("192.0.2.1")])
    aged.now += timedelta(days=8)
    with contextlib.closing(aged.view.writer()), pytest.raises(Exception, match="is writing this search view"):
        aged.view.age(aged.now, contextlib.nullcontext)
    assert aged.indices() == ["000001"]


@pytest.mark.parametrize("engine", ON_SEARCH_ENGINES)
def test_the_scheduler_installs_templates_and_ages_the_view_while_another_keeps_it(engine: str) -> None:
    prefix = f"w{secrets.token_hex(6)}"
    with new_place() as place:
        changed = {"search_url": SecretStr(f"{running_node(engine).url}/{prefix}"), "search_replicas": 0}
        settings = place.database.settings.model_copy(update=changed)
        view = engine_view(settings, search_directory(settings))
        connection, stop = engine_connection(settings), threading.Event()
        with Database(settings) as database:
            follower = threading.Thread(target=follow, args=(database, SearchProjection(view), stop))
            follower.start()
            try:
                put_session(place, "192.0.2.1")
                wait_until(lambda: rows(view) == 1, "the view to follow")
                age_view(database, datetime.now(UTC) + timedelta(days=8))
                (state,) = [view.state()]
                assert state is not None
                names = view.names.alias(ATTACKS, state.generation)
                assert sorted(connection.succeed("GET", f"/{names}/_settings")) == [
                    f"{names}-000001",
                    f"{names}-000002",
                ]
                put_session(place, "192.0.2.2")
                wait_until(lambda: rows(view) == 2, "the view to follow")
            finally:
                stop.set()
                follower.join()
            with Projector(database, [SearchProjection(view)]) as projector:
                assert verify(projector, "search").equal
            age_indices(database, stop)  # only what it begins with
            told = connection.succeed("GET", f"/_index_template/{prefix}-*")["index_templates"]
            assert {each["name"] for each in told} == set(templates(view.names, {}, 0))
            connection.succeed("PUT", f"/{prefix}-logs-cowrie-2025.03.01")
            mapped = connection.succeed("GET", f"/{prefix}-logs-cowrie-2025.03.01/_mapping")
            assert mapped[f"{prefix}-logs-cowrie-2025.03.01"]["mappings"]["_meta"] == {MARK: True}
        connection.succeed("DELETE", f"/{prefix}-logs-cowrie-2025.03.01")
        for each in told:
            connection.succeed("DELETE", f"/_index_template/{each['name']}")
        view.remove()


def follow(database: Database, projection: SearchProjection, stop: threading.Event) -> None:
    with Projector(database, [projection]) as projector:
        projector.follow(stop, idle_seconds=0.05)


def put_session(place: Place, address: str) -> None:
    with place.database.transaction(place.tenant.context) as connection:
        Writer(connection, place.tenant).session(address)


def rows(view: ElasticSearchView) -> int:
    return SearchProjection(view).rows()
