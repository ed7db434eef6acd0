import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from clew.projections.kept_writings import KeptWritings


class Counted:
    """A projection that tells how often its writing was opened and is open."""

    def __init__(self, name: str = "search", *, fault: Exception | None = None) -> None:
        self.name = name
        self.opened = self.is_open = 0
        self._fault = fault

    @contextlib.contextmanager
    def writing(self) -> Iterator[Any]:
        if self._fault is not None:
            raise self._fault
        self.opened += 1
        self.is_open += 1
        try:
            yield object()
        finally:
            self.is_open -= 1


class Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def use(kept: KeptWritings, projection: Any) -> Any:
    with kept.writing(projection) as writing:
        return writing


def test_a_writing_stays_open_from_step_to_step() -> None:
    kept, projection = KeptWritings(), Counted()
    assert use(kept, projection) is use(kept, projection)
    assert (projection.opened, projection.is_open) == (1, 1)
    kept.close()
    assert projection.is_open == 0


def test_one_that_failed_is_closed_and_opened_anew() -> None:
    kept, projection = KeptWritings(), Counted()
    first = use(kept, projection)

    def fail() -> None:
        with kept.writing(projection):  # type: ignore[arg-type]
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert projection.is_open == 0
    assert use(kept, projection) is not first


def test_one_that_cannot_be_opened_leaves_nothing_behind() -> None:
    kept, projection = KeptWritings(), Counted(fault=OSError("no such directory"))
    for _ in range(2):
        with pytest.raises(OSError, match="no such"):
            use(kept, projection)
    kept.close()


def test_one_that_rested_is_closed_and_the_others_are_not() -> None:
    seconds = Seconds()
    kept, busy, resting = KeptWritings(rested_seconds=5, seconds=seconds), Counted("busy"), Counted("resting")
    use(kept, resting)
    seconds.now += 4.9
    use(kept, busy)
    kept.close_rested()
    assert (busy.is_open, resting.is_open) == (1, 1)
    seconds.now += 0.2
    kept.close_rested()
    assert (busy.is_open, resting.is_open) == (1, 0)


def test_a_rebuild_gets_the_writing_out_of_its_way() -> None:
    kept, projection = KeptWritings(), Counted()
    use(kept, projection)
    kept.let_go("search")
    kept.let_go("search")
    assert projection.is_open == 0
