"""The graph view as a server reads it. A reader itself sees what its generation is told meanwhile."""

from clew.kernel.settings import Settings
from clew.projections.graph.errors import GraphViewMissingError
from clew.projections.graph.port import GraphReader, GraphView
from clew.projections.graph_place import graph_view
from clew.projections.view_reading import PAUSE_SECONDS, ViewReading


class GraphReading(ViewReading[GraphReader]):
    """See `ViewReading`. Raises GraphViewMissingError where nothing is published, or the graph is switched off."""

    def __init__(self, settings: Settings) -> None:
        def view() -> GraphView:
            if settings.graph == "none":
                raise GraphViewMissingError(
                    "the graph is switched off", where="CLEW_GRAPH", remedy='set it to "embedded"'
                )
            return graph_view(settings)

        super().__init__(view, _missing, PAUSE_SECONDS)


def _missing() -> GraphViewMissingError:
    return GraphViewMissingError(
        "there is no graph view to read yet", remedy="wait until it is built; the list of projections says when"
    )
