"""What is like what, as a server answers."""

from dataclasses import dataclass

from clew.cli.desk.remote.connection import connected, shaped
from clew.cli.desk.remote.searching import RemoteSearching
from clew.cli.options import Invocation
from clew.domains.similarity.questions import Answer, Group, Grouping, Likeness, Question
from clew.projections.search.port import SearchRequest, SearchResult
from clew.projections.vectors.port import Collection


@dataclass(frozen=True, slots=True)
class RemoteSimilarity:
    """See `view_ports.Similarity`."""

    call: Invocation

    def similar(self, question: Question) -> Answer:
        """What is alike."""
        question.checked()
        with connected(self.call) as client:
            found = client.similar(
                value=question.value,
                type=question.kind,
                q=question.text,
                like=list(question.like),
                unlike=list(question.unlike),
                collection=question.collection.value if question.collection else None,
                kind=list(question.kinds),
                platform=list(question.platforms),
                from_=question.since,
                to=question.until,
                limit=question.limit,
            )
        return Answer(found.asked, tuple(shaped(each, Likeness) for each in found.items))

    def clusters(self, collection: Collection, *, limit: int) -> Grouping:
        """Groups of what is alike."""
        with connected(self.call) as client:
            found = client.clusters(collection=collection.value, limit=limit)
        return Grouping(
            found.collection,
            found.method,
            found.subjects,
            found.apart,
            tuple(
                Group(each.size, tuple(each.terms), tuple(shaped(one, Likeness) for one in each.examples))
                for each in found.groups
            ),
        )

    def hybrid(self, request: SearchRequest) -> SearchResult:
        """What words and likeness find together."""
        return RemoteSearching(self.call).search(request, hybrid=True)
