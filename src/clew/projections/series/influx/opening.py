"""The view in the InfluxDB that the settings name."""

from typing import TYPE_CHECKING
from uuid import UUID

from clew.projections.series.influx.address import address_of
from clew.projections.series.influx.connection import InfluxConnection, InfluxError, connection_to
from clew.projections.series.influx.version import SCHEMA_VERSION
from clew.projections.series.influx.view import InfluxSource, InfluxView

if TYPE_CHECKING:
    from clew.kernel.settings import Settings


def influx_connection(settings: "Settings") -> InfluxConnection:
    """The process's connections to it. Raises ConfigurationError for settings that name none."""
    return connection_to(address_of(settings))


def influx_view(settings: "Settings") -> InfluxView:
    """The view there."""
    return InfluxView(influx_connection(settings))


def influx_source(settings: "Settings", organization_id: UUID, measurement: str) -> InfluxSource:
    """One measurement of an organization, read from what is published. Raises InfluxError if nothing is."""
    view = influx_view(settings)
    state = view.state()
    if state is None or state.schema_version != SCHEMA_VERSION:
        raise InfluxError(
            "there are no series to read there yet",
            where=view.connection.address.place,
            remedy="build the copy with `clew projection rebuild series_influxdb`",
        )
    return InfluxSource(view.connection, view.database(state.generation), organization_id, measurement)
