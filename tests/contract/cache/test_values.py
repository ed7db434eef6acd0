"""Values are kept for a while, under keys that outsiders cannot steer."""

import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.kernel.cache.keys import RATE_LIMIT, RESOURCE
from clew.kernel.cache.port import Cache
from tests.contract.cache.conftest import MOMENT, Adapter

HOUR = timedelta(hours=1)


def test_a_value_is_there_until_it_is_replaced_or_forgotten(cache: Cache) -> None:
    key = RESOURCE.key(resource_type="entity", resource_id="one")
    assert cache.get(key) is None
    for value in (b"first", b"", bytes(range(256)) * 100):
        cache.put(key, value, lifetime=HOUR)
        assert cache.get(key) == value
    cache.forget(key, "cache:entity:never")
    assert cache.get(key) is None


def test_a_value_expires_and_putting_it_again_begins_anew(adapter: Adapter) -> None:
    cache = adapter.cache
    cache.put("cache:a:1", b"x", lifetime=MOMENT)
    cache.put("cache:a:2", b"y", lifetime=HOUR)
    adapter.let_pass(MOMENT * 0.6)
    assert cache.get("cache:a:1") == b"x"
    cache.put("cache:a:1", b"z", lifetime=MOMENT)
    adapter.let_pass(MOMENT * 0.6)
    assert cache.get("cache:a:1") == b"z"
    adapter.let_pass(MOMENT)
    assert (cache.get("cache:a:1"), cache.get("cache:a:2")) == (None, b"y")


def test_many_threads_never_see_half_a_value(cache: Cache) -> None:
    seen: set[bytes | None] = set()

    def work(number: int) -> None:
        for _ in range(200):
            cache.put("cache:shared:1", bytes([number]) * 1000, lifetime=HOUR)
            seen.add(cache.get("cache:shared:1"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(value is not None and len(set(value)) == 1 and len(value) == 1000 for value in seen)


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_no_part_of_a_key_reaches_into_another(one: str, two: str, three: str, four: str) -> None:
    first, second = (RATE_LIMIT.key(subject=a, endpoint=b) for a, b in ((one, two), (three, four)))
    assert (first == second) == ((one, two) == (three, four))
    assert first.count(":") == 2
    assert first.isascii()
    assert first.isprintable()


def test_a_key_has_all_its_parts() -> None:
    with pytest.raises(TypeError, match="endpoint"):
        RATE_LIMIT.key(subject="x")
    with pytest.raises(TypeError, match="more"):
        RATE_LIMIT.key(subject="x", endpoint="y", more="z")
