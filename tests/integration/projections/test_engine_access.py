"""How an engine is reached: over TLS, signed in, in bounded time, and again after what passes."""

import secrets
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings
from clew.projections.search.elastic.address import EngineAddress, address_of
from clew.projections.search.elastic.connection import EngineConnection
from clew.projections.search.elastic.view import ElasticSearchView
from clew.projections.search.errors import SearchEngineUnavailableError
from clew.projections.search.fields import DocumentSet
from tests.contract.search.conftest import ORGANIZATION, entity, fill, found
from tests.engines.door import Door, door
from tests.engines.marks import ON_SEARCH_ENGINES
from tests.engines.running import running_node
from tests.support.embedded import wait_until

pytestmark = pytest.mark.same_everywhere
LOGIN = f"Basic {b64encode(b'clew:w@rd').decode()}"


@pytest.fixture(params=ON_SEARCH_ENGINES)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Door]:
    with door(running_node(request.param), tmp_path, authorization=LOGIN) as standing:
        yield standing


def _address(opened: Door, **given: Any) -> EngineAddress:
    url = f"https://clew:w%40rd@127.0.0.1:{opened.port}/d{secrets.token_hex(6)}"
    settings = Settings(data_dir=Path("/nowhere"), search_url=SecretStr(url), search_ca_file=opened.certificate)
    return replace(address_of(settings), **given)


@pytest.fixture
def connection(opened: Door) -> Iterator[EngineConnection]:
    made = EngineConnection(_address(opened, timeout_seconds=2.0))
    yield made
    made.close()


def test_a_view_is_kept_behind_tls_and_a_login(connection: EngineConnection, tmp_path: Path) -> None:
    view = ElasticSearchView(connection, tmp_path / "view", prefix=connection.address.prefix)
    fill(view, {DocumentSet.OSINT_ENTITIES: [entity("Alice Example")]})
    with view.reader() as reader:
        assert found(reader, "alice") == ["Alice Example"]
    assert connection.latency_seconds() > 0
    view.remove()


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(opened: Door) -> None:
    connection = EngineConnection(_address(opened, ca_file=None))
    with pytest.raises(ConfigurationError, match="not trusted") as caught:
        connection.identity()
    assert "CLEW_SEARCH_CA_FILE" in str(caught.value.remedy)
    assert opened.requests == 0
    connection.close()


def test_a_wrong_login_is_told_and_not_shown(opened: Door) -> None:
    connection = EngineConnection(_address(opened, authorization="Basic aHVzaDpodXNo"))
    with pytest.raises(ConfigurationError, match="refuses this login") as caught:
        connection.identity()
    assert "aHVzaDpodXNo" not in str(caught.value)
    assert opened.requests == 1  # asking again does not help
    connection.close()


def test_what_passes_is_tried_again(opened: Door, connection: EngineConnection) -> None:
    opened.statuses.extend([503, 429, 502])
    assert connection.identity().product in {"OpenSearch", "Elasticsearch"}
    assert opened.requests == 4


def test_an_engine_that_stays_silent_is_left_alone_and_asked_again_later(
    opened: Door, connection: EngineConnection
) -> None:
    opened.delay_seconds = 4.0
    for _ in range(3):
        with pytest.raises(SearchEngineUnavailableError, match="does not answer"):
            connection.request("GET", "/")
    asked = opened.requests
    opened.delay_seconds = 0.0
    with pytest.raises(SearchEngineUnavailableError, match="left alone"):
        connection.request("GET", "/")
    assert opened.requests == asked

    def answers() -> bool:
        try:
            return connection.request("GET", "/").well
        except SearchEngineUnavailableError:
            return False

    wait_until(answers, "the engine to be asked again")


def test_changes_are_all_taken_however_often_the_way_fails(
    opened: Door, connection: EngineConnection, tmp_path: Path
) -> None:
    view = ElasticSearchView(connection, tmp_path / "view", prefix=connection.address.prefix)
    fill(view, {DocumentSet.OSINT_ENTITIES: [entity("Before")]})
    with view.writer() as writer:
        writer.put(ORGANIZATION, DocumentSet.OSINT_ENTITIES, [entity(f"Thing {number}") for number in range(50)])
        opened.statuses.extend([503] * 7)  # more than one request tries by itself
        writer.commit("after")
    with view.reader() as reader:
        assert reader.count(ORGANIZATION, DocumentSet.OSINT_ENTITIES) == 51
    view.remove()
