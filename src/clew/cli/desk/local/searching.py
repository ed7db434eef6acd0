"""The search view of this machine."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from clew.cli.options import Invocation
from clew.cli.search_session import opened_search
from clew.projections.search.fields import SearchIndex
from clew.projections.search.port import SearchRequest, SearchResult, Suggestion


@dataclass(frozen=True, slots=True)
class LocalSearching:
    """See `ports.Searching`."""

    call: Invocation

    def search(self, request: SearchRequest) -> SearchResult:
        """What is found."""
        with opened_search(self.call) as found:
            result = found.reader.search(found.organization_id, request)
            found.tell("search", _asked(request), result.total)
        return result

    def suggest(self, prefix: str, *, index: SearchIndex, types: Sequence[str], limit: int) -> Sequence[Suggestion]:
        """Names that begin like that."""
        with opened_search(self.call) as found:
            names = found.reader.suggest(
                found.organization_id, prefix, index=index, limit=limit, entity_types=tuple(types)
            )
            found.tell("suggest", {"prefix": prefix, "index": index.value, "types": tuple(types)}, len(names))
        return names


def _asked(request: SearchRequest) -> dict[str, object]:
    """What of a request the audit trail is told: all that was given."""
    given = {each.name: getattr(request, each.name) for each in fields(request)}
    return {name: value for name, value in given.items() if value not in (None, "", (), [], {}, False)}
