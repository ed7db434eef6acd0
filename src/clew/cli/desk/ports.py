"""What commands ask for, subject by subject. Whoever answers raises ClewError as the record's own services do."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from threading import Event

    from clew.cli.new_password import NewPassword
    from clew.domains.analyses.webhook_secrets import WebhookSecret
    from clew.domains.audit.export import Exported
    from clew.domains.audit.search import AuditPage, AuditQuery
    from clew.domains.identity.api_keys import ApiKey, KeyLimits, NewKey
    from clew.domains.identity.roles import Role
    from clew.domains.identity.service import Organization
    from clew.domains.identity.sessions import Session
    from clew.domains.identity.users import User
    from clew.domains.investigations.cases import Investigation
    from clew.domains.investigations.overview import Overview
    from clew.domains.investigations.targets import Target
    from clew.domains.jobs.schedules import Schedule, ScheduleChanges
    from clew.domains.jobs.service import Job
    from clew.domains.similarity.questions import Answer, Grouping, Question
    from clew.ingest.quarantine import RetryReport
    from clew.ingest.service import LoadReport
    from clew.projections.documents.port import DocumentPage
    from clew.projections.feed import Holder
    from clew.projections.graph.answers import (
        GraphCommunity,
        GraphEntity,
        GraphNeighbours,
        GraphSurroundings,
        GraphWays,
    )
    from clew.projections.graph.answers import Question as GraphQuestion
    from clew.projections.graph.export import Format
    from clew.projections.graph.port import Measure
    from clew.projections.search.fields import SearchIndex
    from clew.projections.search.port import SearchRequest, SearchResult, Suggestion
    from clew.projections.series.port import SeriesAnswer
    from clew.projections.series.service import Measured
    from clew.projections.series.wording import Question as SeriesQuestion
    from clew.projections.vectors.port import Collection
    from clew.records.cards import Card
    from clew.records.graph import Measurement
    from clew.records.held import HeldRecord
    from clew.records.paths import PathResult
    from clew.records.series.cold import Aged
    from clew.records.series.formats import PointReader


class Entities(Protocol):
    """What the record knows."""

    def card(self, value: str, kind: str | None, *, limit: int) -> "Card":
        """The card of what the value means, at most `limit` sources and neighbours on it. Raises NotFoundError."""

    def path(self, start: str, goal: str, *, max_length: int) -> "PathResult":
        """The shortest way between two of them. Raises NotFoundError."""


class Searching(Protocol):
    """The search view."""

    def search(self, request: "SearchRequest") -> "SearchResult":
        """What is found."""

    def suggest(self, prefix: str, *, index: "SearchIndex", types: Sequence[str], limit: int) -> "Sequence[Suggestion]":
        """Names that begin like that."""


class Graph(Protocol):
    """The graph view. Entities are named by their values or ids."""

    def neighbours(self, value: str, question: "GraphQuestion") -> "GraphNeighbours":
        """The entities next to one. Raises NotFoundError."""

    def around(self, value: str, question: "GraphQuestion") -> "GraphSurroundings":
        """All within some steps. Raises NotFoundError."""

    def path(self, start: str, goal: str, question: "GraphQuestion") -> "GraphWays":
        """The best path. Raises NotFoundError."""

    def paths(self, start: str, goal: str, question: "GraphQuestion") -> "GraphWays":
        """All simple paths. Raises NotFoundError."""

    def central(
        self, measure: "Measure", *, limit: int, type_: str | None
    ) -> "tuple[list[GraphEntity], Measurement | None]":
        """The most central entities, and the newest measuring."""

    def communities(self, *, limit: int, members: int) -> "tuple[list[GraphCommunity], Measurement | None]":
        """The largest communities, and the newest measuring."""

    def measure(self) -> "Measurement":
        """Measure what is there now, and keep it."""

    def export(
        self, form: "Format", sink: Callable[[bytes], object], *, value: str | None, question: "GraphQuestion"
    ) -> None:
        """Give all of the graph, or what is around an entity, to the sink. Raises NotFoundError."""


class MeasuredSeries(Protocol):
    """Measured values over time. Raises SeriesError for what cannot be asked or done."""

    def measurements(self) -> "Sequence[Measured]":
        """The measurements that there are series of."""

    def series(self, measurement: str) -> "Sequence[tuple[str, dict[str, str]]]":
        """Field and tags of every series of a measurement."""

    def ask(self, measurement: str, question: "SeriesQuestion") -> "SeriesAnswer":
        """The answer."""

    def write(self, reader: "PointReader", lines: "Iterable[str]") -> int:
        """Write the points of lines; how many values. What was refused is added to the reader's."""

    def delete(self, measurement: str, question: "SeriesQuestion") -> int:
        """Delete points of a span; how many hours of series it touched."""

    def age(self) -> "Aged":
        """Put old days into files, and give up what is too old. Raises NotRemoteError for a server's record."""


