"""Which views the settings ask for. A view joins by one line of `projections`."""

from collections.abc import Iterator

from clew.kernel.settings import Settings
from clew.projections.graph_place import graph_adapter, graph_view
from clew.projections.graph_projection import GraphProjection
from clew.projections.projection import Projection
from clew.projections.search_place import search_view
from clew.projections.search_projection import SearchProjection
from clew.projections.series_influx_projection import SeriesInfluxProjection
from clew.projections.series_projection import SeriesProjection


def projections(settings: Settings) -> list[Projection]:
    """All of them, in the order in which they follow."""
    return [
        *_search(settings),
        *_graph(settings),
        SeriesProjection(settings),
        *_series_copy(settings),
    ]


def kept_by_loads(settings: Settings) -> list[Projection]:
    """Those that a command which changed the record leaves up to date; whoever reads another one brings it up first."""
    return [each for each in projections(settings) if each.kept_by_loads]


def _search(settings: Settings) -> Iterator[Projection]:
    if settings.search != "none":
        yield SearchProjection(search_view(settings))


def _graph(settings: Settings) -> Iterator[Projection]:
    if settings.graph != "none":
        yield GraphProjection(lambda: graph_view(settings), graph_adapter(settings))


def _series_copy(settings: Settings) -> Iterator[Projection]:
    if settings.influxdb_url is not None:
        yield SeriesInfluxProjection(settings)
