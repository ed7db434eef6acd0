"""What can be asked about likeness, and what is answered. Light: no arrays, no driver."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from clew.projections.search.wording import moment_of
from clew.projections.vectors.errors import VectorQueryError
from clew.projections.vectors.port import MAXIMUM_LIMIT, Collection, Conditions, Neighbour

MAXIMUM_EXAMPLES: Final = 50
LONGEST_ASKED: Final = 32_768
WORDS: Final = {
    "cases": Collection.INVESTIGATIONS,
    "profiles": Collection.SOCIAL_PROFILES,
    "content": Collection.CONTENT,
    "domains": Collection.DOMAINS,
    "knowledge": Collection.KNOWLEDGE,
}
"""Collections as people call them."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; exactly one of `value`, `text` and `like`.

    value: an entity (of type `kind`, if that is given) or a case, by id, name or spelling. text: in any words. like,
    unlike: ids of examples, of one collection. collection: None for that of the value or the examples; for a text all.
    kinds, platforms: any of these. since, until: seen within.
    """

    value: str | None = None
    kind: str | None = None
    text: str | None = None
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    collection: Collection | None = None
    kinds: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    limit: int = 10

    def checked(self) -> "Question":
        """Itself. Raises VectorQueryError for what cannot be asked."""
        given = [name for name in ("value", "text", "like") if getattr(self, name)]
        if len(given) != 1:
            what = "a value, a text, or examples"
            raise _wrong("value", f"ask for what is like one of: {what}" if given else f"like what? {what}", "give one")
        if self.unlike and not self.like:
            raise _wrong("unlike", "there is no example to begin with", "give one with like")
        if len(self.like) + len(self.unlike) > MAXIMUM_EXAMPLES:
            raise _wrong("like", f"more than {MAXIMUM_EXAMPLES} examples", "give fewer")
        if self.text is not None and len(self.text) > LONGEST_ASKED:
            raise _wrong("text", f"longer than {LONGEST_ASKED:,} characters", "give a part of it")
        if not 1 <= self.limit <= MAXIMUM_LIMIT:
            raise _wrong("limit", f"limit is 1 to {MAXIMUM_LIMIT}, not {self.limit}", "ask for fewer")
        self.conditions()
        return self

    def conditions(self) -> Conditions:
        """What the neighbours have to meet. Raises SearchQueryError for times that are none."""
        return Conditions(
            kinds=self.kinds,
            platforms=self.platforms,
            since=_microseconds(moment_of(self.since, "from")),
            until=_microseconds(moment_of(self.until, "to")),
        )

    def told(self) -> dict[str, Any]:
        """What the audit trail is told: all that was given."""
        given = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in given.items() if value not in (None, (), "")}


@dataclass(frozen=True, slots=True)
class Likeness:
    """A subject that was found: in which collection, how alike (-1 to 1), and by which model."""

    collection: str
    model: str
    id: str
    kind: str
    name: str
    platform: str | None
    excerpt: str
    score: float

    @classmethod
    def of(cls, collection: Collection, model: str, neighbour: Neighbour) -> "Likeness":
        """As an answer names it."""
        subject = neighbour.subject
        return cls(
            collection.value,
            model,
            str(subject.id),
            subject.kind,
            subject.name,
            subject.platform,
            subject.excerpt,
            round(neighbour.score, 6),
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is like what was asked about, best first. `asked`: its name, as the record has it; None for a text."""

    asked: str | None
    items: tuple[Likeness, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"asked": self.asked, "items": [each.as_dict() for each in self.items]}


@dataclass(frozen=True, slots=True)
class Group:
    """Subjects that are alike. `terms`: words that tell this group from the others; `examples`: nearest its middle."""

    size: int
    terms: tuple[str, ...]
    examples: tuple[Likeness, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"size": self.size, "terms": list(self.terms), "examples": [each.as_dict() for each in self.examples]}


@dataclass(frozen=True, slots=True)
class Grouping:
    """The groups of a collection, largest first. `method`: hdbscan or k-means; `apart`: subjects of no group."""

    collection: str
    method: str
    subjects: int
    apart: int
    groups: tuple[Group, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "collection": self.collection,
            "method": self.method,
            "subjects": self.subjects,
            "apart": self.apart,
            "groups": [each.as_dict() for each in self.groups],
        }


def collection_of(name: str | None) -> Collection | None:
    """The collection of that name, or of the word that people use for it. Raises VectorQueryError."""
    if name is None:
        return None
    if name in WORDS:
        return WORDS[name]
    try:
        return Collection(name)
    except ValueError:
        raise _wrong(
            "collection", f"{name[:60]!r} is no collection", f"there are: {', '.join((*WORDS, *Collection))}"
        ) from None


def ids_of(texts: Sequence[str]) -> list[Any]:
    """The ids that the texts are. Raises VectorQueryError."""
    from uuid import UUID  # noqa: PLC0415  only here

    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            raise _wrong("like", f"{text[:60]!r} is no id", "give the ids that answers name") from None
    return found


def _microseconds(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _wrong(where: str, message: str, remedy: str) -> VectorQueryError:
    return VectorQueryError(message, where=where, remedy=remedy)