class Similarity(Protocol):
    """The view of vectors."""

    def similar(self, question: "Question") -> "Answer":
        """What is alike. Raises VectorQueryError, NotFoundError."""

    def clusters(self, collection: "Collection", *, limit: int) -> "Grouping":
        """Groups of what is alike, the largest first."""

    def hybrid(self, request: "SearchRequest") -> "SearchResult":
        """What words and likeness find together."""


class Cases(Protocol):
    """Cases, by name or id."""

    def open(
        self, name: str, *, description: str | None, kind: str, priority: str, lawful_basis: str | None
    ) -> "Investigation":
        """A new case. Raises ConflictError."""

    def all(self) -> "Sequence[Investigation]":
        """Every case, the newest first."""

    def overview(self, case: str) -> "Overview":
        """A case, its files, and what they told. Raises NotFoundError."""

    def add_target(self, case: str, value: str, kind: str | None) -> "Target":
        """The value as a target of the case; `added` if it was none before. Raises NotFoundError, InputError."""


class Reports(Protocol):
    """Reports of cases."""

    def write(self, case: str, kind: str, sink: Callable[[str], object]) -> None:
        """Give the report (html or json) to the sink, piece by piece. Raises NotFoundError."""


class Documents(Protocol):
    """Documents, by the names of their collections."""

    def find(self, collection: str, conditions: Sequence[str], *, limit: int, cursor: str | None) -> "DocumentPage":
        """A page of them. Raises DocumentQueryError."""

    def get(self, collection: str, identifier: UUID) -> dict[str, Any]:
        """One of them. Raises NotFoundError."""

    def content(self, collection: str, identifier: UUID, start: int, sink: Callable[[bytes], object]) -> None:
        """Give its content from a byte on to the sink, piece by piece. Raises NotFoundError."""


class Quarantine(Protocol):
    """Rejected records."""

    def held(self, *, reason: str | None, file: str | None, limit: int) -> "Sequence[HeldRecord]":
        """Those that wait, oldest first, at most `limit`."""

    def find(self, identifier: UUID) -> "HeldRecord":
        """One of them. Raises NotFoundError."""

    def retry(self, identifiers: Sequence[UUID] | None, *, reason: str | None, file: str | None) -> "RetryReport":
        """Read them again; all that fit if none is named."""

    def drop(self, identifiers: Sequence[UUID]) -> int:
        """Give them up; how many were. Raises NotFoundError, and then none is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """How far a view follows; `document` is all of it for JSON. None: whoever answers does not say."""

    projection: str
    adapter: str
    state: str
    reason: str | None
    lag_seconds: float
    set_aside: int
    document: dict[str, Any]
    lag_changes: int | None = None
    rows: int | None = None
    errors: int | None = None
    last_error: str | None = None
    held_back_by: "Sequence[Holder]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A view beside the record: how many documents differ, and each holds; `document` is all of it for JSON."""

    projection: str
    missing: int
    extra: int
    different: int
    set_aside: int
    equal: bool
    repaired: bool
    document: dict[str, Any]
    record_rows: int | None = None
    view_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A view that was made anew, with so many rows; None: whoever answers does not say."""

    projection: str
    rows: int | None


class Projections(Protocol):
    """The views of the record; all of them where `name` is None."""

    def status(self) -> Sequence[Following]:
        """How far each follows."""

    def verify(self, name: str | None, *, repair: bool) -> Sequence[Compared]:
        """Each beside the record. Raises NotFoundError."""

    def rebuild(self, name: str | None) -> Sequence[Rebuilt]:
        """Each made anew. Raises NotFoundError."""


@dataclass(frozen=True, slots=True)
class UserDetails:
    """A user with all that hangs on them."""

    user: "User"
    custom_roles: list[str]
    sessions: "list[Session]"
    api_keys: "list[ApiKey]"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return self.user.as_dict() | {
            "custom_roles": self.custom_roles,
            "sessions": [each.as_dict() for each in self.sessions],
            "api_keys": [each.as_dict() for each in self.api_keys],
        }


@dataclass(frozen=True, slots=True)
class Welcomed:
    """A user, and the link by which they choose a password if it is to be shown, this once."""

    user: "User"
    link: str | None = field(default=None, repr=False)


class Users(Protocol):
    """The people of the organization, by user name or e-mail address."""

    def add(
        self, username: str, *, email: str, full_name: str | None, role: str, password: "NewPassword | None"
    ) -> Welcomed:
        """A new one; without a password they get a link to choose one."""

    def all(self) -> "Sequence[User]":
        """Everybody."""

    def find(self, user: str) -> UserDetails:
        """One of them. Raises NotFoundError."""

    def set_active(self, user: str, *, active: bool) -> "User":
        """Let them in, or shut them out."""

    def set_role(self, user: str, role: str, *, remove: bool) -> "User":
        """Give them a role, or take a custom one away."""

    def reset_password(self, user: str, password: "NewPassword | None") -> Welcomed:
        """A new password, or without one a link to choose one."""

    def reset_second_factor(self, user: str) -> "User":
        """Take it away."""


class Roles(Protocol):
    """Roles and what they allow."""

    def all(self) -> "Sequence[Role]":
        """Built-in ones and the organization's."""

    def new(self, name: str, *, description: str | None, permissions: Sequence[str]) -> "Role":
        """A custom one."""

    def grant(self, name: str, *, add: Sequence[str], remove: Sequence[str]) -> "Role":
        """It allows more, or less. Raises NotFoundError."""


