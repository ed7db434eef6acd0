"""Who is counted with whom, and what a caller is told."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from clew.domains.identity.limiting import Limiter, LimiterRules, Standing, TooManyRequestsError, standings_of
from clew.domains.identity.principal import Principal
from clew.domains.identity.quotas import Allowance
from clew.kernel.cache.memory import MemoryCache

ROUTE = "GET /api/v1/entities/{id}"


def principal(*, key: bool = False) -> Principal:
    user = uuid4()
    return Principal(uuid4(), user, "ann", frozenset(), None if key else uuid4(), uuid4() if key else None)


def limiter(caller: int = 3, address: int = 2, everybody: int = 1000) -> tuple[Limiter, list[float]]:
    now = [0.0]
    return Limiter(MemoryCache(clock=lambda: now[0]), LimiterRules(caller, address, everybody)), now


def test_a_caller_is_counted_for_each_route_and_key() -> None:
    counted, now = limiter()
    one, key = principal(), principal(key=True)
    assert [counted.admit(one, ROUTE)[0].remaining for _ in range(3)] == [2, 1, 0]
    for still in (principal(), key):
        assert counted.admit(still, ROUTE)[0].remaining == 2
    assert counted.admit(one, "POST /api/v1/search")[0].remaining == 2
    now[0] = 10
    with pytest.raises(TooManyRequestsError, match="3 requests in 60 s") as refused:
        counted.admit(one, ROUTE)
    assert refused.value.retry_after == 50
    assert refused.value.standings == (Standing("caller", 3, 0, 60, 50),)
    now[0] = 60
    assert counted.admit(one, ROUTE) == (Standing("caller", 3, 2, 60, 60),)


def test_two_sessions_of_a_user_count_together() -> None:
    counted, _ = limiter()
    one = principal()
    again = Principal(one.organization_id, one.user_id, one.username, frozenset(), uuid4())
    counted.admit(one, ROUTE)
    assert counted.admit(again, ROUTE)[0].remaining == 1


def test_an_address_is_counted_for_an_hour_with_its_network() -> None:
    counted, now = limiter()
    for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"):
        counted.admit_address(address, ROUTE)
    with pytest.raises(TooManyRequestsError) as refused:
        counted.admit_address("2001:db8:1:2::3", ROUTE)
    assert refused.value.retry_after == 3600
    counted.admit_address("2001:db8:1:3::1", ROUTE)
    for mapped in ("::ffff:192.0.2.1", "192.0.2.1"):
        counted.admit_address(mapped, ROUTE)
    with pytest.raises(TooManyRequestsError):
        counted.admit_address("192.0.2.1", ROUTE)
    now[0] = 3600
    counted.admit_address("192.0.2.1", ROUTE)


def test_an_unknown_address_and_odd_ones_are_counted_too() -> None:
    counted, _ = limiter()
    for odd in (None, "", "not an address", "a:b\r\nX: y"):
        for _ in range(2):
            try:
                counted.admit_address(odd, ROUTE)
            except TooManyRequestsError:
                assert odd == ""  # counted with None, which came before


def test_the_limit_of_all_holds_and_is_told_to_nobody_before() -> None:
    counted, _ = limiter(caller=0, address=5, everybody=4)
    assert [counted.admit(principal(), ROUTE) for _ in range(3)] == [()] * 3
    assert [each.name for each in counted.admit_address("192.0.2.1", ROUTE)] == ["address"]
    with pytest.raises(TooManyRequestsError, match="everybody together"):
        counted.admit(principal(), ROUTE)
    with pytest.raises(TooManyRequestsError):
        counted.admit_address("192.0.2.2", ROUTE)


def test_no_limits_at_all() -> None:
    counted, _ = limiter(0, 0, 0)
    assert counted.admit(principal(), ROUTE) == counted.admit_address(None, ROUTE) == ()


def test_fifty_threads_get_exactly_the_limit() -> None:
    counted, _ = limiter(caller=333)
    one, allowed, together = principal(), [0] * 50, threading.Barrier(50)

    def work(number: int) -> None:
        together.wait()
        for _ in range(20):
            try:
                counted.admit(one, ROUTE)
            except TooManyRequestsError:
                continue
            allowed[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(allowed) == 333


def test_the_limits_of_a_key_are_told_in_seconds() -> None:
    now = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
    told = standings_of(
        [Allowance("minute", 10, 4, now + timedelta(seconds=30)), Allowance("hour", 0, 4, now + timedelta(hours=1))],
        now,
    )
    assert told == (Standing("minute", 10, 6, 60, 30),)
