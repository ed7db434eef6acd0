"""Peers: which servers we exchange with, how, and with what they know us by."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from clew.domains.exchange.marking import TLP, Audience
from clew.domains.exchange.tables import PEER_KINDS, peers
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from clew.kernel.ids import new_id
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.outbound import Outbound
from clew.kernel.sealing import Sealer
from clew.kernel.settings import Settings
from clew.records.acts import Act, record
from clew.records.lookup import is_storable

_NAME_LENGTH: Final = 200


class PeerSettings(BaseModel):
    """How is exchanged with a peer. Nothing is sent unless `push`."""

    model_config = ConfigDict(extra="forbid")

    pull: bool = Field(default=True, description="Whether we take what they have.")
    push: bool = Field(
        default=False, description="Whether they are sent what was changed here, and what is chosen below."
    )
    tags: list[str] = Field(
        ["honeypot", "coordinated-attack"], max_length=100, description="Events of a MISP server are taken by these."
    )
    days: int = Field(7, ge=1, le=36_500, description="Age in days up to which new events are taken.")
    campaigns: bool = Field(default=False, description="Whether campaigns are sent.")
    push_tags: list[str] = Field([], max_length=100, description="Events with one of these tags are sent.")
    maximum_tlp: str = Field(
        "green", pattern="^(clear|green|amber)$", description="The strictest marking they may have."
    )
    internal: bool = Field(default=False, description="Whether they are of our own community (distribution 1 and 2).")
    sharing_groups: list[str] = Field([], max_length=1000, description="UUIDs of the sharing groups that they are in.")
    feed: bool = Field(
        default=False, description="Of a MISP peer: whether its address is that of a feed's folder, which is only read."
    )
    collection: str | None = Field(
        None, max_length=200, description="Of a TAXII server: id or title of the collection."
    )


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer, without what it knows us by."""

    id: UUID
    name: str
    kind: str
    base_url: str
    settings: PeerSettings
    is_active: bool
    has_credentials: bool
    synced_at: datetime | None
    report: dict[str, Any]
    created_at: datetime

    @property
    def audience(self) -> Audience:
        """What may go there."""
        told = self.settings
        return Audience(told.maximum_tlp, told.internal, frozenset(told.sharing_groups))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__ if name != "settings"}
        return plain | {"settings": self.settings.model_dump()}


@dataclass(frozen=True, slots=True)
class NewPeer:
    """What a peer is made with. `key` is an API key; for TAXII it may be `user:password`."""

    name: str
    kind: str
    base_url: str
    key: str | None = None
    settings: Mapping[str, Any] | None = None


def list_peers(connection: sa.Connection, organization_id: UUID) -> list[Peer]:
    """Every peer, by name."""
    query = sa.select(peers).where(peers.c.organization_id == organization_id).order_by(peers.c.name)
    return [_peer(row) for row in connection.execute(query).mappings()]


def find_peer(
    connection: sa.Connection, organization_id: UUID, name_or_id: str | UUID, *, to_change: bool = False
) -> Peer:
    """The peer of that name or id; `to_change` keeps others from changing it meanwhile. Raises NotFoundError."""
    wanted = str(name_or_id)
    conditions: list[sa.ColumnElement[bool]] = [peers.c.name == wanted] if is_storable(wanted) else []
    with contextlib.suppress(ValueError):
        conditions.insert(0, peers.c.id == UUID(wanted))
    for condition in conditions:
        query = sa.select(peers).where(peers.c.organization_id == organization_id, condition)
        row = connection.execute(query.with_for_update() if to_change else query).mappings().one_or_none()
        if row is not None:
            return _peer(row)
    raise NotFoundError(f"no peer {wanted[:200]!r}", remedy="`clew sync peers` lists them")


def add_peer(connection: sa.Connection, organization_id: UUID, settings: Settings, new: NewPeer) -> Peer:
    """A new peer. Raises InputError (OutboundRefusedError among them), and ConflictError for a name that is taken."""
    name = new.name.strip()
    if not 0 < len(name) <= _NAME_LENGTH or not name.isprintable() or not is_storable(name):
        raise InputError("a peer needs a name", where="name", remedy=f"write 1 to {_NAME_LENGTH} printable characters")
    if new.kind not in PEER_KINDS:
        raise InputError(f"no kind {new.kind!r}", where="kind", remedy=f"choose one of {', '.join(PEER_KINDS)}")
    address = Outbound.of(settings).require(new.base_url, "base_url")
    told = checked_settings(new.settings or {})
    _require_fit(told, new.kind)
    identifier = new_id()
    sealed = None if new.key is None else _sealer(settings).seal(_key(new.key).encode(), _place(identifier))
    taken = sa.select(peers.c.id).where(peers.c.organization_id == organization_id, peers.c.name == name)
    if connection.scalar(taken) is not None:
        raise ConflictError("a peer of this name exists", where=f"peer {name}", remedy="choose another name")
    connection.execute(
        sa.insert(peers).values(
            organization_id=organization_id, id=identifier, name=name, kind=new.kind, base_url=address,
            credentials=sealed, settings=told.model_dump(),
        )
    )  # fmt: skip
    request = {"kind": new.kind, "base_url": address, "settings": told.model_dump()}
    record(connection, Act("peer_added", "CREATE", "peer", identifier, name, request=request))
    return find_peer(connection, organization_id, identifier)


