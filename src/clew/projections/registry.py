"""Which views the settings ask for. A view joins by one line of `projections`."""

from collections.abc import Iterator

from clew.kernel.settings import Settings
from clew.projections.projection import Projection
from clew.projections.search_place import search_view
from clew.projections.search_projection import SearchProjection


def projections(settings: Settings) -> list[Projection]:
    """All of them, in the order in which they follow."""
    return [
        *_search(settings),
        *_vectors(settings),
    ]


def kept_by_loads(settings: Settings) -> list[Projection]:
    """Those that a command which changed the record leaves up to date; whoever reads another one brings it up first."""
    return [each for each in projections(settings) if each.kept_by_loads]


def _search(settings: Settings) -> Iterator[Projection]:
    if settings.search != "none":
        yield SearchProjection(search_view(settings))


def _vectors(settings: Settings) -> Iterator[Projection]:
    if settings.vectors != "none":
        # Loads need none of it.
        from clew.projections.own_database import OwnDatabase  # noqa: PLC0415
        from clew.projections.vector_place import vector_view  # noqa: PLC0415
        from clew.projections.vector_projection import VectorProjection  # noqa: PLC0415

        database = OwnDatabase(settings)
        yield VectorProjection(vector_view(settings, database), settings, database)
