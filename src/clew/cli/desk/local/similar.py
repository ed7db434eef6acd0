"""What is like what, by the vectors of this machine's record."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from clew.cli.options import Invocation
from clew.cli.session import Record, opened_record
from clew.domains.similarity.questions import Answer, Grouping, Question
from clew.kernel.database import TenantContext
from clew.kernel.errors import ConfigurationError
from clew.projections.search.port import SearchRequest, SearchResult
from clew.projections.vectors.port import Collection
from clew.records import acts


@dataclass(frozen=True, slots=True)
class LocalSimilarity:
    """See `ports.Similarity`."""

    call: Invocation

    def similar(self, question: Question) -> Answer:
        """What is alike."""
        from clew.domains.similarity.service import similar

        question.checked()
        with self._followed() as record:
            answer = similar(record.database, TenantContext(record.organization_id, record.user_id), question)
            self._tell(record, "similar_read", question.told(), {"ids": [each.id for each in answer.items]})
        return answer

    def clusters(self, collection: Collection, *, limit: int) -> Grouping:
        """Groups of what is alike."""
        from clew.domains.similarity.groups import grouped
        from clew.domains.similarity.service import opened_vectors

        with self._followed() as record, opened_vectors(record.database) as reader:
            found = grouped(reader, record.organization_id, collection, limit=limit)
            self._tell(record, "clusters_read", {"collection": collection.value}, {"groups": len(found.groups)})
        return found

    def hybrid(self, request: SearchRequest) -> SearchResult:
        """What words and likeness find together."""
        from clew.domains.similarity.hybrid import by_words_and_likeness
        from clew.projections.search_place import search_view
        from clew.projections.service import bring_up

        with self._followed() as record:
            if record.settings.search == "none":
                raise ConfigurationError("search is switched off", where="CLEW_SEARCH", remedy='set it to "tantivy"')
            bring_up(record.database, "search")
            with search_view(record.settings).reader() as reader:
                found = by_words_and_likeness(record.database, reader, record.organization_id, request)
            asked = {"text": request.text, "index": request.index.value, "hybrid": True}
            self._tell(record, "search", asked, {"found": found.total})
        return found

    @contextmanager
    def _followed(self) -> Iterator[Record]:
        """The record, with the view of vectors as new as it."""
        from clew.projections.service import bring_up

        with opened_record(self.call) as record:
            if record.settings.vectors == "none":
                raise ConfigurationError(
                    "vectors are switched off", where="CLEW_VECTORS", remedy='set it to "pgvector"'
                )
            bring_up(record.database, "vectors")
            yield record

    @staticmethod
    def _tell(record: Record, event: str, asked: Mapping[str, object], found: Mapping[str, object]) -> None:
        with record.transaction() as connection:
            acts.record(connection, acts.Act(event, "READ", "search", request=asked, response=found))
