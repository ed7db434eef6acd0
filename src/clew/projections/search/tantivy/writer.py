"""The writer: one Tantivy index writer for each organization and set that is being changed, few open at a time."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final, Self
from uuid import UUID

import tantivy

from clew.kernel.directories import PRIVATE_FILE
from clew.projections.search.errors import SearchViewError
from clew.projections.search.fields import DocumentSet
from clew.projections.search.locks import Lock
from clew.projections.search.physical.rows import key_of, number_or_none
from clew.projections.search.physical.values import MisfitError
from clew.projections.search.port import Document, LateRefusal, Refusal
from clew.projections.search.tantivy.documents import Built, DocumentBuilder
from clew.projections.search.tantivy.engine import engine
from clew.projections.search.tantivy.leftovers import remove_uncommitted_deletions
from clew.projections.search.tantivy.places import Generation
from clew.projections.search.tantivy.schema import build_schema, register_analyzers

DEFAULT_MEMORY: Final = 256 << 20
_LEAST_MEMORY: Final = 16 << 20
_MOST_OPEN: Final = 8
# An indexing thread that runs dry after each document is woken for each: some are built first, then added at once.
# [M: a quarter less processor time.] As few as stay in the processor's cache from their reading to their adding.
# [M: 256 take a third less time to build than 5,000]
_BUILT_AT_ONCE: Final = 256

# Tantivy numbers a new writer's first operation as the last commit. Where a kill cut that commit's merges off, the
# first merges of this writer take a deletion of that number for done in segments that the commit had deleted from,
# and the document stays. [M: one of five times.] So the first deletion is one of nobody.
_NOBODY: Final = "nobody"

Key = tuple[UUID, DocumentSet]


class _Seen:
    """Which documents were put into an index that began empty: none of the others needs to be deleted first.

    A bit of 8 MiB for each, by its uuid: to take a new document for a known one costs a needless deletion, nothing
    else.
    """

    _MASK: Final = (1 << 23) - 1

    def __init__(self) -> None:
        self._bits = bytearray(self._MASK + 1)

    def known(self, tails: Iterable[int]) -> list[int]:
        """Note documents by the last bits of their uuids; which of them, by place, may have been there."""
        bits, mask, known = self._bits, self._MASK, []
        for place, tail in enumerate(tails):
            byte, bit = tail >> 3 & mask, 1 << (tail & 7)
            held = bits[byte]
            if held & bit:
                known.append(place)
            else:
                bits[byte] = held | bit
        return known


class _Open:
    """One index being written."""

    def __init__(self, directory: Path, document_set: DocumentSet, memory: int, threads: int) -> None:
        self.directory = directory
        remove_uncommitted_deletions(directory)
        with engine(directory):
            self._index = tantivy.Index(build_schema(document_set), path=str(directory), reuse=True)
            register_analyzers(self._index, document_set)
            self.began_empty = self._index.searcher().num_docs == 0
            self.writer = self._index.writer(heap_size=max(memory, _LEAST_MEMORY * threads), num_threads=threads)
            self.writer.delete_documents_by_term("_id", _NOBODY)
        self.changed = False

    def commit(self) -> None:
        if self.changed:
            with engine(self.directory):
                self.writer.commit()
            self.changed = False

    def close(self) -> None:
        with engine(self.directory):
            self.writer.wait_merging_threads()  # consumes the writer; what was not committed is gone
        make_private(self.directory)


class TantivyWriter:
    """The only writer of a view, for one generation of it.

    memory: bytes for documents on their way, over all organizations. threads: per index, besides merging.
    """

    def __init__(self, generation: Generation, lock: Lock, *, memory: int, threads: int) -> None:
        self._generation = generation
        self._lock = lock
        self._memory = memory
        self._threads = threads
        self._builders = {document_set: DocumentBuilder(document_set) for document_set in DocumentSet}
        self._open: OrderedDict[Key, _Open] = OrderedDict()
        self._seen: dict[Key, _Seen] = {}
        state = generation.state()
        self._position = state.position if state is not None else ""
        self._closed = False

    @property
    def generation(self) -> str:
        """The generation it writes."""
        return self._generation.name

    @property
    def position(self) -> str:
        """The position of the last commit, "" before any."""
        return self._position

    def put(
        self, organization_id: UUID, document_set: DocumentSet, documents: Iterable[Document]
    ) -> tuple[Refusal, ...]:
        """Add documents or replace those of the same id; gives those that were refused."""
        refused: list[Refusal] = []
        coming = iter(documents)
        while batch := list(islice(coming, _BUILT_AT_ONCE)):
            refused += self._put(organization_id, document_set, batch)
        return tuple(refused)

    def remove(self, organization_id: UUID, document_set: DocumentSet, ids: Iterable[str]) -> None:
        """Remove documents; unknown ids are no error."""
        keys = [key_of(number) for number in map(number_or_none, ids) if number is not None]
        directory = self._generation.index_directory(organization_id, document_set)
        if not keys or not (directory / "meta.json").exists():
            return
        opened = self._opened((organization_id, document_set))
        opened.changed = True
        with engine(opened.directory):
            for key in keys:
                opened.writer.delete_documents_by_term("_id", key)

    def drop_organization(self, organization_id: UUID) -> None:
        """Remove everything of an organization, uncommitted changes too. Takes effect at once."""
        self._check_open()
        for document_set in DocumentSet:
            opened = self._open.pop((organization_id, document_set), None)
            if opened is not None:
                opened.close()
            self._seen.pop((organization_id, document_set), None)
        self._generation.drop(organization_id)

    def commit(self, position: str) -> tuple[LateRefusal, ...]:
        """Make everything since the last commit durable and visible, then the position; nothing is refused here."""
        self._check_open()
        for opened in self._open.values():
            opened.commit()
            make_private(opened.directory)
        self._generation.write_position(position)
        self._position = position
        return ()

    def close(self) -> None:
        """Let go, without what was not committed; waits for merges, so that readers find few segments."""
        try:
            self.finish()
        finally:
            self._lock.close()

    def finish(self) -> None:
        """Close every index, but stay the one writer until `close`."""
        self._closed = True
        while self._open:
            self._open.popitem()[1].close()

    def __enter__(self) -> Self:
        """The writer itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _opened(self, key: Key) -> _Open:
        self._check_open()
        opened = self._open.get(key)
        if opened is not None:
            self._open.move_to_end(key)
            return opened
        while len(self._open) >= _MOST_OPEN:
            # Seen before its position: the same changes put again after a crash give the same view.
            _, oldest = self._open.popitem(last=False)
            oldest.commit()
            oldest.close()
        organization_id, document_set = key
        directory = self._generation.ensure_index_directory(organization_id, document_set)
        memory = self._memory // 2 if not self._open else self._memory // (2 * _MOST_OPEN)
        opened = _Open(directory, document_set, memory, self._threads)
        if opened.began_empty and key not in self._seen and len(self._seen) < _MOST_OPEN:
            self._seen[key] = _Seen()
        self._open[key] = opened
        return opened

    def _put(
        self, organization_id: UUID, document_set: DocumentSet, documents: Sequence[Document]
    ) -> Iterator[Refusal]:
        """Put documents in their order; those that do not fit are found by halving."""
        while documents:
            try:
                built = self._builders[document_set].build(documents)
            except MisfitError as error:
                if len(documents) == 1:
                    yield self._refuse(organization_id, document_set, documents[0], error)
                    return
                middle = len(documents) // 2
                yield from self._put(organization_id, document_set, documents[:middle])
                documents = documents[middle:]
            else:
                self._add((organization_id, document_set), built)
                documents = documents[len(built.documents) :]

    def _add(self, key: Key, built: Built) -> None:
        opened = self._opened(key)
        opened.changed = True
        writer, documents = opened.writer, built.documents
        seen = self._seen.get(key)
        known = seen.known(built.identities.tails) if seen is not None else range(len(documents))
        with engine(opened.directory):
            done = 0
            for place in known:
                _add_all(writer, documents[done:place])
                writer.delete_documents_by_term("_id", built.identities.keys[place])
                done = place
            _add_all(writer, documents[done:])

    def _refuse(
        self, organization_id: UUID, document_set: DocumentSet, document: Document, error: MisfitError
    ) -> Refusal:
        identifier = document.get("id")
        if number_or_none(identifier) is not None:
            self.remove(organization_id, document_set, [str(identifier)])
        return Refusal(str(identifier)[:100], str(error))

    def _check_open(self) -> None:
        if self._closed:
            raise SearchViewError("this writer is closed", where=self.generation, remedy="open another one")


def _add_all(writer: tantivy.IndexWriter, documents: list[str | tantivy.Document]) -> None:
    for document in documents:
        if isinstance(document, str):
            writer.add_json(document)
        else:
            writer.add_document(document)


def make_private(directory: Path) -> None:
    """Take the files of an index from everybody else; their directory is private from the beginning."""
    for path in directory.iterdir():
        with suppress(FileNotFoundError):  # merged away meanwhile
            if path.lstat().st_mode & 0o077 and not path.is_symlink():
                path.chmod(PRIVATE_FILE)
