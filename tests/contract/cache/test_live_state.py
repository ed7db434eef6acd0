"""Hashes, sets, and how many different ones there were."""

import threading
from datetime import timedelta

import pytest

from tests.contract.cache.conftest import MOMENT, Adapter

HOUR = timedelta(hours=1)
HOSTILE = ("a b", "x\r\nFLUSHALL\r\n", "", "*", "org:1:x", "ä\u202e", "\x00")


@pytest.fixture
def key(adapter: Adapter) -> str:
    return f"state:{adapter.window(1).key}"


def test_different_members_are_counted_within_two_percent(adapter: Adapter, key: str) -> None:
    assert adapter.cache.distinct(key) == 0
    for start in range(0, 20_000, 1000):
        adapter.cache.note(key, [f"caller {number}" for number in range(start, start + 1000)], lifetime=HOUR)
    adapter.cache.note(key, ["caller 1", "caller 2"], lifetime=HOUR)
    assert abs(adapter.cache.distinct(key) - 20_000) < 0.04 * 20_000


def test_few_are_counted_exactly_and_from_the_first_on(adapter: Adapter, key: str) -> None:
    adapter.cache.note(key, ["a", "b", "a"], lifetime=MOMENT)
    adapter.let_pass(MOMENT * 0.6)
    adapter.cache.note(key, ["c"], lifetime=MOMENT)
    assert adapter.cache.distinct(key) == 3
    adapter.let_pass(MOMENT * 0.6)  # the lifetime began with the first note
    assert adapter.cache.distinct(key) == 0


def test_a_hash_keeps_the_fields_that_are_not_written(adapter: Adapter, key: str) -> None:
    assert adapter.cache.read(key) == {}
    adapter.cache.write(key, {"status": "processing", "step": "1"}, lifetime=MOMENT)
    adapter.let_pass(MOMENT * 0.6)
    adapter.cache.write(key, {"step": "2", **{each: each for each in HOSTILE}}, lifetime=MOMENT)
    adapter.let_pass(MOMENT * 0.6)
    assert adapter.cache.read(key) == {"status": "processing", "step": "2"} | {each: each for each in HOSTILE}
    adapter.let_pass(MOMENT)
    assert adapter.cache.read(key) == {}
    adapter.cache.write(key, {"a": "b"}, lifetime=HOUR)
    adapter.cache.forget(key)
    assert adapter.cache.read(key) == {}


def test_a_set_holds_what_was_added_and_not_removed(adapter: Adapter, key: str) -> None:
    assert adapter.cache.members(key) == frozenset()
    adapter.cache.add(key, HOSTILE, lifetime=MOMENT)
    adapter.cache.add(key, ["a", "a"], lifetime=MOMENT)
    adapter.cache.remove(key, ["*", "never there"])
    assert adapter.cache.members(key) == {*HOSTILE, "a"} - {"*"}
    adapter.let_pass(MOMENT * 1.2)
    assert adapter.cache.members(key) == frozenset()
    adapter.cache.remove(key, ["a"])


def test_many_threads_lose_no_member(adapter: Adapter, key: str) -> None:
    def work(number: int) -> None:
        for place in range(50):
            adapter.cache.add(key, [f"{number}-{place}"], lifetime=HOUR)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(adapter.cache.members(key)) == 400
