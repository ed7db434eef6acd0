"""Every adapter of the cache port runs this suite; it knows the port and nothing of any engine.

An adapter joins with one line in ADAPTERS. Time passes by `let_pass`: an adapter whose engine keeps the time itself
really lets it pass, which is why no span here is longer than a moment.
"""

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pytest

from clew.kernel.cache.memory import MemoryCache
from clew.kernel.cache.port import Cache, Window
from clew.kernel.cache.redis.adapter import RedisCache
from clew.kernel.cache.redis.connection import RedisConnection
from tests.engines.redis import shared_redis
from tests.support.redis import redis_settings

MOMENT: Final = timedelta(milliseconds=300)


@dataclass(frozen=True)
class Adapter:
    """A cache of its own, and how time passes for it."""

    cache: Cache
    let_pass: Callable[[timedelta], None]

    def window(self, limit: int, length: timedelta = timedelta(minutes=1)) -> Window:
        """A window that nobody else takes from."""
        return Window(f"rate_limit:{secrets.token_hex(8)}:contract", limit, length)


@contextmanager
def _in_memory() -> Iterator[Adapter]:
    now = [1000.0]

    def let_pass(span: timedelta) -> None:
        now[0] += span.total_seconds()

    yield Adapter(MemoryCache(clock=lambda: now[0]), let_pass)


@contextmanager
def _on_redis() -> Iterator[Adapter]:
    with contextlib.closing(RedisConnection(redis_settings(shared_redis().url))) as connection:
        yield Adapter(RedisCache(connection, secrets.token_hex(8)), lambda span: time.sleep(span.total_seconds()))


ADAPTERS: Final[dict[str, Callable[[], AbstractContextManager[Adapter]]]] = {"memory": _in_memory, "redis": _on_redis}


@pytest.fixture(params=["memory", pytest.param("redis", marks=[pytest.mark.engines, pytest.mark.xdist_group("redis")])])
def adapter(request: pytest.FixtureRequest) -> Iterator[Adapter]:
    with ADAPTERS[request.param]() as made:
        yield made


@pytest.fixture
def cache(adapter: Adapter) -> Cache:
    return adapter.cache
