"""What the rest of the program asks of the exchange with peers."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
import sqlalchemy as sa

from clew.domains.exchange import keeping
from clew.domains.exchange.importing import event_object, stix_object
from clew.domains.exchange.misp_shape import MISP
from clew.domains.exchange.peers import (
    NewPeer,
    Peer,
    add_peer,
    change_peer,
    find_peer,
    key_of,
    list_peers,
    note_sync,
    remove_peer,
)
from clew.domains.exchange.report import SyncReport
from clew.domains.exchange.tables import conflicts, objects, states
from clew.domains.exchange.three_way import NEWER, read_place, with_value
from clew.domains.exchange.times import modified_of, written
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database, TenantContext
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from clew.kernel.outbound import Outbound
from clew.records.acts import Act, record

if TYPE_CHECKING:
    from clew.domains.exchange.misp_sync import MispSync
    from clew.domains.exchange.taxii_sync import TaxiiSync

__all__ = [
    "SIDES", "Conflict", "Exchanged", "NewPeer", "Peer", "SyncReport", "add_peer", "change_peer", "delete_exchanged",
    "find_exchanged", "find_peer", "list_conflicts", "list_exchanged", "list_peers", "put_exchanged", "remove_peer",
    "settle", "synchronize",
]  # fmt: skip

SIDES: Final = ("ours", "theirs")
MOST_LISTED: Final = 1000


@dataclass(frozen=True, slots=True)
class Conflict:
    """A place where a peer and we contradict each other, both sides kept."""

    id: UUID
    peer_id: UUID
    form: str
    external_id: str
    place: str
    rule: str
    base: Any
    ours: Any
    theirs: Any
    resolution: str | None
    created_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Exchanged:
    """Something that is exchanged, without its content."""

    form: str
    external_id: str
    object_type: str
    title: str | None
    campaign_id: UUID | None
    deleted_at: datetime | None
    changed_at: datetime


def synchronize(
    database: Database,
    context: TenantContext,
    peer_name: str,
    *,
    kind: str | None = None,
    dry_run: bool = False,
    clock: Clock = system_clock,
    observe: Callable[[str, int], None] = lambda _step, _done: None,
    stopped: Callable[[], bool] = lambda: False,
) -> SyncReport:
    """Exchange with a peer.

    Raises NotFoundError, InputError, OutboundFailedError, and ConflictError while another exchange with it is at work.
    """
    settings = database.settings
    with database.transaction(context) as connection:
        peer = find_peer(connection, context.organization_id, peer_name)
        key = key_of(connection, context.organization_id, settings, peer)
    if kind is not None and peer.kind != kind:
        raise InputError(f"{peer.name} is a {peer.kind} peer", where="peer", remedy=f"use `clew sync {peer.kind}`")
    if not peer.is_active:
        raise ConflictError("this peer is switched off", where=f"peer {peer.name}", remedy="switch it on first")
    outbound = Outbound.of(settings)
    with _alone(database, context, peer), contextlib.ExitStack() as opened:
        report = _exchange(database, context, peer, key, outbound, opened, dry_run, clock, observe, stopped).run()
        if not dry_run:
            with database.transaction(context) as connection:
                told = {name: value for name, value in report.as_dict().items() if name != "told"}
                note_sync(connection, context.organization_id, peer, told, clock())
    return report


def _exchange(
    database: Database,
    context: TenantContext,
    peer: Peer,
    key: str,
    outbound: Outbound,
    opened: contextlib.ExitStack,
    dry_run: bool,  # noqa: FBT001
    clock: Clock,
    observe: Callable[[str, int], None],
    stopped: Callable[[], bool],
) -> "MispSync | TaxiiSync":
    if peer.kind == "misp":
        from clew.domains.exchange.misp_client import MispServer  # noqa: PLC0415  PyMISP takes half a second
        from clew.domains.exchange.misp_feed import MispFeed  # noqa: PLC0415
        from clew.domains.exchange.misp_sync import MispSync  # noqa: PLC0415

        with database.transaction(context) as connection:
            versions = keeping.versions_of(connection, context.organization_id, peer.id, "misp")
        server: MispServer | MispFeed
        if peer.settings.feed:
            headers = {"Authorization": key} if key else {}
            client = opened.enter_context(outbound.client(headers=headers, follow_redirects=True))
            server = MispFeed(peer.base_url, client, seen=versions, now=clock())
        else:
            server = MispServer(peer.base_url, key, outbound)
        return MispSync(database, context, peer, server, dry_run, clock, observe, stopped, versions)
    from clew.domains.exchange.taxii_client import TaxiiCollection  # noqa: PLC0415
    from clew.domains.exchange.taxii_sync import TaxiiSync  # noqa: PLC0415

    collection = TaxiiCollection(peer.base_url, key, peer.settings.collection, outbound)
    return TaxiiSync(database, context, peer, collection, dry_run, clock, observe, stopped)


@contextlib.contextmanager
def _alone(database: Database, context: TenantContext, peer: Peer) -> Iterator[None]:
    """Hold a session's lock: of two exchanges with one peer each would see the other's halves."""
    with database.connect_raw() as connection:
        connection.autocommit = True
        name = f"clew exchange {context.organization_id} {peer.id}"
        held = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (name,)).fetchone()
        if held is None or not held[0]:
            raise ConflictError(
                "an exchange with this peer is at work", where=f"peer {peer.name}", remedy="wait until it is over"
            )
        yield


def list_conflicts(connection: sa.Connection, organization_id: UUID, *, everything: bool = False) -> list[Conflict]:
    """Conflicts, the newest first; `everything`: also settled ones."""
    table = conflicts.c
    query = sa.select(*(table[name] for name in Conflict.__slots__)).where(table.organization_id == organization_id)
    query = query if everything else query.where(table.resolved_at.is_(None))
    rows = connection.execute(query.order_by(table.created_at.desc(), table.id).limit(MOST_LISTED))
    return [Conflict(*row) for row in rows]


def settle(connection: sa.Connection, organization_id: UUID, conflict_id: UUID, side: str, now: datetime) -> Conflict:
    """Take one side of a conflict; the next exchange carries it over. Raises NotFoundError, ConflictError."""
    table = conflicts.c
    if side not in SIDES:
        raise InputError(f"no side {side!r}", where="side", remedy="choose ours or theirs")
    query = sa.select(*(table[name] for name in Conflict.__slots__)).where(
        table.organization_id == organization_id, table.id == conflict_id
    )
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None:
        raise NotFoundError(f"no conflict {conflict_id}", remedy="`clew sync conflicts` lists them")
    found = Conflict(*row)
    if found.resolved_at is not None:
        raise ConflictError("this conflict is settled", where=f"conflict {conflict_id}", remedy="look at the list")
    if found.place == "/":
        _settle_whole(connection, organization_id, found, side, now)
    else:
        _settle_part(connection, organization_id, found, side, now)
    connection.execute(
        sa.update(conflicts)
        .where(table.organization_id == organization_id, table.id == conflict_id)
        .values(resolution=side, resolved_at=now, updated_at=sa.func.now())
    )
    act = Act("conflict_settled", "UPDATE", "conflict", conflict_id, found.external_id, request={"side": side})
    record(connection, act)
    return Conflict(*connection.execute(query).one())


def _settle_whole(connection: sa.Connection, organization_id: UUID, found: Conflict, side: str, now: datetime) -> None:
    """The chosen side is what is here; the common ground is forgotten or moved, so that it is carried over."""
    chosen, other = (found.ours, found.theirs) if side == "ours" else (found.theirs, found.ours)
    if found.rule == "not_taken_there":
        return
    if found.rule == NEWER and isinstance(chosen, dict):
        _settle_version(connection, organization_id, found, chosen, now)
        return
    if chosen is None:
        keeping.forget(connection, organization_id, found.form, found.external_id, now)
    else:
        _keep(connection, organization_id, found.form, chosen, now)
    base = orjson.dumps(other) if other is not None and side == "ours" else None
    if side == "theirs" and chosen is not None:
        base = orjson.dumps(chosen)
    keeping.save_state(
        connection, organization_id, found.peer_id, found.form, found.external_id, base,
        is_deleted=side == "theirs" and chosen is None,
    )  # fmt: skip


def _settle_version(
    connection: sa.Connection, organization_id: UUID, found: Conflict, chosen: dict[str, Any], now: datetime
) -> None:
    """Of two versions of an object the newer holds: the chosen one, if they do not have it, becomes a newer version."""
    known = keeping.state_of(connection, organization_id, found.peer_id, found.form, [found.external_id])
    state = known.get(found.external_id)
    there = state.base if state is not None else None
    if there is not None and orjson.loads(there) != chosen and "modified" in chosen:
        latest = max(modified_of(there), modified_of(orjson.dumps(chosen)))
        chosen = chosen | {"modified": written(max(now, latest + timedelta(milliseconds=1)))}
    _keep(connection, organization_id, found.form, chosen, now)


def _settle_part(connection: sa.Connection, organization_id: UUID, found: Conflict, side: str, now: datetime) -> None:
    kept = keeping.find(connection, organization_id, found.form, found.external_id)
    if kept is None or kept.content is None:
        raise ConflictError("this event was deleted since", where=found.external_id, remedy="look at the list")
    value = found.ours if side == "ours" else found.theirs
    _keep(connection, organization_id, found.form, with_value(kept.document, read_place(found.place), value, MISP), now)


def _keep(connection: sa.Connection, organization_id: UUID, form: str, document: Any, now: datetime) -> None:
    content = orjson.dumps(document)
    made = event_object(content) if form == "misp" else stix_object(content)
    if made is None:
        raise InputError("this is no event and no object", where=form, remedy="give it with its uuid or id")
    keeping.keep(connection, organization_id, [made], now)


def list_exchanged(
    connection: sa.Connection, organization_id: UUID, form: str, after: str | None, limit: int
) -> list[Exchanged]:
    """What is exchanged of a form, by id, from behind `after` on."""
    table = objects.c
    query = sa.select(*(table[name] for name in Exchanged.__slots__)).where(
        table.organization_id == organization_id, table.form == form
    )
    query = query if after is None else query.where(table.external_id > after)
    return [Exchanged(*row) for row in connection.execute(query.order_by(table.external_id).limit(limit))]


def find_exchanged(connection: sa.Connection, organization_id: UUID, form: str, external_id: str) -> keeping.Kept:
    """Our copy. Raises NotFoundError, also if it was deleted."""
    kept = keeping.find(connection, organization_id, form, external_id)
    if kept is None or kept.content is None:
        raise NotFoundError(f"no {form} {external_id[:200]}", remedy="load it, or exchange with a peer that has it")
    return kept


def put_exchanged(
    connection: sa.Connection, organization_id: UUID, form: str, external_id: str, document: Any, now: datetime
) -> keeping.Kept:
    """Change our copy to this document; peers get the change with the next exchange. Raises NotFoundError, InputError.

    What is not here yet comes by a file or a peer, with its provenance.
    """
    find_exchanged(connection, organization_id, form, external_id)
    if not isinstance(document, dict):
        raise InputError("this is no document", where="body", remedy="send the event or object as JSON")
    identifier = document.get("uuid" if form == "misp" else "id")
    if not isinstance(identifier, str) or identifier.lower() != external_id.lower():
        raise InputError("the document has another id", where="body", remedy=f"send that of {external_id[:100]}")
    _keep(connection, organization_id, form, document, now)
    record(connection, Act("exchanged_changed", "UPDATE", "exchanged", None, external_id, request={"form": form}))
    return find_exchanged(connection, organization_id, form, external_id)


def delete_exchanged(
    connection: sa.Connection, organization_id: UUID, form: str, external_id: str, now: datetime
) -> None:
    """Delete our copy; with the next exchange it is deleted at the peers that have it. Raises NotFoundError."""
    if not keeping.forget(connection, organization_id, form, external_id, now):
        raise NotFoundError(f"no {form} {external_id[:200]}", remedy="look at what is exchanged")
    held = sa.select(sa.func.count()).where(
        states.c.organization_id == organization_id, states.c.form == form, states.c.external_id == external_id
    )
    request = {"form": form, "peers": connection.scalar(held)}
    record(connection, Act("exchanged_deleted", "DELETE", "exchanged", None, external_id, request=request))
