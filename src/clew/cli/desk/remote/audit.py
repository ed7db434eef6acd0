"""The audit trail of an organization on a server."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from clew.cli.desk.remote.connection import connected
from clew.cli.options import Invocation
from clew.client import models
from clew.domains.audit.export import Exported
from clew.domains.audit.search import AuditPage, AuditQuery


@dataclass(frozen=True, slots=True)
class RemoteAudit:
    """See `ports.Audit`."""

    call: Invocation

    def export(self, file_name: str, sink: Callable[[bytes], object]) -> Exported:
        """Give the trail to the sink, piece by piece."""
        counted = _Counted()
        with connected(self.call) as client, client.export_audit_trail() as trail:
            for chunk in trail.chunks():
                counted.count(chunk)
                sink(chunk)
        return Exported(counted.seals, counted.rows, counted.public_key)

    def search(self, query: AuditQuery) -> AuditPage:
        """One page of what was done."""
        with connected(self.call) as client:
            page = client.list_audit_events(
                user=query.user,
                action=query.action,
                event_type=query.event_type,
                resource_type=query.resource_type,
                resource_id=query.resource_id,
                since=query.since,
                until=query.until,
                text=query.text,
                limit=query.limit,
                cursor=query.cursor,
            )
        return AuditPage([_event(each) for each in page.items], page.next_cursor)


class _Counted:
    """What goes by in an export: its lines, whatever the pieces are that they come in."""

    def __init__(self) -> None:
        self.seals = self.rows = 0
        self.public_key = ""
        self._rest = b""

    def count(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            found = msgspec.json.decode(line, type=dict[str, Any])
            self.seals += "seal" in found
            self.rows += "row" in found
            self.public_key = self.public_key or str(found.get("public_key", ""))


def _event(found: models.AuditEvent) -> dict[str, Any]:
    event = {name: getattr(found, name) for name in found.__struct_fields__}
    for name in ("event_uuid", "user_id", "session_id"):
        event[name] = None if event[name] is None else str(event[name])
    event["timestamp"] = found.timestamp.isoformat()
    return event
