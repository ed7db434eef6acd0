"""The writer: small changes of an organization become a frame of its delta, large ones another base."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final, Self
from uuid import UUID

from clew.projections.graph.embedded import delta
from clew.projections.graph.embedded.base import Base
from clew.projections.graph.embedded.building import Builder
from clew.projections.graph.embedded.columns import id_bytes
from clew.projections.graph.embedded.delta import Changes
from clew.projections.graph.embedded.overlay import Overlay, refused_edges
from clew.projections.graph.embedded.places import Generation, OrganizationPlace
from clew.projections.graph.errors import GraphViewError
from clew.projections.graph.port import Document, Part, Refused
from clew.projections.search.locks import Lock

SMALL: Final = 5_000
"""Rows that wait in memory for a commit, and that a delta holds, before all is written as another base."""
_SHARE: Final = 50  # … or a part of what the base holds, whichever is more
_AT_ONCE: Final = 2_000


class EmbeddedWriter:
    """See `port.GraphWriter`. Memory: some 600 bytes for each row of an organization that is rewritten."""

    def __init__(self, generation: Generation, lock: Lock, *, small: int = SMALL) -> None:
        self._generation = generation
        self._lock = lock
        self._small = small
        self._open: dict[UUID, _Organization] = {}

    @property
    def generation(self) -> str:
        """The generation it writes."""
        return self._generation.name

    def put(self, organization_id: UUID, part: Part, documents: Iterable[Document]) -> None:
        """Add or replace documents."""
        organization = self._of(organization_id)
        coming = iter(documents)
        while some := list(islice(coming, _AT_ONCE)):
            organization.put(part, some)

    def remove(self, organization_id: UUID, part: Part, ids: Iterable[UUID]) -> None:
        """Remove documents."""
        self._of(organization_id).remove(part, [str(each) for each in ids])

    def commit(self, position: str) -> tuple[Refused, ...]:
        """Every organization's changes, then the position."""
        refused: list[Refused] = []
        try:
            for organization_id, organization in self._open.items():
                refused += (Refused(organization_id, *each) for each in organization.commit())
            self._generation.write_position(position)
        except OSError as error:
            raise GraphViewError(
                f"the graph view cannot be written: {error.strerror}",
                where=str(self._generation.directory),
                remedy="make room on that disk",
            ) from error
        self._open.clear()
        return tuple(refused)

    def finish(self) -> None:
        """Leave what was not committed undone."""
        for organization in self._open.values():
            organization.abandon()
        self._open.clear()

    def close(self) -> None:
        """Let go."""
        self.finish()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _of(self, organization_id: UUID) -> "_Organization":
        if organization_id not in self._open:
            place = self._generation.organization(organization_id)
            self._open[organization_id] = _Organization(place, self._small)
        return self._open[organization_id]


class _Organization:
    """What waits for a commit."""

    def __init__(self, place: OrganizationPlace, small: int) -> None:
        self._place = place
        self._changes = Changes()
        self._builder: Builder | None = None
        self._base = place.base()
        self._earlier = Changes()
        self._small = small
        if self._base is not None:
            place.clean()
            self._earlier, _ = delta.read(self._base)

    def put(self, part: Part, documents: Sequence[Document]) -> None:
        if self._builder is None:
            self._changes.rows[part] |= {each["id"]: each for each in documents}
            self._grow()
        else:
            self._builder.put(part, documents)

    def remove(self, part: Part, ids: Sequence[str]) -> None:
        if self._builder is None:
            self._changes.rows[part] |= dict.fromkeys(ids)
            self._grow()
        else:
            self._builder.remove(part, [id_bytes(each) for each in ids])

    def commit(self) -> list[tuple[Part, UUID, str]]:
        """Make what waits durable and visible; the edges that were left out."""
        if self._base is None or self._is_much():
            return self._rewrite()
        if not len(self._changes):
            return []
        together = self._earlier.copied()
        together.add(self._changes)
        refused = refused_edges(Overlay(Base.open(self._base, checked=False), together), self._changes)
        for identifier, _ in refused:
            self._changes.rows[Part.EDGES][str(identifier)] = None
        delta.append(self._base, self._changes)
        return [(Part.EDGES, identifier, reason) for identifier, reason in refused]

    def abandon(self) -> None:
        if self._builder is not None:
            self._builder.close()
        if self._place.directory.exists():
            self._place.clean()

    def _grow(self) -> None:
        if len(self._changes) > self._small:
            self._builder = self._begun()

    def _is_much(self) -> bool:
        if self._builder is not None:
            return True
        if self._base is None or len(self._earlier) + len(self._changes) <= self._small:
            return False
        base = Base.open(self._base, checked=False)
        return len(self._earlier) + len(self._changes) > (base.nodes + base.edges) // _SHARE

    def _begun(self) -> Builder:
        """A builder of all that is there, the changes last."""
        builder = Builder(self._place.new_base())
        if self._base is not None:
            builder.put_base(Base.open(self._base))
            _put_changes(builder, self._earlier)
        _put_changes(builder, self._changes)
        self._changes = Changes()
        return builder

    def _rewrite(self) -> list[tuple[Part, UUID, str]]:
        builder = self._builder or self._begun()
        refused = builder.finish()
        self._place.use(builder.directory)
        return refused


def _put_changes(builder: Builder, changes: Changes) -> None:
    for part, rows in changes.rows.items():
        builder.remove(part, [id_bytes(identifier) for identifier, document in rows.items() if document is None])
        builder.put(part, [document for document in rows.values() if document is not None])
