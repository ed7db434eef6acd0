"""Figures of the running server, for Prometheus. Names are those of the product's catalogue."""

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy.pool import QueuePool

from clew.api.cache_figures import CacheFigures
from clew.api.projection_figures import ProjectionFigures
from clew.kernel.database import Database
from clew.kernel.errors import ClewError
from clew.kernel.roles import APPLICATION, AUTHENTICATOR

if TYPE_CHECKING:
    from clew.api.serving import Serving

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OPERATIONS: Final = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"})
_BEGAN: Final = "clew_began"


class Metrics:
    """The figures of one server. Other parts add their own to `registry`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "http_requests_total", "Requests answered", ("method", "route", "status"), registry=self.registry
        )
        self._durations = Histogram(
            "http_request_duration_seconds",
            "Time to the end of the answer",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._queries = Histogram(
            "database_query_duration_seconds",
            "Time until a statement was answered",
            ("database", "operation"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._connections = Gauge(
            "database_pool_available_connections",
            "Connections that requests may still take",
            ("database",),
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._projections = ProjectionFigures(self.registry)
        self._cache = CacheFigures(self.registry)
        self._usage = Gauge(
            "api_usage_log_lines",
            "What became of the lines about API keys",
            ("state",),
            registry=self.registry,
            multiprocess_mode="livesum",
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        named = method if method in _METHODS else "other"
        self._requests.labels(named, route, str(status)).inc()
        self._durations.labels(named, route).observe(seconds)

    @property
    def count_lookup(self) -> Callable[[bool], None]:
        """Is told of each look-up of a cached value whether it found something."""
        return self._cache.count

    def watch(self, database: Database) -> None:
        """Measure every statement of the requests' connections from now on."""
        for role in (APPLICATION, AUTHENTICATOR):
            engine = database.engine(role)
            sa.event.listen(engine, "before_cursor_execute", self._begin)
            sa.event.listen(engine, "after_cursor_execute", self._end)
        database.watch(self._observe)

    def text(self, serving: "Serving") -> bytes:
        """All of it in Prometheus' text format."""
        from clew.api.readiness import projection_states  # noqa: PLC0415 - readiness knows what serves, which knows this

        pool = serving.database.engine(APPLICATION).pool
        if isinstance(pool, QueuePool):
            most = serving.settings.pool_size + serving.settings.pool_overflow
            self._connections.labels("postgresql").set(most - pool.checkedout())
        source = _source(self.registry)
        self._cache.tell(serving.limiter, serving.cache, source)
        counts = serving.usage_log.counts()
        for state in ("recorded", "written", "dropped"):
            self._usage.labels(state).set(getattr(counts, state))
        try:
            self._projections.tell(projection_states(serving))
        except (ClewError, sa.exc.DBAPIError):
            self._projections.clear()  # not known: the database is away, which other figures show
        return generate_latest(source)

    @staticmethod
    def _begin(_connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: Any) -> None:
        setattr(context, _BEGAN, time.perf_counter())

    def _end(self, _connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: Any) -> None:
        began = getattr(context, _BEGAN, None)
        if began is not None:
            self._observe(statement, time.perf_counter() - began)

    def _observe(self, statement: str, seconds: float) -> None:
        verb = statement.lstrip()[:6].upper().strip()
        operation = verb if verb in _OPERATIONS else "other"
        self._queries.labels("postgresql", operation).observe(seconds)


def _source(own: CollectorRegistry) -> CollectorRegistry:
    """Whose figures are told: this process's, or those of all server processes that share a directory for them."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return own
    every = CollectorRegistry()
    MultiProcessCollector(every)
    return every
