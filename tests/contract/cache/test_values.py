"""Values are kept for a while, under keys that outsiders cannot steer."""

import re
import threading
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.kernel.cache import keys
from clew.kernel.cache.keys import CAMPAIGN, PATTERNS, RATE_LIMIT, RESOURCE, Pattern
from clew.kernel.cache.port import Cache
from tests.contract.cache.conftest import MOMENT, Adapter

HOUR = timedelta(hours=1)
ONE, OTHER = UUID(int=1), UUID(int=2)


def test_a_value_is_there_until_it_is_replaced_or_forgotten(cache: Cache) -> None:
    key = RESOURCE.key(organization_id=ONE, resource_type="entity", resource_id="one")
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


def test_one_at_a_time_has_the_lease_for_a_value(adapter: Adapter) -> None:
    cache, window = adapter.cache, adapter.window(1)
    key = f"cache:{window.key}"
    first = cache.look(key, lease=HOUR)
    assert first.value is None
    assert first.lease
    assert (cache.look(key, lease=HOUR).value, cache.look(key, lease=HOUR).lease) == (None, None)
    assert not cache.settle(key, "nobody's", b"forged", lifetime=HOUR)
    assert cache.settle(key, first.lease, b"made", lifetime=HOUR)
    assert cache.look(key, lease=HOUR).value == b"made"
    assert not cache.settle(key, first.lease, b"again", lifetime=HOUR)
    assert cache.get(key) == b"made"


def test_a_lease_ends_by_itself_and_by_forgetting(adapter: Adapter) -> None:
    cache, key = adapter.cache, f"cache:{adapter.window(1).key}"
    died = cache.look(key, lease=MOMENT).lease or ""
    adapter.let_pass(MOMENT * 1.2)
    following = cache.look(key, lease=HOUR).lease or ""
    assert following
    assert not cache.settle(key, died, b"late", lifetime=HOUR)
    cache.forget(key)  # what the lease's holder read may be what was before the change
    assert not cache.settle(key, following, b"stale", lifetime=HOUR)
    assert cache.get(key) is None
    assert cache.look(key, lease=HOUR).lease


def test_many_who_look_at_once_make_it_once(cache: Cache, adapter: Adapter) -> None:
    key = f"cache:{adapter.window(1).key}"
    together, leases = threading.Barrier(20), []

    def work() -> None:
        together.wait()
        leases.append(cache.look(key, lease=HOUR).lease)

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([lease for lease in leases if lease]) == 1


def test_all_that_begins_the_same_is_forgotten_and_nothing_else(adapter: Adapter) -> None:
    cache, mark = adapter.cache, adapter.window(1).key
    kept = [f"{mark}*:x", f"{mark.upper()}:1:x", f"not {mark}:1:x"]
    gone = [f"{mark}:1:{number}" for number in range(1500)]
    for key in kept + gone:
        cache.put(key, b"x", lifetime=HOUR)
    lease = cache.look(f"{mark}:1:open", lease=HOUR).lease or ""
    cache.forget_under(f"{mark}:1:")
    assert [key for key in kept if cache.get(key) is None] == []
    assert [key for key in gone if cache.get(key) is not None] == []
    assert not cache.settle(f"{mark}:1:open", lease, b"stale", lifetime=HOUR)


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


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_id_reaches_another_organization(one: str, other: str) -> None:
    mine = CAMPAIGN.key(organization_id=ONE, campaign_id=one)
    assert mine != CAMPAIGN.key(organization_id=OTHER, campaign_id=other)
    assert mine.startswith(f"org:{ONE}:cache:campaign:")


@pytest.mark.parametrize("forged", [None, str(ONE), "*", f"{ONE}:cache"])
def test_what_is_an_organization_s_needs_its_id(forged: object) -> None:
    with pytest.raises(TypeError, match="organization_id"):
        CAMPAIGN.key(organization_id=forged, campaign_id="x")


def test_what_is_said_to_be_used_is_used_and_the_rest_says_why_not() -> None:
    package = Path(keys.__file__).parents[2]
    code = "".join(path.read_text() for path in package.rglob("*.py") if path != Path(keys.__file__))
    named = {id(pattern): name for name, pattern in vars(keys).items() if isinstance(pattern, Pattern)}
    for pattern in set(PATTERNS) - {keys.CELERY_QUEUES}:  # Celery names those itself
        is_imported = id(pattern) in named and re.search(rf"\b{named[id(pattern)]}\.", code) is not None
        assert is_imported == (not pattern.unused), pattern.template


def test_no_two_patterns_share_a_key() -> None:
    templates = [pattern.full_template for pattern in PATTERNS]
    assert [each for each in set(templates) if templates.count(each) > 1] == [RATE_LIMIT.full_template]
    assert all(pattern.purpose for pattern in PATTERNS)
