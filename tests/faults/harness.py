"""Whatever is done to an engine while the record changes: the view that it keeps ends equal with the record, and soon.

For every view in an engine: what can be done to a process is here, what an engine says by itself (that it is read-only,
that a password is wrong) each of them adds.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from clew.projections.keeping import status
from clew.projections.projector import Projector
from tests.faults.proxy import FaultyWire
from tests.faults.stream import CHANGES, DOMAINS, Changes, stream
from tests.support.projecting import Place

BACK_SECONDS = 60.0  # after the engine's return
LAG_SECONDS = 2.0


class Node(Protocol):
    """A server of the tests' own."""

    def start(self) -> None: ...
    def kill(self) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...
    def wipe(self) -> None: ...


@dataclass
class Stage:
    """A record whose view is in an engine behind a wire."""

    place: Place
    node: Node
    wire: FaultyWire


Fault = Callable[[Stage], contextlib.AbstractContextManager[None]]


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


# How long each lasts, and what it does.
FAULTS: Mapping[str, tuple[float, Fault]] = {
    "killed for a minute": (60.0, killed),
    "stopped for half a minute": (30.0, frozen),
    "emptied": (5.0, wiped),
    "slow by 200 ms": (20.0, lambda stage: stage.wire.delayed(0.2)),
    "cut off again and again": (20.0, lambda stage: stage.wire.cutting(20_000)),
}


def survive(stage: Stage, seconds: float, does: Fault, of: Changes = DOMAINS) -> None:
    """Do it to the engine for so long while the record changes: the view catches up, and is equal in the end."""
    place = stage.place
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
        with stream(place, seconds + 10.0, of=of) as writing:
            time.sleep(3.0)
            with does(stage):
                time.sleep(seconds)
            returned = time.monotonic()
        assert writing.done > CHANGES * 0.8
        while (lag := lag_of(place)) >= LAG_SECONDS:
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
        assert projector.books.count_aside(place.projection.name) == 0


def lag_of(place: Place) -> float:
    (told,) = status(place.database, [place.projection])
    return told.lag_seconds
