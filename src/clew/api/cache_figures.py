"""Figures of the cache: how often it helps, whether it answers, and how many callers it counted."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from clew.domains.identity.limiting import Limiter
from clew.kernel.cache.port import Cache, CacheUnavailableError


class CacheFigures:
    """Names are those of the product's catalogue."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lookups = Counter("cache_lookups_total", "Look-ups of cached values", ("result",), registry=registry)
        self._ratio = Gauge(
            "cache_hit_ratio",
            "Share of look-ups that found something, since the start",
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._available = Gauge(
            "cache_available",
            "Whether what keeps limits, caches and live state answers",
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._callers = Gauge(
            "api_callers",
            "About how many callers a route had within a minute",
            ("endpoint",),
            registry=registry,
            multiprocess_mode="mostrecent",
        )

    def count(self, hit: bool) -> None:  # noqa: FBT001  as the cache tells it
        """A cached value was looked for."""
        self._lookups.labels("hit" if hit else "miss").inc()

    def tell(self, limiter: Limiter, cache: Cache, source: CollectorRegistry) -> None:
        """Bring what is not counted as it happens up to date. `source`: what all server processes counted."""
        hits, misses = (
            source.get_sample_value("cache_lookups_total", {"result": result}) or 0.0 for result in ("hit", "miss")
        )
        self._ratio.set(hits / (hits + misses) if hits + misses else 0.0)
        try:
            for endpoint, callers in limiter.callers(cache).items():
                self._callers.labels(endpoint).set(callers)
            self._available.set(1)
        except CacheUnavailableError:
            self._available.set(0)
