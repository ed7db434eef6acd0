"""The writer: changes wait in memory until the commit, or until there are too many of them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, Self
from uuid import UUID

import orjson

from clew.projections.search.elastic.bulk import Bulk, Change, Refused, alias_target
from clew.projections.search.elastic.documents import SourceBuilder, document_of, ids_of, key_in
from clew.projections.search.elastic.generations import Generations, Held
from clew.projections.search.elastic.mappings import ORGANIZATION
from clew.projections.search.elastic.parts import Parts
from clew.projections.search.errors import SearchViewError
from clew.projections.search.fields import DocumentSet
from clew.projections.search.locks import Lock
from clew.projections.search.physical.rows import key_of, number_or_none
from clew.projections.search.physical.values import MisfitError
from clew.projections.search.port import Document, LateRefusal, Refusal

_BUILT_AT_ONCE: Final = 256
_UNSEEN_BYTES: Final = 4 << 20  # of a generation that nobody reads yet: sending begins early
_DROPPING_SECONDS: Final = 3_600.0
_STRAYS_AT_ONCE: Final = 1_000


class ElasticWriter:
    """The only writer of a view, for one generation of it.

    memory: bytes of changes that may wait for a commit of a published generation.
    """

    def __init__(self, generations: Generations, held: Held, lock: Lock, *, memory: int, seen: bool) -> None:
        self._generations = generations
        self._connection = generations.connection
        self._held = held
        self._lock = lock
        self._builders = {document_set: SourceBuilder(document_set) for document_set in DocumentSet}
        names = generations.names
        self._aliases = {each: names.alias(each, held.generation) for each in DocumentSet}
        self._parts = Parts(self._connection, names, held.generation, held.indices)
        self._bulk = Bulk(self._connection, self._parts, memory if seen else _UNSEEN_BYTES)
        self._closed = False

    @property
    def generation(self) -> str:
        """The generation it writes."""
        return self._held.generation

    @property
    def held(self) -> Held:
        """The generation's state as of the last commit."""
        return self._held

    @property
    def position(self) -> str:
        """The position of the last commit, "" before any."""
        return self._held.position

    def put(
        self, organization_id: UUID, document_set: DocumentSet, documents: Iterable[Document]
    ) -> tuple[Refusal, ...]:
        """Add documents or replace those of the same id; gives those that were refused."""
        self._check_open()
        refused: list[Refusal] = []
        coming = iter(documents)
        while batch := list(islice(coming, _BUILT_AT_ONCE)):
            refused += self._put(organization_id, document_set, batch)
        return tuple(refused)

    def remove(self, organization_id: UUID, document_set: DocumentSet, ids: Iterable[str]) -> None:
        """Remove documents; unknown ids are no error."""
        self._check_open()
        for number in map(number_or_none, ids):
            if number is not None:
                key = key_in(organization_id, key_of(number))
                self._bulk.add(Change(self._aliases[document_set], key, None))

    def drop_organization(self, organization_id: UUID) -> None:
        """Remove everything of an organization, uncommitted changes too. Takes effect at once."""
        self._check_open()
        self._bulk.forget(key_in(organization_id, ""))
        aliases = self._generations.names.aliases(self.generation)
        self._connection.succeed("POST", f"/{aliases}/_refresh", timeout_seconds=_DROPPING_SECONDS)
        self._delete(aliases, {"term": {ORGANIZATION: str(organization_id)}})

    def commit(self, position: str) -> tuple[LateRefusal, ...]:
        """Make everything since the last commit durable and visible, then the position."""
        self._check_open()
        refused, absent = self._bulk.finish()
        if refused:
            for each in refused:
                self._bulk.add(Change(each.change.alias, each.change.key, None))
            self._bulk.finish()
        touched, self._bulk.touched = self._bulk.touched, set()
        if touched:
            self._refresh(touched)
        self._remove_strays(absent)
        self._held = self._generations.write_position(self._held, position)
        return tuple(map(self._late, refused))

    def close(self) -> None:
        """Let go, without what was not committed."""
        try:
            self.finish()
        finally:
            self._lock.close()

    def finish(self) -> None:
        """End all writing, but stay the one writer until `close`."""
        if not self._closed:
            self._closed = True
            self._bulk.close()

    def __enter__(self) -> Self:
        """The writer itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _put(
        self, organization_id: UUID, document_set: DocumentSet, documents: Sequence[Document]
    ) -> Iterator[Refusal]:
        """Put documents in their order; those that do not fit are found by halving."""
        alias = self._aliases[document_set]
        while documents:
            try:
                built = self._builders[document_set].build(organization_id, documents)
            except MisfitError as error:
                if len(documents) == 1:
                    yield self._refuse(organization_id, document_set, documents[0], error)
                    return
                middle = len(documents) // 2
                yield from self._put(organization_id, document_set, documents[:middle])
                documents = documents[middle:]
            else:
                for key, source in built:
                    self._bulk.add(Change(alias, key_in(organization_id, key), source))
                documents = documents[len(built) :]

    def _refuse(
        self, organization_id: UUID, document_set: DocumentSet, document: Document, error: MisfitError
    ) -> Refusal:
        identifier = document.get("id")
        self.remove(organization_id, document_set, [str(identifier)])
        return Refusal(str(identifier)[:100], str(error))

    def _refresh(self, aliases: set[str]) -> None:
        target = f"/{alias_target(list(aliases))}/_refresh"
        shards = self._connection.succeed("POST", target, timeout_seconds=_DROPPING_SECONDS)["_shards"]
        if shards["failed"]:
            raise SearchViewError(
                f"the search engine could not show {shards['failed']} parts of what was written",
                where=self._connection.address.place,
                remedy="see the engine's log",
            )

    def _remove_strays(self, absent: Sequence[Change]) -> None:
        """What is not there under the key it should have may be there under another: put by hand."""
        of: dict[tuple[str, str], list[str]] = {}
        for change in absent:
            organization_id, identifier = ids_of(change.key)
            of.setdefault((change.alias, organization_id), []).append(identifier)
        for (alias, organization_id), ids in of.items():
            for start in range(0, len(ids), _STRAYS_AT_ONCE):
                named = [
                    {"term": {ORGANIZATION: organization_id}},
                    {"terms": {"id": ids[start : start + _STRAYS_AT_ONCE]}},
                ]
                query = {"bool": {"filter": named}}
                found = self._connection.succeed("POST", f"/{alias}/_count", {"query": query})
                if found["count"]:
                    self._delete(alias, query)

    def _delete(self, target: str, query: dict[str, Any]) -> None:
        """Delete what a query finds, and wait for it."""
        self._parts.open_all()
        told = self._connection.succeed(
            "POST",
            f"/{target}/_delete_by_query?conflicts=proceed&refresh=true",
            {"query": query},
            timeout_seconds=_DROPPING_SECONDS,
        )
        if told.get("failures") or told.get("timed_out"):
            raise SearchViewError(
                f"the search engine did not remove all: {str(told.get('failures'))[:300]}",
                where=self._connection.address.place,
                remedy="try again",
            )

    def _late(self, refused: Refused) -> LateRefusal:
        organization_id, _ = ids_of(refused.change.key)
        sets = {alias: document_set for document_set, alias in self._aliases.items()}
        document = document_of(orjson.loads(refused.change.source or b"{}"))
        return LateRefusal(UUID(organization_id), sets[refused.change.alias], document, refused.reason)

    def _check_open(self) -> None:
        if self._closed:
            raise SearchViewError("this writer is closed", where=self.generation, remedy="open another one")
