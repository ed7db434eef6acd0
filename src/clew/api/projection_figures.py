"""Figures of the views for Prometheus, as `clew projection status` tells them."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from clew.projections.keeping import Status

# Of the whole installation: whichever process told them last is right.
_MODE: Final = "mostrecent"


class ProjectionFigures:
    """How far each view is, what it holds, and what went wrong with it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, said: str) -> Gauge:
            return Gauge(name, said, ("projection",), registry=registry, multiprocess_mode=_MODE)

        self._lag = gauge("projection_lag_seconds", "How far a view is behind the record")
        self._waiting = gauge("projection_changes_waiting", "Changes that a view has not taken over, 100,000 at most")
        self._rows = gauge("projection_rows", "Rows that a view holds")
        self._errors = gauge("projection_errors", "Times that writing a view failed, since it was first made")
        self._aside = gauge("projection_rows_set_aside", "Rows that a view would not take")

    def tell(self, views: Iterable[Status]) -> None:
        """What they are now."""
        for view in views:
            self._lag.labels(view.projection).set(view.lag_seconds)
            self._waiting.labels(view.projection).set(view.lag_changes)
            self._rows.labels(view.projection).set(view.rows)
            self._errors.labels(view.projection).set(view.errors)
            self._aside.labels(view.projection).set(view.set_aside)

    def clear(self) -> None:
        """They are not known."""
        for gauge in (self._lag, self._waiting, self._rows, self._errors, self._aside):
            gauge.clear()
