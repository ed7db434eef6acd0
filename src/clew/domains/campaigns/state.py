"""How far the record has been analysed: what the next run needs so that it may look at nothing but what came since.

A state is of one depth. Its position is the feed's epoch and a snapshot: what that snapshot sees is in it, so a load
that commits late is not missed. It holds the background, which knows of every rare value which sources have it, and
the addresses behind the background's digests.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
import polars as pl
import psycopg

from clew.analysis.coordination import Background
from clew.analysis.coordination.digests import digests
from clew.projections.feed import Snapshot

_READ: Final = """
SELECT position, versions, background, addresses FROM coordination_states
WHERE organization_id = %(organization)s AND analysis_depth = %(depth)s
"""
_WRITE: Final = """
INSERT INTO coordination_states (organization_id, analysis_depth, position, versions, background, addresses, sessions,
                                 until)
VALUES (%(organization)s, %(depth)s, %(position)s, %(versions)s, %(background)b, %(addresses)b, %(sessions)s, %(until)s)
ON CONFLICT (organization_id, analysis_depth) DO UPDATE
SET position = excluded.position, versions = excluded.versions, background = excluded.background,
    addresses = excluded.addresses, sessions = excluded.sessions, until = excluded.until, updated_at = now()
"""
_HELD: Final = """
SELECT position FROM coordination_states WHERE organization_id = %(organization)s AND analysis_depth = %(depth)s
"""
_POSITION: Final = """
SELECT (SELECT epoch FROM feed_epochs ORDER BY number DESC LIMIT 1)::text, pg_current_snapshot()::text
"""
_BATCHES: Final = "SELECT xid, item_id, batch FROM event_batches WHERE organization_id = %(organization)s"
_POSITIONS: Final = "SELECT position FROM coordination_states WHERE organization_id = %(organization)s"
_FORGET: Final = "DELETE FROM event_batches WHERE organization_id = %(organization)s AND xid = ANY(%(xids)s::bigint[])"
_NEW_SOURCES: Final = """
SELECT DISTINCT host(source_ip) FROM events
WHERE organization_id = %(organization)s AND occurred_at >= %(first)s AND occurred_at <= %(last)s
  AND item_id = %(item)s AND line BETWEEN %(from_line)s AND %(to_line)s
  AND source_ip IS NOT NULL AND session_id IS NOT NULL
"""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Position:
    """A moment of the record: an epoch of the feed, and what is visible in it."""

    epoch: str
    snapshot: Snapshot

    @classmethod
    def parse(cls, text: str) -> "Position":
        """What `str` of one gives."""
        epoch, _, snapshot = text.partition(" ")
        return cls(epoch, Snapshot.parse(snapshot))

    @classmethod
    def now(cls, connection: psycopg.Connection[Any]) -> "Position":
        """The moment of the connection's transaction."""
        row = connection.execute(_POSITION).fetchone()
        if row is None:
            raise LookupError("a query without tables has a row")
        return cls(row[0], Snapshot.parse(row[1]))

    def __str__(self) -> str:
        return f"{self.epoch} {self.snapshot}"


@dataclass(frozen=True, slots=True)
class State:
    """What earlier runs learned."""

    position: Position
    background: Background
    addresses: pl.DataFrame | None
    """`address`, `digest` of every source that was looked at; None where nobody will go on from here."""

    def sharing(self, traits: Background) -> set[str]:
        """Addresses known to share a rare value with the sources of another background."""
        if self.addresses is None:
            return set()
        near = self.background.sharing(traits)
        return set(self.addresses.filter(pl.col("digest").is_in(near.implode()))["address"])


def held_position(connection: psycopg.Connection[Any], organization_id: UUID, depth: str) -> str | None:
    """Which state of that depth is kept, whether or not this release can go on from it; None if there is none."""
    row = connection.execute(_HELD, {"organization": organization_id, "depth": depth}).fetchone()
    return None if row is None else str(row[0])


def read_state(
    connection: psycopg.Connection[Any], organization_id: UUID, depth: str, versions: dict[str, str], epoch: str
) -> State | None:
    """The state of that depth; None if there is none that this release, with these versions, can go on from."""
    row = connection.execute(_READ, {"organization": organization_id, "depth": depth}, binary=True).fetchone()
    if row is None:
        return None
    position = Position.parse(row[0])
    if row[1] != versions or position.epoch != epoch:
        return None
    try:
        background = Background.from_bytes(row[2])
    except ValueError:
        return None
    return State(position, background, pl.read_ipc(io.BytesIO(row[3])))


def write_state(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    depth: str,
    state: State,
    versions: dict[str, str],
    sessions: int,
    until: datetime | None,
) -> None:
    """Keep a state, and forget the batches that every state has seen. Raises TypeError for one without addresses."""
    buffer = io.BytesIO()
    if state.addresses is None:
        raise TypeError("a state that is kept has addresses")
    state.addresses.write_ipc(buffer, compression="zstd")
    row = {
        "organization": organization_id,
        "depth": depth,
        "position": str(state.position),
        "versions": orjson.dumps(versions).decode(),
        "background": state.background.to_bytes(),
        "addresses": buffer.getvalue(),
        "sessions": sessions,
        "until": until,
    }
    connection.execute(_WRITE, row)
    common = {"organization": organization_id}
    positions = [Position.parse(text) for (text,) in connection.execute(_POSITIONS, common).fetchall()]
    seen = [
        xid
        for xid, _, _ in connection.execute(_BATCHES, common).fetchall()
        if all(each.epoch != state.position.epoch or each.snapshot.sees(xid) for each in positions)
    ]
    connection.execute(_FORGET, common | {"xids": seen})


def new_sources(connection: psycopg.Connection[Any], organization_id: UUID, since: Position) -> set[str]:
    """The sources of events that came into the record since."""
    common = {"organization": organization_id}
    found: set[str] = set()
    for xid, item, batch in connection.execute(_BATCHES, common).fetchall():
        if since.snapshot.sees(xid):
            continue
        asked = {
            "item": item,
            "first": _moment(batch["from_us"]),
            "last": _moment(batch["to_us"]),
            "from_line": batch["from_line"],
            "to_line": batch["to_line"],
        }
        found.update(address for (address,) in connection.execute(_NEW_SOURCES, common | asked).fetchall())
    return found


def with_addresses(known: pl.DataFrame | None, addresses: Iterable[str]) -> pl.DataFrame:
    """`address` and `digest` of those known and these."""
    fresh: Sequence[str] = sorted(addresses)
    column = pl.Series("address", fresh, dtype=pl.String)
    table = pl.DataFrame({"address": column, "digest": digests(column)})
    return table if known is None else pl.concat([known, table]).unique("address", keep="first").sort("address")


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
