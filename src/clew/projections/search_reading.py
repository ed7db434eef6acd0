"""The search view as a server reads it."""

from clew.kernel.settings import Settings
from clew.projections.search.errors import SearchViewMissingError
from clew.projections.search.port import SearchReader, SearchView
from clew.projections.search_place import search_view
from clew.projections.view_reading import PAUSE_SECONDS, ViewReading


class SearchReading(ViewReading[SearchReader]):
    """See `ViewReading`. Raises SearchViewMissingError where nothing is published, or search is switched off."""

    def __init__(self, settings: Settings) -> None:
        def view() -> SearchView:
            if settings.search == "none":
                raise SearchViewMissingError(
                    "search is switched off", where="CLEW_SEARCH", remedy='set it to "tantivy"'
                )
            return search_view(settings)

        super().__init__(view, _missing, PAUSE_SECONDS if settings.search_url is not None else 0.0)


def _missing() -> SearchViewMissingError:
    return SearchViewMissingError(
        "there is no search view to read yet", remedy="wait until it is built; the list of projections says when"
    )
