"""Exchange of a server with its peers."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event
from typing import Any, cast
from uuid import UUID

import msgspec

from clew.cli.desk.remote.connection import connected
from clew.cli.options import Invocation
from clew.cli.progress import stepped
from clew.client import Client, models
from clew.client.jobs import finished
from clew.kernel.errors import ClewError, InputError, NotFoundError


@dataclass(frozen=True, slots=True)
class RemoteExchange:
    """See `ports.Exchange`."""

    call: Invocation

    def synchronize(self, kind: str, peer: str, stop: Event, *, dry_run: bool) -> dict[str, Any]:
        """Have it exchange, and wait for it."""
        with connected(self.call) as client, stepped() as observe:
            found = _peer(client, peer)
            if found.kind != kind:
                raise InputError(f"{found.name} is a {found.kind} peer", remedy=f"use `clew sync {found.kind}`")

            def worked(job: models.Job) -> None:
                observe(job.step or "waiting", 0.5)

            job = client.start_sync(found.id, models.NewSync(dry_run=dry_run))
            job = finished(client, job.id, observe=worked, stopped=stop.is_set)
            if stop.is_set() and job.status not in {"completed", "failed"}:
                client.cancel_job(job.id)
                job = finished(client, job.id)
        if job.result is not None:
            return dict(job.result)
        error = job.error
        raise ClewError(error.message if error else "the exchange failed", where=f"job {job.id}")

    def peers(self) -> list[dict[str, Any]]:
        """Every peer."""
        with connected(self.call) as client:
            return [_plain(each) for each in client.list_peers().items]

    def add(self, name: str, kind: str, address: str, key: str | None, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Add one."""
        told = msgspec.convert(dict(settings), models.PeerSettings)
        new = models.NewPeer(name=name, kind=cast("Any", kind), base_url=address, key=key, settings=told)
        with connected(self.call) as client:
            return _plain(client.add_peer(new))

    def remove(self, peer: str) -> dict[str, Any]:
        """Forget one."""
        with connected(self.call) as client:
            found = _peer(client, peer)
            client.remove_peer(found.id)
        return _plain(found)

    def conflicts(self, *, everything: bool) -> list[dict[str, Any]]:
        """What contradicts."""
        with connected(self.call) as client:
            return [_plain(each) for each in client.list_conflicts(all=everything).items]

    def settle(self, conflict: UUID, side: str) -> dict[str, Any]:
        """Take a side."""
        with connected(self.call) as client:
            return _plain(client.settle_conflict(conflict, models.Settlement(side=cast("Any", side))))


def _peer(client: Client, name_or_id: str) -> models.Peer:
    for each in client.list_peers().items:
        if name_or_id in {each.name, str(each.id)}:
            return each
    raise NotFoundError(f"no peer {name_or_id!r}", remedy="`clew sync peers` lists them")


def _plain(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", msgspec.to_builtins(value))
