"""The search view in a real engine: equal to the record whatever is done to either, or to whoever keeps it."""

import random
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from clew.kernel.errors import ConflictError
from clew.projections.keeping import UNREACHABLE, drill, status, verify
from clew.projections.search.elastic.address import EngineAddress
from clew.projections.search.elastic.connection import EngineConnection, connection_to
from clew.projections.search.elastic.mappings import index_body
from clew.projections.search.elastic.names import STATE_ID
from clew.projections.search.elastic.view import ElasticSearchView
from clew.projections.search.errors import SearchEngineUnavailableError
from clew.projections.search.fields import DocumentSet
from clew.projections.search_projection import SearchProjection
from tests.engines.marks import ON_SEARCH_ENGINES
from tests.engines.node import Node
from tests.engines.running import running_node
from tests.integration.projections.test_kills import environment_of, is_free, write_for
from tests.support.embedded import wait_until
from tests.support.projecting import Place, add_domain, new_place

pytestmark = [pytest.mark.same_everywhere, pytest.mark.timeout(600)]
KILLS = 4
FOLLOW = """
import sys, threading
from pathlib import Path
from clew.kernel.database import Database
from clew.kernel.settings import Settings
from clew.projections.projector import Projector
from clew.projections.search.elastic.address import EngineAddress
from clew.projections.search.elastic.connection import connection_to
from clew.projections.search.elastic.view import ElasticSearchView
from clew.projections.search_projection import SearchProjection
settings = Settings.model_validate_json(sys.argv[1])
address = EngineAddress("http", "127.0.0.1", int(sys.argv[3]), sys.argv[4])
view = ElasticSearchView(connection_to(address), Path(sys.argv[2]), prefix=address.prefix)
with Database(settings) as database:
    with Projector(database, [SearchProjection(view)]) as projector:
        print("following", flush=True)
        projector.follow(threading.Event(), idle_seconds=0.01)
"""


@dataclass
class EnginePlace:
    """A record whose search view is in an engine."""

    place: Place
    node: Node
    address: EngineAddress

    def __post_init__(self) -> None:
        self.view = ElasticSearchView(self.connection, self.place.directory, prefix=self.address.prefix)
        self.place.projection = SearchProjection(self.view)

    @property
    def connection(self) -> EngineConnection:
        return connection_to(self.address)

    @property
    def public(self) -> str:
        return f"/{self.address.prefix}-osint_entities"

    def by_hand(self, method: str, target: str, body: dict[str, Any] | None = None) -> Any:
        """What somebody does with the engine's own tools."""
        return self.connection.succeed(method, target, body)

    def remove(self) -> None:
        """Remove all that is in the engine, as soon as it is asked again."""
        wait_until(self._is_removed, "the engine to answer")

    def _is_removed(self) -> bool:
        try:
            self.view.remove()
        except SearchEngineUnavailableError:
            return False
        return True

    def key_of(self, name: str) -> str:
        """The engine's own id of the domain with this name."""
        found = self.by_hand("POST", f"{self.public}/_search", {"query": {"term": {"name.keyword": name}}})
        (hit,) = found["hits"]["hits"]
        return str(hit["_id"])

    def change(self, domain: str, **fields: Any) -> None:
        self.by_hand("POST", f"{self.public}/_update/{self.key_of(domain)}?refresh=true", {"doc": fields})


