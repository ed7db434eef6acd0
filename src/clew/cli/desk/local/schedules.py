"""Schedules in the record of this machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clew.cli.options import Invocation
from clew.cli.session import audited_record, opened_record
from clew.domains.jobs import schedules
from clew.domains.jobs.schedulable import schedulable
from clew.domains.jobs.schedules import NewSchedule, Schedule, ScheduleChanges


@dataclass(frozen=True, slots=True)
class LocalSchedules:
    """See `ports.Schedules`."""

    call: Invocation

    def all(self) -> Sequence[Schedule]:
        """Every one."""
        with opened_record(self.call) as record, record.transaction() as connection:
            return schedules.list_schedules(connection, record.organization_id)

    def add(
        self, name: str, kind: str, *, every_seconds: int, priority: int, parameters: Mapping[str, Any]
    ) -> Schedule:
        """A new one."""
        known = schedulable(kind)
        new = NewSchedule(name, kind, every_seconds, {**known.parameters, **parameters}, known.queue, priority)
        with audited_record(self.call) as record, record.transaction() as connection:
            return schedules.add_schedule(connection, record.organization_id, new)

    def change(self, name: str, changes: ScheduleChanges) -> Schedule:
        """As it is from now on."""
        with audited_record(self.call) as record, record.transaction() as connection:
            found = schedules.find_schedule(connection, record.organization_id, name)
            return schedules.change_schedule(connection, record.organization_id, found.id, changes)

    def remove(self, name: str) -> Schedule:
        """One that is no more."""
        with audited_record(self.call) as record, record.transaction() as connection:
            found = schedules.find_schedule(connection, record.organization_id, name)
            return schedules.remove_schedule(connection, record.organization_id, found.id)
