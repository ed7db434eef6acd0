"""Which views the settings ask for. A view joins by one line of `projections`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clew.kernel.settings import Settings
from clew.projections.documents_place import documents_view
from clew.projections.documents_projection import DocumentsProjection
from clew.projections.graph_place import graph_adapter, graph_view
from clew.projections.graph_projection import GraphProjection
from clew.projections.projection import Projection
from clew.projections.search_place import search_view
from clew.projections.search_projection import SearchProjection

if TYPE_CHECKING:
    from clew.projections.in_place import InPlaceView


def projections(settings: Settings) -> list[Projection]:
    """All of them, in the order in which they follow."""
    return [
        *_search(settings),
        *_graph(settings),
        *_documents(settings),
    ]


def kept_by_loads(settings: Settings) -> list[Projection]:
    """Those that a command which changed the record leaves up to date; whoever reads another one brings it up first."""
    return [each for each in projections(settings) if each.kept_by_loads]


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
        yield GraphProjection(lambda: graph_view(settings), graph_adapter(settings))


def _documents(settings: Settings) -> Iterator[Projection]:
    if settings.documents_url is not None:
        yield DocumentsProjection(lambda: documents_view(settings))
