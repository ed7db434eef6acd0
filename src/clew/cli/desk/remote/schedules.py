"""Schedules of a server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clew.cli.desk.remote.connection import connected, shaped
from clew.cli.options import Invocation
from clew.client import models
from clew.client.client import Client
from clew.domains.jobs.schedulable import schedulable
from clew.domains.jobs.schedules import Schedule, ScheduleChanges
from clew.kernel.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class RemoteSchedules:
    """See `ports.Schedules`."""

    call: Invocation

    def all(self) -> Sequence[Schedule]:
        """Every one."""
        with connected(self.call) as client:
            return [shaped(each, Schedule) for each in client.list_schedules().items]

    def add(
        self, name: str, kind: str, *, every_seconds: int, priority: int, parameters: Mapping[str, Any]
    ) -> Schedule:
        """A new one."""
        schedulable(kind)
        told = {
            "name": name,
            "kind": kind,
            "every_seconds": every_seconds,
            "priority": priority,
            "parameters": dict(parameters),
        }
        with connected(self.call) as client:
            return shaped(client.create_schedule(told), Schedule)

    def change(self, name: str, changes: ScheduleChanges) -> Schedule:
        """As it is from now on."""
        with connected(self.call) as client:
            found = _named(client, name)
            return shaped(client.change_schedule(found.id, models.ScheduleChanges(**changes)), Schedule)

    def remove(self, name: str) -> Schedule:
        """One that is no more."""
        with connected(self.call) as client:
            found = _named(client, name)
            client.remove_schedule(found.id)
            return shaped(found, Schedule)


def _named(client: Client, name: str) -> models.Schedule:
    for each in client.list_schedules().items:
        if each.name == name:
            return each
    raise NotFoundError("no such schedule", where=name, remedy="`clew jobs schedules` lists those there are")
