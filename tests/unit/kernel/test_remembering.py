"""Values are made once, are never trusted when changes are not heard, and garbage in the cache does no harm."""

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from clew.kernel.cache.fallback import FallbackWindows
from clew.kernel.cache.memory import MemoryCache
from clew.kernel.cache.port import CacheUnavailableError, Taken, Window
from clew.kernel.cache.remembering import Memo, packed, unpacked

HOUR = timedelta(hours=1)


def counted(value: bytes) -> tuple[list[int], Callable[[], bytes]]:
    made: list[int] = []

    def make() -> bytes:
        made.append(1)
        return value

    return made, make


def memo(cache: MemoryCache | None = None) -> Memo:
    made = Memo(cache or MemoryCache())
    made.trust(heard=True)
    return made


@pytest.mark.parametrize("value", [b"", b"short", b"long " * 10_000])
def test_a_value_is_made_once(value: bytes) -> None:
    hits: list[bool] = []
    remembering = Memo(MemoryCache(), hits.append)
    remembering.trust(heard=True)
    made, make = counted(value)
    assert [remembering.remembered("k", HOUR, make) for _ in range(3)] == [value] * 3
    assert (len(made), hits) == (1, [False, True, True])
    remembering.forget("k")
    remembering.remembered("k", HOUR, make)
    assert len(made) == 2


def test_what_is_warmed_is_there_for_who_asks_and_counts_as_no_look_up() -> None:
    hits: list[bool] = []
    remembering = Memo(MemoryCache(), hits.append)
    made, make = counted(b"x")
    remembering.warm("k", HOUR, make)
    assert not made  # changes are not heard
    remembering.trust(heard=True)
    for _ in range(3):
        remembering.warm("k", HOUR, make)
    assert (len(made), hits) == (1, [])
    assert remembering.remembered("k", HOUR, make) == b"x"
    assert (len(made), hits) == (1, [True])


def test_what_somebody_makes_already_is_not_warmed_and_what_changed_meanwhile_not_kept() -> None:
    cache = MemoryCache()
    remembering = memo(cache)
    made, make = counted(b"x")

    def meanwhile() -> bytes:
        remembering.warm("k", HOUR, make)
        remembering.forget("k")
        return b"before"

    remembering.warm("k", HOUR, meanwhile)
    assert not made
    assert cache.get("k") is None


def test_nothing_is_kept_or_shown_while_changes_are_not_heard() -> None:
    cache = MemoryCache()
    remembering = memo(cache)
    made, make = counted(b"x")
    remembering.remembered("k", HOUR, make)
    remembering.trust(heard=False)
    remembering.remembered("k", HOUR, make)
    assert len(made) == 2
    assert not remembering.trusted


def test_what_changed_while_it_was_made_is_not_kept() -> None:
    cache = MemoryCache()
    remembering = memo(cache)

    def make() -> bytes:
        remembering.forget("k")  # the change is told after it was read
        return b"before"

    assert remembering.remembered("k", HOUR, make) == b"before"
    assert cache.get("k") is None


def test_of_many_at_once_one_makes_it() -> None:
    remembering, together = memo(), threading.Barrier(16)
    made: list[int] = []
    begun = threading.Event()

    def make() -> bytes:
        made.append(1)
        begun.wait(0.3)
        return b"x"

    def work() -> None:
        together.wait()
        assert remembering.remembered("k", HOUR, make) == b"x"

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_an_error_is_told_and_leaves_nobody_waiting() -> None:
    remembering = memo()

    def fail() -> bytes:
        raise LookupError("no such thing")

    for _ in range(3):
        with pytest.raises(LookupError):
            remembering.remembered("k", HOUR, fail)
    assert remembering.remembered("k", HOUR, lambda: b"x") == b"x"


def test_one_whose_maker_died_is_made_by_who_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clew.kernel.cache.remembering.WAIT_SECONDS", 0.05)
    cache = MemoryCache()
    assert cache.look("k", lease=HOUR).lease
    assert memo(cache).remembered("k", HOUR, lambda: b"x") == b"x"


@given(st.binary(max_size=5000))
def test_what_is_packed_is_unpacked(value: bytes) -> None:
    assert unpacked(packed(value)) == value


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"garbage",
        b"\x01not compressed",
        b"\x01" + zstandard.ZstdCompressor().compress(bytes(range(256)) * 20)[:20],
        b"\x01" + zstandard.ZstdCompressor().compress(bytes(65 << 20)),
    ],
)
def test_garbage_is_replaced(garbage: bytes) -> None:
    cache = MemoryCache()
    cache.put("k", garbage, lifetime=HOUR)
    made, make = counted(b"x")
    remembering = memo(cache)
    assert [remembering.remembered("k", HOUR, make) for _ in range(2)] == [b"x", b"x"]
    assert len(made) == 1


class Away(MemoryCache):
    """An engine that is gone."""

    def look(self, key: str, *, lease: timedelta) -> object:  # type: ignore[override]
        raise CacheUnavailableError("away")

    def forget(self, *keys: str) -> None:
        raise CacheUnavailableError("away")

    def take(self, windows: Sequence[Window]) -> Taken:
        raise CacheUnavailableError("away")


def test_without_its_engine_everything_is_made_and_nothing_is_trusted_that_could_not_be_forgotten() -> None:
    remembering = memo(Away())
    made, make = counted(b"x")
    assert [remembering.remembered("k", HOUR, make) for _ in range(2)] == [b"x", b"x"]
    assert len(made) == 2
    remembering.forget("k")
    assert not remembering.trusted


def test_limits_hold_in_each_process_while_the_engine_is_away() -> None:
    windows, window = FallbackWindows(Away()), Window("rate_limit:x:y", 2, HOUR)
    assert [windows.take([window]).allowed for _ in range(3)] == [True, True, False]
