"""Every adapter of the cache port runs this suite; it knows the port and nothing of any engine.

An adapter joins with one line in ADAPTERS. Time passes by `let_pass`: an adapter whose engine keeps the time itself
really lets it pass, which is why no span here is longer than a moment.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pytest

from clew.kernel.cache.memory import MemoryCache
from clew.kernel.cache.port import Cache, Window

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


ADAPTERS: Final[dict[str, Callable[[], AbstractContextManager[Adapter]]]] = {"memory": _in_memory}


@pytest.fixture(params=sorted(ADAPTERS))
def adapter(request: pytest.FixtureRequest) -> Iterator[Adapter]:
    with ADAPTERS[request.param]() as made:
        yield made


@pytest.fixture
def cache(adapter: Adapter) -> Cache:
    return adapter.cache