@pytest.fixture(params=ON_SEARCH_ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[EnginePlace]:
    node = running_node(request.param)
    with new_place() as place:
        address = EngineAddress("http", "127.0.0.1", node.port, f"v{secrets.token_hex(6)}", timeout_seconds=10.0)
        made = EnginePlace(place, node, address)
        yield made
        made.remove()


def test_what_is_changed_or_deleted_by_hand_is_found_and_repaired(engine: EnginePlace) -> None:
    place = engine.place
    with place.writing() as connection:
        for number in range(18):
            add_domain(connection, place.tenant, f"name-{number}.example", text="plain")
    assert place.catch_up().rebuilt is not None
    place.assert_equal(18)

    engine.change("name-1.example", name="other.example")
    engine.change("name-2.example", properties={"text": "forged"})
    engine.change("name-3.example", clew={"_starts": ["hidden"]})  # what is shown is right, what is found is not
    engine.change("name-4.example", organization_id="00000000-0000-4000-8000-000000000009")
    engine.by_hand("DELETE", f"{engine.public}/_doc/{engine.key_of('name-5.example')}?refresh=true")
    forged = {"id": "00000000-0000-4000-8000-00000000000a", "name": "forged.example", "doc_type": "entity"}
    stray = {**forged, "organization_id": str(place.tenant.id)}
    engine.by_hand("POST", f"{engine.public}/_doc?refresh=true", stray)

    with place.projector() as projector:
        found = verify(projector, "search")
        assert not found.equal
        assert len(found.comparison.missing) == 2
        assert len(found.comparison.different) == 3
        assert {str(each.row_id) for each in found.comparison.extra} >= {forged["id"]}
        assert verify(projector, "search", repair=True).equal
    place.assert_equal(18)
    assert place.found("name") == {f"name-{number}.example" for number in range(18)}
    assert place.found("forged") == set()


def test_an_engine_that_forgot_everything_or_a_part_is_filled_anew(engine: EnginePlace) -> None:
    place = engine.place
    with place.writing() as connection:
        add_domain(connection, place.tenant, "kept.example")
    place.catch_up()
    for lost in ("attacks", "osint_entities", "search_state"):
        names = engine.by_hand("GET", f"/_alias/{engine.address.prefix}-{lost}")
        engine.by_hand("DELETE", f"/{next(iter(names))}")
        assert place.catch_up().rebuilt is not None, lost
        assert place.found("kept") == {"kept.example"}
    place.assert_equal(1)
    killed = engine.view.copied()
    killed.__enter__()  # whoever drilled did not get to the end
    with place.projector() as projector:
        assert drill(projector, "search").equal
    assert engine.connection.names_like(f"{engine.address.prefix}-drill_*") == []
    place.assert_equal(1)


def test_an_engine_that_is_away_is_waited_for(engine: EnginePlace) -> None:
    place = engine.place
    with place.writing() as connection:
        add_domain(connection, place.tenant, "before.example")
        place.catch_up()
        engine.node.kill()
        add_domain(connection, place.tenant, "meanwhile.example")
        assert "does not answer" in str(place.catch_up().error)
        (told,) = status(place.database, [place.projection])
        assert (told.state, told.rows, told.lag_changes > 0) == (UNREACHABLE, 1, True)
        assert "search engine" in str(told.reason)
        engine.node.start()
    wait_until(lambda: place.catch_up().error is None, "the engine to be asked again")
    assert place.found("example") == {"before.example", "meanwhile.example"}
    place.assert_equal(2)


def test_a_row_that_only_the_engine_refuses_is_set_aside_and_told(engine: EnginePlace) -> None:
    place = engine.place
    with place.writing() as connection:
        add_domain(connection, place.tenant, "good.example")
        place.catch_up()
        stricter = index_body(DocumentSet.OSINT_ENTITIES, shards=1)
        stricter["mappings"]["properties"] = {**stricter["mappings"]["properties"], "name": {"type": "long"}}
        _put_in_place_of_the_index(engine, stricter)
        bad = add_domain(connection, place.tenant, "bad.example")
    assert place.catch_up().error is None
    with place.projector() as projector:
        aside = projector.books.aside("search")
    assert [key for key, reason in aside.items() if "pars" in reason] == [(place.tenant.id, bad)]


def _put_in_place_of_the_index(engine: EnginePlace, body: dict[str, Any]) -> None:
    """An index of another kind, which the view takes for its own."""
    prefix = engine.address.prefix
    ((name, told),) = engine.by_hand("GET", f"{engine.public}/_alias").items()
    engine.by_hand("DELETE", f"/{name}")
    aliases: dict[str, Any] = {alias: {} for alias in told["aliases"]}
    engine.by_hand("PUT", f"/{name}", {**body, "aliases": aliases})
    uuid = engine.by_hand("GET", f"/{name}/_settings")[name]["settings"]["index"]["uuid"]
    state = engine.by_hand("GET", f"/{prefix}-search_state/_doc/{STATE_ID}")["_source"]
    engine.by_hand(
        "PUT", f"/{prefix}-search_state/_doc/{STATE_ID}", {**state, "indices": {**state["indices"], name: uuid}}
    )


def test_whoever_is_killed_record_and_engine_end_equal(engine: EnginePlace) -> None:
    place = engine.place
    place.catch_up()
    for round_ in range(KILLS):
        process = _follower(engine)
        try:
            write_for(place, random.uniform(0.2, 0.6))
            if round_ % 2:
                engine.node.kill()
                write_for(place, 0.2)
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        if round_ % 2:
            engine.node.start()
        wait_until(lambda: is_free(place), "the server to notice that the follower was killed")
    wait_until(lambda: place.catch_up().error is None, "the engine to be asked again")
    place.assert_equal()
    engine.node.stop()
    engine.node.start()
    wait_until(lambda: _is_equal(place), "the engine to be asked again")


def _is_equal(place: Place) -> bool:
    try:
        with place.projector() as projector:
            return verify(projector, "search").equal
    except ConflictError:
        return False


def _follower(engine: EnginePlace) -> subprocess.Popen[str]:
    settings, environment = environment_of(engine.place)
    place = [str(engine.place.directory), str(engine.address.port), engine.address.prefix]
    process = subprocess.Popen(
        [sys.executable, "-c", FOLLOW, settings, *place], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "following\n"
    return process