def change_peer(
    connection: sa.Connection, organization_id: UUID, peer: Peer, values: Mapping[str, Any], *, is_active: bool | None
) -> Peer:
    """Change settings of a peer (those that are named), or switch it off. Raises InputError."""
    told = checked_settings(peer.settings.model_dump() | dict(values))
    _require_fit(told, peer.kind)
    active = peer.is_active if is_active is None else is_active
    connection.execute(
        sa.update(peers)
        .where(peers.c.organization_id == organization_id, peers.c.id == peer.id)
        .values(settings=told.model_dump(), is_active=active, updated_at=sa.func.now())
    )
    request = {"settings": dict(values), "is_active": active}
    record(connection, Act("peer_changed", "UPDATE", "peer", peer.id, peer.name, request=request))
    return find_peer(connection, organization_id, peer.id)


def remove_peer(connection: sa.Connection, organization_id: UUID, peer: Peer) -> None:
    """Forget a peer and how far it was in step. What came from it stays."""
    connection.execute(sa.delete(peers).where(peers.c.organization_id == organization_id, peers.c.id == peer.id))
    record(connection, Act("peer_removed", "DELETE", "peer", peer.id, peer.name))


def key_of(connection: sa.Connection, organization_id: UUID, settings: Settings, peer: Peer) -> str:
    """What the peer knows us by; empty if nothing. Raises ConfigurationError if the secret is another now."""
    sealed = connection.scalar(
        sa.select(peers.c.credentials).where(peers.c.organization_id == organization_id, peers.c.id == peer.id)
    )
    return "" if sealed is None else _sealer(settings).open(bytes(sealed), _place(peer.id)).decode()


def note_sync(
    connection: sa.Connection, organization_id: UUID, peer: Peer, report: Mapping[str, Any], now: datetime
) -> None:
    """Remember what the last exchange came to."""
    connection.execute(
        sa.update(peers)
        .where(peers.c.organization_id == organization_id, peers.c.id == peer.id)
        .values(synced_at=now, report=orjson.loads(orjson.dumps(report, default=str)))
    )
    record(connection, Act("peer_synced", "EXECUTE", "peer", peer.id, peer.name, response=dict(report)))


def checked_settings(values: Mapping[str, Any]) -> PeerSettings:
    """The settings. Raises InputError that names what is wrong."""
    try:
        return PeerSettings.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = "settings." + ".".join(map(str, first["loc"]))
        remedy = f"settings are {', '.join(PeerSettings.model_fields)}; levels are {', '.join(TLP[:3])}"
        raise InputError(first["msg"], where=where, remedy=remedy) from None


def _require_fit(settings: PeerSettings, kind: str) -> None:
    if settings.feed and kind != "misp":
        raise InputError(
            "only MISP has feeds", where="settings.feed", remedy="leave it out, or add a peer of kind misp"
        )
    if settings.feed and settings.push:
        raise InputError("a feed is only read", where="settings.push", remedy="leave it out, or name a server instead")


def _peer(row: sa.RowMapping) -> Peer:
    return Peer(
        row["id"], row["name"], row["kind"], row["base_url"], PeerSettings.model_validate(row["settings"]),
        row["is_active"], row["credentials"] is not None, row["synced_at"], row["report"], row["created_at"],
    )  # fmt: skip


def _key(key: str) -> str:
    text = key.strip()
    if not text or len(text) > 1000 or not text.isascii() or not text.isprintable():
        raise InputError("this is no key", where="key", remedy="give the API key that the peer made for you")
    return text


def _sealer(settings: Settings) -> Sealer:
    secret = InstallationSecret.of(settings)
    return Sealer(secret.key("credentials of peers"), secret.where)


def _place(peer: UUID) -> str:
    return f"exchange_peers.credentials:{peer}"
