"""Open indexes of one generation, each renewed when its writer has committed."""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Final
from uuid import UUID

import tantivy

from clew.projections.search.errors import SearchViewError
from clew.projections.search.fields import DocumentSet
from clew.projections.search.languages import STEMMED
from clew.projections.search.tantivy.engine import engine
from clew.projections.search.tantivy.ordering import Whole
from clew.projections.search.tantivy.places import Generation

_MOST_OPEN: Final = 64
_MOST_MOMENTS: Final = 16
_ATTEMPTS: Final = 5

Stamp = tuple[int, int, int]


class Moment:
    """One committed state of an index, which does not change any more."""

    def __init__(self, directory: Path, index: tantivy.Index, stamp: Stamp) -> None:
        self.directory = directory
        self.schema = index.schema
        self.searcher = index.searcher()
        self.whole = Whole(self.searcher.num_docs)
        self.stamp = "-".join(format(part, "x") for part in stamp)
        present = (language for language in STEMMED if self.searcher.doc_freq("_lang", language))
        self.languages = tuple(present)


class _OpenIndex:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._index: tantivy.Index | None = None
        self._stamp: Stamp | None = None
        self._newest: Moment | None = None
        self._moments: OrderedDict[str, Moment] = OrderedDict()

    def moment(self, stamp: str | None) -> Moment | None:
        """The newest state, or the kept one with this stamp; None if the index or that state is not there any more."""
        newest = _stamp(self._directory)
        if newest is None:
            self._moments.clear()
            return None
        if newest != self._stamp or self._index is None:
            self._renew()
        if stamp is None or stamp not in self._moments:
            return self._newest if stamp is None else None
        self._moments.move_to_end(stamp)
        return self._moments[stamp]

    def _renew(self) -> None:
        """Look at the newest state; once more where a writer replaced it meanwhile."""
        for attempt in range(1, _ATTEMPTS + 1):
            newest = _stamp(self._directory)
            try:
                moment = self._look(newest or (0, 0, 0))
            except SearchViewError:
                self._index = None
                if attempt == _ATTEMPTS:
                    raise
                continue
            if newest == _stamp(self._directory) or attempt == _ATTEMPTS:
                self._stamp = newest
                self._keep(moment)
                return

    def _look(self, stamp: Stamp) -> Moment:
        with engine(self._directory):
            if self._index is None:
                self._index = tantivy.Index.open(str(self._directory))
                self._index.config_reader("manual")
            self._index.reload()
            return Moment(self._directory, self._index, stamp)

    def _keep(self, moment: Moment) -> None:
        self._newest = self._moments[moment.stamp] = moment
        self._moments.move_to_end(moment.stamp)
        while len(self._moments) > _MOST_MOMENTS:
            self._moments.popitem(last=False)


class OpenIndexes:
    """The open indexes of a reader; the least used are closed."""

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self._lock = threading.Lock()
        self._open: OrderedDict[tuple[UUID, DocumentSet], _OpenIndex] = OrderedDict()

    def moment(self, organization_id: UUID, document_set: DocumentSet, stamp: str | None = None) -> Moment | None:
        """The newest state of an index or, if it is still kept, the one of a stamp; None if there is none."""
        key = (organization_id, document_set)
        with self._lock:
            opened = self._open.get(key)
            if opened is None:
                opened = _OpenIndex(self._generation.index_directory(organization_id, document_set))
                self._open[key] = opened
                while len(self._open) > _MOST_OPEN:
                    self._open.popitem(last=False)
            self._open.move_to_end(key)
            moment = opened.moment(stamp)
            if moment is None and stamp is None:
                del self._open[key]
            return moment

    def close(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._open.clear()


def _stamp(directory: Path) -> Stamp | None:
    """What changes with every commit: the identity of the file that lists what is committed."""
    try:
        information = (directory / "meta.json").stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return (information.st_ino, information.st_mtime_ns, information.st_size)
