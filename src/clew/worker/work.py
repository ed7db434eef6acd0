"""What a handler of jobs is given, and what it gives back."""

import importlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from clew.domains.jobs.claims import Advance
from clew.kernel.database import Database, TenantContext
from clew.kernel.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Work:
    """One attempt at a job. It may have been begun before, and may end anywhere: handlers can be run again."""

    database: Database
    organization_id: UUID
    job_id: UUID
    user_id: UUID | None
    attempt: int
    parameters: Mapping[str, Any]
    observe: Callable[[Advance], None]
    stop: threading.Event  # set when the job is cancelled or the server ends

    @property
    def context(self) -> TenantContext:
        """What transactions of the job are opened with."""
        return TenantContext(self.organization_id, self.user_id)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt, as JSON. Not `finished`: it was stopped, and can go on."""

    result: Mapping[str, Any]
    finished: bool = True


@dataclass(frozen=True, slots=True)
class Handler:
    """Does jobs of one kind. A ClewError that it raises fails the attempt; a transient one has it tried again.

    `prepare` loads what jobs of the kind need, in a process that has nothing else to do yet.
    """

    kind: str
    run: Callable[[Work], Outcome]
    prepare: Callable[[], None] | None = None


def handlers_at(place: str) -> Mapping[str, Handler]:
    """The registry of that name (`module:NAME`), by kind. Raises ConfigurationError."""
    module, _, name = place.partition(":")
    try:
        registry = cast("tuple[Handler, ...]", getattr(importlib.import_module(module), name))
    except (ImportError, AttributeError) as error:
        raise ConfigurationError("there is no such registry of job handlers", where=place) from error
    return {handler.kind: handler for handler in registry}
