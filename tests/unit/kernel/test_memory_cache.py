"""The cache in memory: bounded whatever comes, and right against a plain account of every take."""

import tracemalloc
from collections import defaultdict
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from clew.kernel.cache.keys import RATE_LIMIT, RATE_LIMIT_OF_ADDRESS
from clew.kernel.cache.memory import MemoryCache
from clew.kernel.cache.port import Window

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def address(number: int) -> Window:
    return Window(RATE_LIMIT_OF_ADDRESS.key(subject=f"address:{number}", endpoint="POST /sign-in"), 5, HOUR)


def test_a_flood_of_addresses_takes_no_more_memory_and_forgets_no_caller() -> None:
    cache = MemoryCache(most_keys=2000, most_takes=10_000)
    caller = Window(RATE_LIMIT.key(subject="user:1", endpoint="GET /entities"), 3, MINUTE)
    assert all(cache.take([caller]).allowed for _ in range(3))
    for number in range(2000):
        cache.take([address(number)])
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(2000, 30_000):
            cache.take([address(number)])
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert cache.counts()[1] <= 2001
    # What replaces the first keys is traced and they are not: at most the room of all keys is seen as new.
    assert after - before < 2000 * 1000
    assert not cache.take([caller]).allowed


def test_takes_are_bounded_too() -> None:
    cache = MemoryCache(most_takes=1000)
    for number in range(500):
        for _ in range(5):
            cache.take([address(number)])
    assert cache.counts()[2] <= 1000
    assert not cache.take([address(499)]).allowed


def test_what_is_over_leaves_by_itself() -> None:
    now = [0.0]
    cache = MemoryCache(clock=lambda: now[0])
    for number in range(100):
        cache.take([address(number)])
    now[0] += 3601
    cache.take([address(1000)])
    assert cache.counts() == (0, 1, 1)


def test_values_make_room_for_each_other_by_last_use() -> None:
    cache = MemoryCache(most_bytes=4000)
    for name in "abc":
        cache.put(name, b"x" * 1000, lifetime=HOUR)
    cache.get("a")
    cache.put("d", b"x" * 1000, lifetime=HOUR)
    assert [cache.get(name) is not None for name in "abcd"] == [True, False, True, True]
    cache.put("e", b"x" * 5000, lifetime=HOUR)
    assert cache.get("e") is None
    assert cache.counts()[0] == 3


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 40_000)), max_size=150),
    st.integers(1, 80),
)
def test_any_order_of_takes_is_decided_as_a_plain_account_would(steps: list[tuple[str, int]], limit: int) -> None:
    now = [0.0]
    cache = MemoryCache(clock=lambda: now[0])
    account: dict[str, list[float]] = defaultdict(list)
    for key, milliseconds in steps:
        now[0] += milliseconds / 1000
        within = [at for at in account[key] if at > now[0] - 60]
        taken = cache.take([Window(key, limit, MINUTE)])
        assert taken.allowed == (len(within) < limit)
        account[key] = [*within, now[0]] if taken.allowed else within
        room = taken.rooms[0]
        assert room.used == len(account[key])
        if room.used >= limit:
            assert abs(room.freed_after.total_seconds() - (account[key][-limit] + 60 - now[0])) < 1e-3
