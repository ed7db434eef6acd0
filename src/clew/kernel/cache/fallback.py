"""Limits while the engine that all server processes share is away: each process counts for itself.

Neither is everything refused, which would make the engine's outage the server's, nor is everything let through. With n
processes a caller may get up to n times the limit, and once more at the outage's begin and end. What a key's owner was
promised is counted in PostgreSQL all the while, exactly.
"""

from collections.abc import Sequence

from clew.kernel.cache.memory import MemoryCache
from clew.kernel.cache.port import CacheUnavailableError, Taken, Window, Windows


class FallbackWindows:
    """Counts in `shared`, and in this process's memory whenever that cannot be reached."""

    def __init__(self, shared: Windows, own: Windows | None = None) -> None:
        self._shared = shared
        self._own = own or MemoryCache()

    def take(self, windows: Sequence[Window]) -> Taken:
        """See `Windows.take`. Never raises CacheUnavailableError."""
        try:
            return self._shared.take(windows)
        except CacheUnavailableError:
            return self._own.take(windows)
