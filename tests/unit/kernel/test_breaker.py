"""While an engine is away only one call now and then waits for it."""

import pytest

from clew.kernel.cache.redis.breaker import FAILURES, LONGEST_PAUSE_SECONDS, Breaker


@pytest.fixture
def clock() -> list[float]:
    return [100.0]


@pytest.fixture
def breaker(clock: list[float]) -> Breaker:
    return Breaker(lambda: clock[0])


def opened(breaker: Breaker) -> None:
    assert [breaker.failed() for _ in range(FAILURES)] == [False] * (FAILURES - 1) + [True]


def test_it_opens_after_failures_in_a_row(breaker: Breaker) -> None:
    for _ in range(FAILURES - 1):
        breaker.failed()
    assert not breaker.succeeded()
    assert breaker.allows()
    opened(breaker)
    assert breaker.is_open
    assert not breaker.allows()


def test_one_call_tries_after_the_pause_and_closes_it(breaker: Breaker, clock: list[float]) -> None:
    opened(breaker)
    clock[0] += 0.5
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    assert breaker.succeeded()
    assert not breaker.is_open
    assert breaker.allows()


def test_pauses_grow_and_are_bounded(breaker: Breaker, clock: list[float]) -> None:
    opened(breaker)
    pauses = []
    for _ in range(12):
        began = clock[0]
        while not breaker.allows():
            clock[0] += 0.05
        pauses.append(clock[0] - began)
        assert not breaker.failed()
    assert pauses[3] > 2 * pauses[0]
    assert max(pauses) <= LONGEST_PAUSE_SECONDS + 0.1
    assert min(pauses[-3:]) > 0.7 * LONGEST_PAUSE_SECONDS


def test_calls_that_were_begun_before_it_opened_do_not_lengthen_the_pause(breaker: Breaker, clock: list[float]) -> None:
    opened(breaker)
    for _ in range(50):
        assert not breaker.failed()
    clock[0] += 0.5
    assert breaker.allows()


def test_a_call_that_never_came_back_does_not_keep_it_open(breaker: Breaker, clock: list[float]) -> None:
    opened(breaker)
    clock[0] += 0.5
    assert breaker.allows()
    clock[0] += LONGEST_PAUSE_SECONDS + 0.1
    assert breaker.allows()
