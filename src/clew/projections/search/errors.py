"""What can go wrong with the search view."""

from clew.kernel.errors import ClewError, ConflictError, InputError, NotFoundError


class SearchQueryError(InputError):
    """The request cannot be answered as it stands: `where` names the part of it, for text with the position."""

    code = "search_query"


class SearchCursorError(SearchQueryError):
    """The cursor belongs to another request or to a view that was rebuilt since; begin again without it."""

    code = "search_cursor"


class SearchViewBusyError(ConflictError):
    """Another process is writing this view; the message names its pid."""

    code = "search_view_busy"
    transient = True


class SearchViewMissingError(NotFoundError):
    """There is no view to read yet, or it was damaged: it has to be built."""

    code = "search_view_missing"


class SearchViewError(ClewError):
    """Writing or reading failed half-way: disk full, a file damaged or not to be opened. Nothing half-done is seen."""

    code = "search_view"


class SearchEngineUnavailableError(ClewError):
    """The search engine cannot be reached, is too busy, or does not answer in time; what was asked may be again."""

    code = "search_engine_unavailable"
    exit_code = 7
    transient = True
