"""Which views the settings ask for: each joins by one line, of those that loads keep or of the others."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clew.kernel.settings import Settings
from clew.projections.projection import Projection
from clew.projections.search_place import search_view
from clew.projections.search_projection import SearchProjection

if TYPE_CHECKING:
    from clew.projections.in_place import InPlaceView


def projections(settings: Settings) -> list[Projection]:
    """All of them, in the order in which they follow."""
    return [*kept_by_loads(settings), *_left_by_loads(settings)]


def kept_by_loads(settings: Settings) -> list[Projection]:
    """Those that a command which changed the record leaves up to date; whoever reads another one brings it up first."""
    return [*_search(settings)]


def _left_by_loads(settings: Settings) -> Iterator[Projection]:
    # What these are made of is imported by nobody who only loads.
    yield from _graph(settings)
    yield from _series(settings)
    yield from _vectors(settings)
    yield from _documents(settings)


def in_place(settings: Settings) -> "list[InPlaceView]":
    """What is read where the record keeps it: no view that could fall behind, and verified all the same."""
    if settings.documents_url is not None:
        return []
    from clew.projections.documents_in_place import DocumentsInPlace  # noqa: PLC0415  only who asks for it needs it

    return [DocumentsInPlace()]


def _search(settings: Settings) -> Iterator[Projection]:
    if settings.search != "none":
        yield SearchProjection(search_view(settings))


def _graph(settings: Settings) -> Iterator[Projection]:
    if settings.graph != "none":
        from clew.projections.graph_place import graph_adapter, graph_view  # noqa: PLC0415
        from clew.projections.graph_projection import GraphProjection  # noqa: PLC0415

        yield GraphProjection(lambda: graph_view(settings), graph_adapter(settings))


def _series(settings: Settings) -> Iterator[Projection]:
    from clew.projections.series_projection import SeriesProjection  # noqa: PLC0415

    yield SeriesProjection(settings)
    if settings.influxdb_url is not None:
        from clew.projections.series_influx_projection import SeriesInfluxProjection  # noqa: PLC0415

        yield SeriesInfluxProjection(settings)


def _vectors(settings: Settings) -> Iterator[Projection]:
    if settings.vectors != "none":
        from clew.projections.own_database import OwnDatabase  # noqa: PLC0415
        from clew.projections.vector_place import vector_view  # noqa: PLC0415
        from clew.projections.vector_projection import VectorProjection  # noqa: PLC0415

        database = OwnDatabase(settings)
        yield VectorProjection(vector_view(settings, database), settings, database)


def _documents(settings: Settings) -> Iterator[Projection]:
    if settings.documents_url is not None:
        from clew.projections.documents_place import documents_view  # noqa: PLC0415
        from clew.projections.documents_projection import DocumentsProjection  # noqa: PLC0415

        yield DocumentsProjection(lambda: documents_view(settings))
