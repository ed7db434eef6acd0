"""The writer: one Tantivy index writer for each organization and set that is being changed, few open at a time."""

from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, Self
from uuid import UUID

import tantivy

from clew.kernel.directories import PRIVATE_FILE
from clew.projections.search.errors import SearchViewError
from clew.projections.search.fields import DocumentSet
from clew.projections.search.port import Document, Refusal
from clew.projections.search.tantivy.documents import DocumentBuilder, MisfitError, key_of, number_of
from clew.projections.search.tantivy.engine import engine
from clew.projections.search.tantivy.places import Generation, Lock
from clew.projections.search.tantivy.schema import build_schema, register_analyzers

DEFAULT_MEMORY: Final = 256 << 20
_LEAST_MEMORY: Final = 16 << 20
_MOST_OPEN: Final = 8
# An indexing thread that runs dry after each document is woken for each: documents are built first, then added at once.
# [M: a quarter less processor time]
_BUILT_AT_ONCE: Final = 5_000
_BYTES_AT_ONCE: Final = 16 << 20

Key = tuple[UUID, DocumentSet]
Built = tuple[int, str | tantivy.Document]


class _Seen:
    """Which documents were put into an index that began empty: none of the others needs to be deleted first.

    A Bloom filter of 8 MiB: to take a new document for a known one costs a needless deletion, nothing else.
    """

    _MASK: Final = (1 << 26) - 1

    def __init__(self) -> None:
        self._bits = bytearray((self._MASK + 1) >> 3)

    def add(self, number: int) -> bool:
        """Note a document; whether it may have been there."""
        bits, known = self._bits, True
        head = number >> 64  # small numbers are fast
        for position in (number & self._MASK, head & self._MASK, head >> 38):
            byte, bit = position >> 3, 1 << (position & 7)
            if not bits[byte] & bit:
                bits[byte] |= bit
                known = False
        return known


class _Open:
    """One index being written."""

    def __init__(self, directory: Path, document_set: DocumentSet, memory: int, threads: int) -> None:
        self.directory = directory
        with engine(directory):
            self._index = tantivy.Index(build_schema(document_set), path=str(directory), reuse=True)
            register_analyzers(self._index, document_set)
            self.began_empty = self._index.searcher().num_docs == 0
            self.writer = self._index.writer(heap_size=max(memory, _LEAST_MEMORY * threads), num_threads=threads)
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
        build = self._builders[document_set].build
        key = organization_id, document_set
        built: list[Built] = []
        size = 0
        for document in documents:
            try:
                made = build(document)
            except MisfitError as error:
                self._add(key, built)  # an earlier one of the same id must not come after its removal
                built, size = [], 0
                refused.append(self._refuse(organization_id, document_set, document, error))
                continue
            built.append(made)
            size += len(made[1]) if isinstance(made[1], str) else 0
            if len(built) == _BUILT_AT_ONCE or size > _BYTES_AT_ONCE:
                self._add(key, built)
                built, size = [], 0
        self._add(key, built)
        return tuple(refused)

    def remove(self, organization_id: UUID, document_set: DocumentSet, ids: Iterable[str]) -> None:
        """Remove documents; unknown ids are no error."""
        keys = [key_of(number) for number in map(_number_or_none, ids) if number is not None]
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

    def commit(self, position: str) -> None:
        """Make everything since the last commit durable and visible, then the position."""
        self._check_open()
        for opened in self._open.values():
            opened.commit()
            make_private(opened.directory)
        self._generation.write_position(position)
        self._position = position

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

    def _add(self, key: Key, built: list[Built]) -> None:
        if not built:
            return
        opened = self._opened(key)
        seen = self._seen.get(key)
        opened.changed = True
        writer = opened.writer
        with engine(opened.directory):
            for number, document in built:
                if seen is None or seen.add(number):
                    writer.delete_documents_by_term("_id", key_of(number))
                if isinstance(document, str):
                    writer.add_json(document)
                else:
                    writer.add_document(document)

    def _refuse(
        self, organization_id: UUID, document_set: DocumentSet, document: Document, error: MisfitError
    ) -> Refusal:
        identifier = document.get("id")
        if _number_or_none(identifier) is not None:
            self.remove(organization_id, document_set, [str(identifier)])
        return Refusal(str(identifier)[:100], str(error))

    def _check_open(self) -> None:
        if self._closed:
            raise SearchViewError("this writer is closed", where=self.generation, remedy="open another one")


def make_private(directory: Path) -> None:
    """Take the files of an index from everybody else; their directory is private from the beginning."""
    for path in directory.iterdir():
        with suppress(FileNotFoundError):  # merged away meanwhile
            if path.lstat().st_mode & 0o077 and not path.is_symlink():
                path.chmod(PRIVATE_FILE)


def _number_or_none(identifier: object) -> int | None:
    try:
        return number_of({"id": identifier})
    except MisfitError:
        return None
