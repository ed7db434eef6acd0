"""Operations of the API on: series.

Written by `make docs` from the API's description; edit that instead.
"""

from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked, path_of


class SeriesOperations(Calls):
    """Operations on: series."""

    def list_measurements(self) -> models.Measurements:
        """List measurements.

        The measurements that there are series of.
        """
        return self._transport.fetch_resource(models.Measurements, asked("GET", "/api/v1/series"))

    def list_series(self, measurement: str) -> models.SeriesList:
        """List the series of a measurement.

        Every field under every set of tags that a measurement has.
        """
        return self._transport.fetch_resource(
            models.SeriesList, asked("GET", path_of("/api/v1/series/{measurement}", measurement=measurement))
        )

    def ask_series(
        self,
        measurement: str,
        *,
        from_: str | None = None,
        to: str | None = None,
        where: list[str] | None = None,
        every: str | None = None,
        aggregate: list[str] | None = None,
        field: list[str] | None = None,
        by: list[str] | None = None,
        fill: str | None = None,
        limit: int | None = None,
    ) -> models.Answer:
        """Ask for values over time.

        Points, or aggregates by stretches of time, over all tiers. Percentiles of whole hours are within 1 %.
        """
        return self._transport.fetch_resource(
            models.Answer,
            asked(
                "GET",
                path_of("/api/v1/series/{measurement}/values", measurement=measurement),
                query={
                    "from": from_,
                    "to": to,
                    "where": where,
                    "every": every,
                    "aggregate": aggregate,
                    "field": field,
                    "by": by,
                    "fill": fill,
                    "limit": limit,
                },
            ),
        )

    def delete_series(
        self, measurement: str, *, from_: str | None = None, to: str | None = None, where: list[str] | None = None
    ) -> models.Deleted:
        """Delete values.

        Delete the points of a span, and what was rolled up from them, from all tiers.
        """
        return self._transport.fetch_resource(
            models.Deleted,
            asked(
                "DELETE",
                path_of("/api/v1/series/{measurement}/values", measurement=measurement),
                query={"from": from_, "to": to, "where": where},
            ),
        )

    def write_points(self, body: models.PointsWanted, *, idempotency_key: str | None = None) -> models.Written:
        """Write points.

        Write points of measured values. One for the same series and time replaces what was there; bad ones are told.
        """
        return self._transport.fetch_resource(
            models.Written, asked("POST", "/api/v1/series/points", body=body, once=idempotency_key or True)
        )
