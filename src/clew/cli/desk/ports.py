"""What commands ask for, subject by subject. Whoever answers raises ClewError as the record's own services do."""

from collections.abc import Callable, Mapping, Sequence
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
    from clew.ingest.quarantine import RetryReport
    from clew.ingest.service import LoadReport
    from clew.records.cards import Card
    from clew.records.held import HeldRecord
    from clew.records.paths import PathResult


class Entities(Protocol):
    """What the record knows."""

    def card(self, value: str, kind: str | None, *, limit: int) -> "Card":
        """The card of what the value means, at most `limit` sources and neighbours on it. Raises NotFoundError."""

    def path(self, start: str, goal: str, *, max_length: int) -> "PathResult":
        """The shortest way between two of them. Raises NotFoundError."""


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
