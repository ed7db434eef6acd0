"""Sliding windows: never more than the limit within any span, exact for any number of callers at once."""

import threading
from datetime import timedelta

import pytest

from clew.kernel.cache.port import Taken
from tests.contract.cache.conftest import MOMENT, Adapter


def test_as_many_are_allowed_as_the_limit_says(adapter: Adapter) -> None:
    window = adapter.window(3)
    taken = [adapter.cache.take([window]) for _ in range(5)]
    assert [each.allowed for each in taken] == [True, True, True, False, False]
    assert [each.rooms[0].used for each in taken] == [1, 2, 3, 3, 3]
    assert [each.rooms[0].remaining for each in taken] == [2, 1, 0, 0, 0]
    assert taken[0].rooms[0].freed_after == timedelta()
    for full in taken[2:]:
        assert timedelta() < full.rooms[0].freed_after <= full.rooms[0].empty_after <= window.length


def test_a_limit_of_nothing_allows_nothing(adapter: Adapter) -> None:
    window = adapter.window(0)
    taken = adapter.cache.take([window])
    assert (taken.allowed, taken.rooms[0].used, taken.rooms[0].remaining) == (False, 0, 0)
    assert taken.rooms[0].freed_after == window.length


def test_the_window_slides(adapter: Adapter) -> None:
    window = adapter.window(2, MOMENT)

    def take() -> Taken:
        return adapter.cache.take([window])

    assert take().allowed
    adapter.let_pass(MOMENT * 0.6)
    assert take().allowed
    refused = take()
    assert not refused.allowed
    assert refused.rooms[0].freed_after <= MOMENT * 0.41
    adapter.let_pass(MOMENT * 0.5)  # the first one is out of it, the second is not
    assert [take().allowed, take().allowed] == [True, False]
    adapter.let_pass(MOMENT * 1.1)
    assert [take().allowed, take().allowed, take().allowed] == [True, True, False]


def test_the_end_of_one_minute_and_the_beginning_of_the_next_do_not_add_up(adapter: Adapter) -> None:
    window = adapter.window(10, MOMENT)
    adapter.let_pass(MOMENT * 0.9)
    assert all(adapter.cache.take([window]).allowed for _ in range(10))
    adapter.let_pass(MOMENT * 0.2)
    assert not adapter.cache.take([window]).allowed


def test_what_is_refused_counts_nowhere(adapter: Adapter) -> None:
    wide, narrow = adapter.window(10), adapter.window(2, timedelta(hours=1))
    assert [adapter.cache.take([wide, narrow]).allowed for _ in range(6)] == [True, True, *[False] * 4]
    taken = adapter.cache.take([wide])
    assert (taken.allowed, taken.rooms[0].used) == (True, 3)


def test_keys_do_not_touch_each_other(adapter: Adapter) -> None:
    one, two = adapter.window(1), adapter.window(1)
    assert adapter.cache.take([one]).allowed
    assert adapter.cache.take([two]).allowed
    assert not adapter.cache.take([one]).allowed


@pytest.mark.parametrize("limit", [1, 500])
def test_fifty_threads_get_exactly_what_there_is(adapter: Adapter, limit: int) -> None:
    window, everybody = adapter.window(limit), adapter.window(100_000)
    together = threading.Barrier(50)
    allowed = [0] * 50

    def work(number: int) -> None:
        together.wait()
        for _ in range(40):
            allowed[number] += adapter.cache.take([everybody, window]).allowed

    threads = [threading.Thread(target=work, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(allowed) == limit
    assert adapter.cache.take([everybody]).rooms[0].used == limit + 1
