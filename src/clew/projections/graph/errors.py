"""What can go wrong with the graph view."""

from clew.kernel.errors import ClewError, ConflictError, InputError, NotFoundError


class GraphQueryError(InputError):
    """The question cannot be answered as it stands: `where` names the part of it."""

    code = "graph_query"


class GraphViewBusyError(ConflictError):
    """Another process is writing this view."""

    code = "graph_view_busy"
    transient = True


class GraphViewMissingError(NotFoundError):
    """There is no view to read yet, or it was damaged: it has to be built."""

    code = "graph_view_missing"


class GraphViewError(ClewError):
    """Writing or reading failed half-way: disk full, a file damaged, a statement refused. Nothing half-done is seen."""

    code = "graph_view"


class GraphEngineUnavailableError(ClewError):
    """The graph engine cannot be reached, is too busy, or does not answer in time; what was asked may be again."""

    code = "graph_engine_unavailable"
    exit_code = 7
    transient = True


class GraphEngineReadOnlyError(GraphEngineUnavailableError):
    """The graph engine reads and refuses to write, for now."""

    code = "graph_engine_read_only"
