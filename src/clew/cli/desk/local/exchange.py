"""Exchange with peers, from the record of this machine."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from threading import Event
from typing import Any
from uuid import UUID

from clew.cli.options import Invocation
from clew.cli.progress import stepped
from clew.cli.session import audited_record, changed_record, opened_record
from clew.domains.exchange import service
from clew.kernel.clock import system_clock
from clew.kernel.transactions import TenantContext


@dataclass(frozen=True, slots=True)
class LocalExchange:
    """See `ports.Exchange`."""

    call: Invocation

    def synchronize(self, kind: str, peer: str, stop: Event, *, dry_run: bool) -> dict[str, Any]:
        """Exchange, with progress on the terminal."""
        with changed_record(self.call) as record, stepped() as observe:
            context = TenantContext(record.organization_id, record.user_id)
            return service.synchronize(
                record.database, context, peer, kind=kind, dry_run=dry_run, stopped=stop.is_set,
                observe=lambda step, done: observe(f"{step} ({done})", 0.5),
            ).as_dict()  # fmt: skip

    def peers(self) -> list[dict[str, Any]]:
        """Every peer."""
        with opened_record(self.call) as record, record.transaction() as connection:
            return [each.as_dict() for each in service.list_peers(connection, record.organization_id)]

    def add(self, name: str, kind: str, address: str, key: str | None, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Add one."""
        with audited_record(self.call) as record, record.transaction() as connection:
            new = service.NewPeer(name, kind, address, key, settings)
            return service.add_peer(connection, record.organization_id, record.settings, new).as_dict()

    def remove(self, peer: str) -> dict[str, Any]:
        """Forget one."""
        with audited_record(self.call) as record, record.transaction() as connection:
            found = service.find_peer(connection, record.organization_id, peer)
            service.remove_peer(connection, record.organization_id, found)
            return found.as_dict()

    def conflicts(self, *, everything: bool) -> list[dict[str, Any]]:
        """What contradicts."""
        with opened_record(self.call) as record, record.transaction() as connection:
            found = service.list_conflicts(connection, record.organization_id, everything=everything)
            return [asdict(each) for each in found]

    def settle(self, conflict: UUID, side: str) -> dict[str, Any]:
        """Take a side."""
        with audited_record(self.call) as record, record.transaction() as connection:
            return asdict(service.settle(connection, record.organization_id, conflict, side, system_clock()))
