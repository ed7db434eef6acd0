"""The vector port: what is kept, what is asked, who reads, who writes. Its definition is tests/contract/vectors.

Every reading and writing call names the organization first; no filter reaches another one's vectors, and the filter by
organization is the adapter's own. Vectors have length 1 and are kept at half precision (IEEE 754 binary16), which
`precision.at_stored_precision` rounds to, so that every adapter gives back the very numbers that it was given. Likeness
is their inner product: the cosine of the angle between them, 1 for the same direction.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol, Self
from uuid import UUID

from clew.projections.place import never

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST_VECTOR: Final = 3_900
MAXIMUM_LIMIT: Final = 1_000
LONGEST_EXCERPT: Final = 400

if TYPE_CHECKING:
    Vector = NDArray[np.float32]
else:
    Vector = Any  # a load, which has to know that there is this view, does not load arrays for it


class Collection(StrEnum):
    """What is kept apart: each has a model of its own, and likeness is asked for within one."""

    INVESTIGATIONS = "investigations_embeddings"
    SOCIAL_PROFILES = "social_profiles_embeddings"
    CONTENT = "content_embeddings"
    DOMAINS = "domain_embeddings"
    KNOWLEDGE = "knowledge_base"


@dataclass(frozen=True, slots=True)
class Model:
    """What made a collection's vectors. Vectors of different models, or versions of one, cannot be compared."""

    name: str
    dimension: int
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.dimension})"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a vector is of. `kind`: the entity's type, or "investigation", "social_post", the item's type.

    `excerpt`: the beginning of the text, at most LONGEST_EXCERPT characters. first_seen, last_seen: microseconds since
    1970, UTC. `content_hash`: of the whole text that the vector was made of, 32 hexadecimal digits.
    """

    id: UUID
    table: str
    kind: str
    name: str
    content_hash: str
    excerpt: str = ""
    platform: str | None = None
    first_seen: int | None = None
    last_seen: int | None = None

    def text(self) -> str:
        """All of it as one line, for comparing record and view."""
        return "\x1f".join(
            "" if each is None else str(each)
            for each in (
                self.table,
                self.kind,
                self.name,
                self.content_hash,
                self.excerpt,
                self.platform,
                self.first_seen,
                self.last_seen,
            )
        )


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A subject and its vector, at stored precision."""

    subject: Subject
    vector: Vector


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A subject that was found. score: likeness, -1 to 1."""

    subject: Subject
    score: float


@dataclass(frozen=True, slots=True)
class Conditions:
    """Which subjects may be found; everything given must hold, and an empty one finds all.

    kinds, platforms: any of these. since (inclusive), until (exclusive): seen within, in microseconds since 1970; a
    subject without times is not found then. `ids`: only these; `without`: none of these.
    """

    kinds: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    ids: tuple[UUID, ...] = ()
    without: tuple[UUID, ...] = ()

    @property
    def narrow(self) -> bool:
        """Whether they leave much out; `without` does not."""
        return bool(self.kinds or self.platforms or self.ids or self.since is not None or self.until is not None)


EVERYTHING: Final = Conditions()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A point that was not taken, and why."""

    id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class ViewState:
    """What is published: its generation (opaque), schema, the position that is surely in it, and its models."""

    generation: str
    schema_version: int
    position: str
    models: Mapping[Collection, Model]


class VectorReader(Protocol):
    """Reads one generation: of each vector the newest committed state. Usable from several threads; close it."""

    @property
    def generation(self) -> str:
        """The generation it reads."""

    @property
    def models(self) -> Mapping[Collection, Model]:
        """What made the vectors of each collection."""

    def nearest(
        self,
        organization_id: UUID,
        collection: Collection,
        vector: Vector,
        *,
        model: Model,
        conditions: Conditions = EVERYTHING,
        limit: int = 10,
    ) -> tuple[Neighbour, ...]:
        """The most alike, best first, equal ones by id: exactly, or of the true ones 95 of 100 on the average at least.

        `limit`: 1 to MAXIMUM_LIMIT. Raises ModelMismatchError for a vector of another model than the collection's,
        VectorQueryError for one that is none.
        """

    def get(self, organization_id: UUID, collection: Collection, ids: Sequence[UUID]) -> dict[UUID, Point]:
        """The points of these ids that are there."""

    def stored(self, organization_id: UUID, collection: Collection) -> Iterator[Point]:
        """Everything stored, each point once, in any order; memory does not grow with it."""

    def count(self, organization_id: UUID, collection: Collection) -> int:
        """How many points are stored."""

    def organizations(self) -> tuple[UUID, ...]:
        """Every organization that has points, in ascending order."""

    def close(self) -> None:
        """Let go of the generation."""

    def __enter__(self) -> Self:
        """The reader itself."""

    def __exit__(self, *_: object) -> None:
        """Close."""


class VectorWriter(Protocol):
    """Changes one generation. One thread; one writer at a time, in all processes."""

    @property
    def generation(self) -> str:
        """The generation it writes."""

    @property
    def models(self) -> Mapping[Collection, Model]:
        """What has to have made the vectors that are put."""

    def put(
        self, organization_id: UUID, collection: Collection, points: Iterable[Point], *, model: Model
    ) -> tuple[Refusal, ...]:
        """Add points or replace those of the same id; gives those that were refused, of which nothing stays.

        Raises ModelMismatchError for another model than the collection's; then nothing is put.
        """

    def remove(self, organization_id: UUID, collection: Collection, ids: Iterable[UUID]) -> None:
        """Remove points; unknown ids are no error."""

    def drop_organization(self, organization_id: UUID) -> None:
        """Remove everything of an organization; durable with the next commit."""

    def commit(self, position: str, given_up: Callable[[], bool] = never) -> None:
        """Make everything since the last commit durable and visible, then the position.

        With an engine that has no transactions some of it may be seen before. A process killed anywhere in here leaves
        the former position; the same changes put again give the same view. So does one that is `given_up` while an
        index is made, which raises EndedError.
        """

    def close(self) -> None:
        """Let go, without what was not committed."""

    def __enter__(self) -> Self:
        """The writer itself."""

    def __exit__(self, *_: object) -> None:
        """Close."""


class VectorView(Protocol):
    """An adapter's front: a view at one place."""

    @property
    def adapter(self) -> str:
        """The adapter's name, as `projection status` shows it."""

    @property
    def schema_version(self) -> int:
        """The version this program reads and writes."""

    def state(self) -> ViewState | None:
        """What is published; None where nothing is."""

    def rows(self) -> int:
        """How many points are published, of all organizations; 0 where nothing is. Cheap, however many."""

    def reader(self) -> VectorReader:
        """Read what is published now. Raises VectorViewMissingError if nothing is."""

    def writer(self) -> VectorWriter:
        """Write to what is published. Raises VectorViewMissingError if nothing is, VectorViewBusyError."""

    def builder(self, models: Mapping[Collection, Model]) -> VectorWriter:
        """Write a new generation that nobody sees before `publish`. Raises VectorViewBusyError."""

    def publish(self, writer: VectorWriter) -> None:
        """Close the writer and let its generation take the place of the published one, at once and durably.

        Only what was committed is published. Readers of the former generation may go on until the next one is built.
        """

    def abandon(self, writer: VectorWriter) -> None:
        """Close the writer and remove its generation."""

    def copied(self) -> AbstractContextManager["VectorView"]:
        """A view with a copy of what is published, at a place of its own; both are gone after the block."""
