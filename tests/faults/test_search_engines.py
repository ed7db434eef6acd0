"""The search view in an engine to which the worst is done while the record changes: equal in the end, and soon."""

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from clew.projections.keeping import status
from clew.projections.projector import Projector
from clew.projections.search.elastic.address import EngineAddress
from tests.engines.marks import ON_SEARCH_ENGINES
from tests.engines.node import Node
from tests.engines.running import running_node
from tests.faults.proxy import FaultyWire
from tests.faults.stream import CHANGES, stream
from tests.integration.projections.test_on_engines import EnginePlace
from tests.support.projecting import new_place

pytestmark = [pytest.mark.same_everywhere, pytest.mark.timeout(600)]

BACK_SECONDS = 60.0  # after the engine's return
LAG_SECONDS = 2.0
_UNAUTHORIZED = b'{"error":{"type":"security_exception","reason":"unable to authenticate user"},"status":401}'
WRONG_PASSWORD = (
    b"HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: "
    + str(len(_UNAUTHORIZED)).encode()
    + b"\r\n\r\n"
    + _UNAUTHORIZED
)


@dataclass
class Stage:
    """An engine behind a wire, and a record that follows into it."""

    place: EnginePlace
    node: Node
    wire: FaultyWire


@pytest.fixture(params=ON_SEARCH_ENGINES)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    node = running_node(request.param)
    with FaultyWire(node.port) as wire, new_place() as place:
        address = EngineAddress("http", "127.0.0.1", wire.port, f"v{secrets.token_hex(6)}", timeout_seconds=5.0)
        made = EnginePlace(place, node, address)
        yield Stage(made, node, wire)
        made.remove()


@contextlib.contextmanager
def killed(stage: Stage) -> Iterator[None]:
    stage.node.kill()
    yield
    stage.node.start()


@contextlib.contextmanager
def frozen(stage: Stage) -> Iterator[None]:
    stage.node.freeze()
    yield
    stage.node.thaw()


@contextlib.contextmanager
def wiped(stage: Stage) -> Iterator[None]:
    stage.node.wipe()
    yield
    stage.node.start()


@contextlib.contextmanager
def read_only(stage: Stage) -> Iterator[None]:
    """What an engine does by itself when its disk is full."""
    indices = f"/{stage.place.address.prefix}*/_settings"
    stage.place.by_hand("PUT", indices, {"index.blocks.read_only_allow_delete": True})
    yield
    stage.place.by_hand("PUT", indices, {"index.blocks.read_only_allow_delete": None})


FAULTS: dict[str, tuple[float, Callable[[Stage], contextlib.AbstractContextManager[None]]]] = {
    "killed for a minute": (60.0, killed),
    "stopped for half a minute": (30.0, frozen),
    "emptied": (5.0, wiped),
    "read-only": (15.0, read_only),
    "slow by 200 ms": (20.0, lambda stage: stage.wire.delayed(0.2)),
    "cut off again and again": (20.0, lambda stage: stage.wire.cutting(20_000)),
    "another password": (15.0, lambda stage: stage.wire.answering(WRONG_PASSWORD)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_is_done_to_an_engine_it_ends_equal_with_the_record(stage: Stage, fault: str) -> None:
    seconds, does = FAULTS[fault]
    place = stage.place.place
    assert place.catch_up().error is None
    stop = threading.Event()
    failed: list[BaseException] = []

    def follow() -> None:
        try:
            with Projector(place.database, [place.projection]) as projector:
                projector.follow(stop, idle_seconds=0.05)
        except BaseException as error:  # noqa: BLE001  a follower that ends by itself is what must not be
            failed.append(error)

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    try:
        with stream(place, seconds + 10.0) as writing:
            time.sleep(3.0)
            with does(stage):
                time.sleep(seconds)
            returned = time.monotonic()
        assert writing.done > CHANGES * 0.8
        while (lag := lag_of(stage)) >= LAG_SECONDS:
            assert time.monotonic() - returned < BACK_SECONDS + 10.0, f"still {lag:.0f} s behind"
            assert not failed
            time.sleep(0.2)
    finally:
        stop.set()
        follower.join()
    assert not failed
    assert place.catch_up().error is None
    place.assert_equal()
    with place.projector() as projector:
        assert projector.books.count_aside("search") == 0


def lag_of(stage: Stage) -> float:
    (told,) = status(stage.place.place.database, [stage.place.place.projection])
    return told.lag_seconds
