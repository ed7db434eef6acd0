"""What is told reaches everybody who follows, in order, and also who comes back."""

import threading
from contextlib import ExitStack

import pytest

from clew.kernel.cache.port import REMEMBERED, Following, Told
from tests.contract.cache.conftest import Adapter


@pytest.fixture
def channel(adapter: Adapter) -> str:
    return f"events:{adapter.window(1).key}"


def heard(following: Following, count: int) -> list[Told]:
    found = [following.next(10) for _ in range(count)]
    assert None not in found
    return [each for each in found if each is not None]


def test_everybody_hears_everything_in_order(adapter: Adapter, channel: str) -> None:
    with ExitStack() as opened:
        followers = [opened.enter_context(adapter.cache.follow(channel)) for _ in range(3)]
        wanted = [bytes([number]) + b" \r\n\x00" for number in range(50)]
        told = [adapter.cache.tell(channel, message) for message in wanted]
        for following in followers:
            found = heard(following, 50)
            assert [each.message for each in found] == wanted
            assert [each.id for each in found] == told
            assert following.next(0.01) is None
            assert following.complete


def test_many_are_told_at_once(adapter: Adapter, channel: str) -> None:
    wanted = [b"%d" % number for number in range(300)]
    first = adapter.cache.tell(channel, b"before")
    last = adapter.cache.tell(channel, *wanted)
    with adapter.cache.follow(channel, behind=first) as following:
        found = heard(following, len(wanted))
    assert [each.message for each in found] == wanted
    assert found[-1].id == last
    assert len({each.id for each in found}) == len(wanted)


def test_who_comes_back_hears_what_was_told_since(adapter: Adapter, channel: str) -> None:
    ids = [adapter.cache.tell(channel, b"%d" % number) for number in range(10)]
    with adapter.cache.follow(channel, behind=ids[3]) as following:
        assert [each.message for each in heard(following, 6)] == [b"4", b"5", b"6", b"7", b"8", b"9"]
        assert following.complete
    with adapter.cache.follow(channel) as anew:
        assert len(heard(anew, 10)) == 10
        assert anew.complete


@pytest.mark.parametrize("stale", ["", "0-1", "nonsense", "1-1-1", "9" * 30 + "-1", "99999999999999-1"])
def test_who_comes_back_from_elsewhere_is_told_that_something_is_missing(
    adapter: Adapter, channel: str, stale: str
) -> None:
    adapter.cache.tell(channel, b"x")
    with adapter.cache.follow(channel, behind=stale) as following:
        assert not following.complete


def test_what_is_remembered_is_bounded_and_a_gap_is_told(adapter: Adapter, channel: str) -> None:
    first = adapter.cache.tell(channel, b"first")
    adapter.cache.tell(channel, b"second")
    for number in range(REMEMBERED):
        adapter.cache.tell(channel, b"%d" % number)
    with adapter.cache.follow(channel, behind=first) as following:
        assert not following.complete
    with adapter.cache.follow(channel) as anew:
        assert [each.message for each in heard(anew, REMEMBERED)] == [b"%d" % number for number in range(REMEMBERED)]
        assert anew.next(0.01) is None


def test_channels_do_not_mix(adapter: Adapter, channel: str) -> None:
    with adapter.cache.follow(channel) as following, adapter.cache.follow(f"{channel}:*") as other:
        adapter.cache.tell(f"{channel}*", b"other")
        adapter.cache.tell(channel, b"mine")
        assert [each.message for each in heard(following, 1)] == [b"mine"]
        assert following.next(0.01) is None
        assert other.next(0.01) is None


def test_a_follower_that_waits_is_woken(adapter: Adapter, channel: str) -> None:
    found: list[Told | None] = []
    with adapter.cache.follow(channel) as following:
        thread = threading.Thread(target=lambda: found.append(following.next(30)))
        thread.start()
        adapter.cache.tell(channel, b"wake")
        thread.join()
    assert [each.message for each in found if each] == [b"wake"]