class Keys(Protocol):
    """API keys."""

    def create(
        self,
        user: str | None,
        *,
        name: str | None,
        scopes: Sequence[str] | None,
        limits: "KeyLimits",
        expires_at: "datetime | None",
    ) -> "NewKey":
        """A new one, of that user or else of the caller."""

    def all(self, user: str | None) -> "Sequence[tuple[ApiKey, str | None]]":
        """Every key (of that user) with its owner's user name, newest first."""

    def revoke(self, identifier: UUID) -> "ApiKey":
        """It is taken no more. Raises NotFoundError."""


class Audit(Protocol):
    """The audit trail of the organization."""

    def export(self, file_name: str, sink: Callable[[bytes], object]) -> "Exported":
        """Give the trail to the sink, piece by piece."""

    def search(self, query: "AuditQuery") -> "AuditPage":
        """One page of what was done."""


class Organizations(Protocol):
    """The organization that is worked in."""

    def own(self) -> "Organization":
        """It."""

    def webhook_secret(self) -> "WebhookSecret":
        """What is known of the secret that callbacks are signed with. Raises NotFoundError."""

    def renew_webhook_secret(self) -> str:
        """A new one, which is shown this once."""

    def remove_webhook_secret(self) -> None:
        """Keep none. Raises NotFoundError."""


class Jobs(Protocol):
    """What is done beside requests."""

    def all(self, *, status: str | None, kind: str | None, limit: int) -> "Sequence[Job]":
        """Jobs, newest first, at most `limit`."""

    def find(self, identifier: UUID) -> "Job":
        """One of them. Raises NotFoundError."""

    def cancel(self, identifier: UUID) -> "Job":
        """End it. Raises NotFoundError, ConflictError."""

    def retry(self, identifier: UUID) -> "Job":
        """Have it done again. Raises NotFoundError, ConflictError."""


class Schedules(Protocol):
    """Jobs that come again by themselves, by name."""

    def all(self) -> "Sequence[Schedule]":
        """Every one."""

    def add(
        self, name: str, kind: str, *, every_seconds: int, priority: int, parameters: Mapping[str, Any]
    ) -> "Schedule":
        """A new one; what `parameters` leaves out is as usual. Raises InputError, ConflictError."""

    def change(self, name: str, changes: "ScheduleChanges") -> "Schedule":
        """As it is from now on. Raises NotFoundError, InputError."""

    def remove(self, name: str) -> "Schedule":
        """One that is no more. Raises NotFoundError."""


@dataclass(frozen=True, slots=True)
class Loading:
    """What is to be loaded, and how what it does not say itself is to be read. Times without a zone are in `zone`."""

    paths: "tuple[Path, ...]"
    source: str | None = None
    zone: str | None = None
    region: str | None = None
    mapping: str | None = None
    case: str | None = None


class Loader(Protocol):
    """Loads files."""

    def load(self, loading: Loading, stop: "Event") -> "LoadReport":
        """Load them, with progress on the terminal, and put what they hold into the case."""
