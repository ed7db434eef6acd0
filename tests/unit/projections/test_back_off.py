"""A view that fails is tried again later and later; the others meanwhile."""

from clew.projections.attempts import LONGEST_PAUSE_SECONDS, BackOff, Outcome


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_one_that_fails_waits_and_keeps_no_other_waiting() -> None:
    clock = Hands()
    waits = BackOff(clock)
    assert waits.is_due("graph")
    waits.note(Outcome("graph", error="away"))
    waits.note(Outcome("search", changes=3))
    assert (waits.is_due("graph"), waits.is_due("search")) == (False, True)
    clock.now += 0.21
    assert waits.is_due("graph")


def test_pauses_grow_to_a_limit_and_end_with_a_success() -> None:
    clock = Hands()
    waits = BackOff(clock)
    for _ in range(20):
        waits.note(Outcome("graph", error="away"))
    clock.now += LONGEST_PAUSE_SECONDS / 2 - 0.01
    assert not waits.is_due("graph")
    clock.now += LONGEST_PAUSE_SECONDS / 2 + 0.02
    assert waits.is_due("graph")
    waits.note(Outcome("graph"))
    assert waits.is_due("graph")
    waits.note(Outcome("graph", error="away"))
    clock.now += 0.21
    assert waits.is_due("graph")
