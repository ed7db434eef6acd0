"""The search view in an engine to which the worst is done while the record changes: equal in the end, and soon."""

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from clew.projections.search.elastic.address import EngineAddress
from tests.engines.marks import ON_SEARCH_ENGINES
from tests.engines.running import running_node
from tests.faults import harness
from tests.faults.harness import survive
from tests.faults.proxy import FaultyWire
from tests.integration.projections.test_on_engines import EnginePlace
from tests.support.projecting import new_place

pytestmark = [pytest.mark.same_everywhere, pytest.mark.timeout(600)]

_UNAUTHORIZED = b'{"error":{"type":"security_exception","reason":"unable to authenticate user"},"status":401}'
WRONG_PASSWORD = (
    b"HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: "
    + str(len(_UNAUTHORIZED)).encode()
    + b"\r\n\r\n"
    + _UNAUTHORIZED
)


@dataclass
class Stage(harness.Stage):
    """An engine behind a wire, and a record that follows into it."""

    engine: EnginePlace


@pytest.fixture(params=ON_SEARCH_ENGINES)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    node = running_node(request.param)
    with FaultyWire(node.port) as wire, new_place() as place:
        address = EngineAddress("http", "127.0.0.1", wire.port, f"v{secrets.token_hex(6)}", timeout_seconds=5.0)
        made = EnginePlace(place, node, address)
        yield Stage(place, node, wire, made)
        made.remove()


@contextlib.contextmanager
def read_only(stage: harness.Stage) -> Iterator[None]:
    """What an engine does by itself when its disk is full."""
    assert isinstance(stage, Stage)
    indices = f"/{stage.engine.address.prefix}*/_settings"
    stage.engine.by_hand("PUT", indices, {"index.blocks.read_only_allow_delete": True})
    yield
    stage.engine.by_hand("PUT", indices, {"index.blocks.read_only_allow_delete": None})


FAULTS: dict[str, tuple[float, harness.Fault]] = {
    **harness.FAULTS,
    "read-only": (15.0, read_only),
    "another password": (15.0, lambda stage: stage.wire.answering(WRONG_PASSWORD)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_is_done_to_an_engine_it_ends_equal_with_the_record(stage: Stage, fault: str) -> None:
    seconds, does = FAULTS[fault]
    survive(stage, seconds, does)
