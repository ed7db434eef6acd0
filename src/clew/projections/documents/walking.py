"""One page of documents, whatever the engine: what its indexes cannot answer is looked at one by one, within limits."""

from collections.abc import Callable, Sequence
from typing import Final

from clew.projections.documents import cursors
from clew.projections.documents.cursors import Place
from clew.projections.documents.matching import matches, require_askable
from clew.projections.documents.port import (
    MAXIMUM_WALK,
    Document,
    DocumentCollection,
    DocumentPage,
    DocumentRequest,
)

_AT_ONCE: Final = 500

Fetch = Callable[[Place | None, int], Sequence[Document]]
"""The next so many documents after a place, newest first, that may meet the conditions: fewer only at the end."""


def page(collection: DocumentCollection, request: DocumentRequest, fetch: Fetch, *, walks: bool) -> DocumentPage:
    """A page of what `fetch` gives and the conditions allow.

    walks: whether `fetch` leaves conditions to be looked at here, so that more must be fetched than is shown.
    """
    require_askable(collection, request)
    place = cursors.decode(collection, request)
    wanted, looked = request.limit + 1, 0
    found: list[Document] = []
    last: Document | None = None
    while len(found) < wanted and looked < MAXIMUM_WALK:
        count = max(wanted, _AT_ONCE) if walks else wanted
        some = fetch(place, count)
        for document in some:
            if all(matches(document, each) for each in request.conditions):
                found.append(document)
                if len(found) == wanted:
                    break
        looked += len(some)
        if len(some) < count:
            last = None
            break
        last = some[-1]
        place = cursors.place_of(last)
    if len(found) == wanted:
        last = found[request.limit - 1]
    following = None if last is None else cursors.encode(cursors.place_of(last), collection, request)
    return DocumentPage(tuple(found[: request.limit]), following)
