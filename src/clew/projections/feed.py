"""The change feed as a reader sees it: what changed between two moments, a late commit never skipped.

A moment is a PostgreSQL snapshot. A reader takes what is visible now and was not when it last looked: whatever began
after that, and whatever was still open then. Ids and times of changes play no part in it, so a transaction that
commits an hour after later ones is taken when it commits. Only keys are in the feed; whoever follows it reads the
rows as they are now, so taking a change twice, or late, does no harm.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Self
from uuid import UUID

import orjson
import psycopg

STRETCH: Final = "stretch"
_PREPARE: Final = f"""
CREATE TEMP TABLE IF NOT EXISTS {STRETCH}
    (organization_id uuid, table_name text, row_id uuid, fresh boolean, xid bigint, sequence bigint)
ON COMMIT DELETE ROWS
"""
_TAKE: Final = f"""
INSERT INTO {STRETCH}
SELECT organization_id, table_name, row_id, operation = 'insert', xid, sequence FROM changes
"""
_IN_ORDER: Final = " AND (xid, sequence) > (%(xid)s, %(sequence)s) ORDER BY xid, sequence LIMIT %(limit)s"
_WERE_OPEN: Final = f"{_TAKE} WHERE xid = ANY(%(open)s::bigint[]){_IN_ORDER}"
_CAME_LATER: Final = f"{_TAKE} WHERE xid >= %(since)s AND xid < %(until)s AND xid <> ALL(%(open)s::bigint[]){_IN_ORDER}"
_LAST: Final = f"SELECT xid, sequence FROM {STRETCH} ORDER BY xid DESC, sequence DESC LIMIT 1"
_KEYS: Final = f"""
SELECT organization_id, table_name, row_id FROM {STRETCH}
WHERE row_id IS NOT NULL AND table_name = ANY(%(tables)s::text[])
GROUP BY organization_id, table_name, row_id ORDER BY min(xid), min(sequence)
"""
_GIVE: Final = f"""
INSERT INTO {STRETCH} (organization_id, table_name, row_id, fresh)
SELECT o, t, i, false FROM unnest(%(organizations)s::uuid[], %(tables)s::text[], %(ids)s::uuid[]) AS k (o, t, i)
"""
_EMPTY: Final = f"DELETE FROM {STRETCH}"
# While a stretch is worked off in pieces: not what lies before the last piece's end, if the stretch's target saw it.
_UNTAKEN: Final = "((xid, sequence) > (%(after_xid)s, %(after_sequence)s) OR xid = ANY(%(unseen)s::bigint[]))"
_WAITING: Final = f"""
SELECT count(*), extract(epoch FROM clock_timestamp() - min(created_at))::float8 FROM (
    (SELECT created_at FROM changes WHERE xid = ANY(%(closed)s::bigint[]) AND {_UNTAKEN} LIMIT %(limit)s)
    UNION ALL
    (SELECT created_at FROM changes WHERE xid >= %(since)s AND xid < %(until)s AND xid <> ALL(%(open)s::bigint[])
     AND {_UNTAKEN} ORDER BY xid, sequence LIMIT %(limit)s)
) AS waiting
"""
_HOLDERS: Final = """
SELECT pid, backend_xid::text::bigint, application_name,
       extract(epoch FROM clock_timestamp() - xact_start)::float8
FROM pg_stat_activity WHERE backend_xid IS NOT NULL
UNION ALL
SELECT NULL, transaction::text::bigint, 'prepared transaction ' || gid,
       extract(epoch FROM clock_timestamp() - prepared)::float8
FROM pg_prepared_xacts
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is visible at a moment: every transaction below `xmax` but for those in `open`. All below `xmin` is."""

    xmin: int
    xmax: int
    open: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """A snapshot as PostgreSQL writes it, `xmin:xmax:xid,xid`. Raises ValueError."""
        xmin, xmax, xids = text.split(":")
        return cls(int(xmin), int(xmax), tuple(sorted(int(xid) for xid in xids.split(",") if xid)))

    def __str__(self) -> str:
        return f"{self.xmin}:{self.xmax}:{','.join(map(str, self.open))}"

    def sees(self, xid: int) -> bool:
        """Whether what that transaction did is visible, if it committed."""
        return xid < self.xmax and xid not in self.open


@dataclass(frozen=True, slots=True)
class Position:
    """How far a view follows the feed of one epoch.

    All that `snapshot` sees is in the view. While a long stretch is worked off in pieces, `target` is its end, and of
    what `target` sees beyond `snapshot` everything up to `after` (xid, sequence) is in the view, too. `token` names
    the commit that stored this position.
    """

    epoch: UUID
    snapshot: Snapshot
    target: Snapshot | None = None
    after: tuple[int, int] = (0, 0)
    token: str = ""

    def encode(self) -> str:
        """The position as one line of text, as views store it."""
        return orjson.dumps(
            {
                "epoch": str(self.epoch),
                "snapshot": str(self.snapshot),
                "target": str(self.target) if self.target else None,
                "after": self.after,
                "token": self.token,
            }
        ).decode()

    @classmethod
    def decode(cls, text: str) -> Self | None:
        """The position that `encode` wrote; None for any other text."""
        try:
            read = orjson.loads(text)
            target = Snapshot.parse(read["target"]) if read["target"] else None
            xid, sequence = read["after"]
            after = (int(xid), int(sequence))
            return cls(UUID(read["epoch"]), Snapshot.parse(read["snapshot"]), target, after, str(read["token"]))
        except (ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """A row whose present state a view has to take over."""

    organization_id: UUID
    table: str
    row_id: UUID


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of the feed: how many changes it is, and where it leads.

    The changes themselves lie in the connection's temporary table STRETCH until the transaction ends, a row each, so
    that the rows they name are found by joining and never travel as keys. A row is `fresh` there if the change only
    inserted it: of a key whose changes are all fresh, a view cannot hold anything yet.
    """

    changes: int
    position: Position

    @property
    def is_last(self) -> bool:
        """Whether the view is up to the moment that the stretch was begun at, once it has taken this."""
        return self.position.target is None


@dataclass(frozen=True, slots=True)
class Holder:
    """A transaction that is still open: what it changed is not visible yet. pid is None if it is prepared."""

    pid: int | None
    xid: int
    application: str
    seconds: float | None  # None if the role may not know


@dataclass(frozen=True, slots=True)
class Lag:
    """What a view has not taken over yet. `changes` stops counting at its limit; seconds since the oldest was made."""

    changes: int
    seconds: float


def current_epoch(connection: psycopg.Connection[Any]) -> UUID:
    """The feed's epoch. Raises LookupError where the schema was never set up."""
    row = connection.execute("SELECT epoch FROM feed_epochs ORDER BY number DESC LIMIT 1").fetchone()
    if row is None:
        raise LookupError("setting up the schema begins the first epoch")
    return UUID(str(row[0]))


def start_epoch(connection: psycopg.Connection[Any], reason: str) -> UUID:
    """Begin a new epoch, as after a restore: every projection is rebuilt."""
    row = connection.execute("INSERT INTO feed_epochs (reason) VALUES (%s) RETURNING epoch", (reason,)).fetchone()
    if row is None:
        raise LookupError("an inserted row is returned")
    return UUID(str(row[0]))


def current_snapshot(connection: psycopg.Connection[Any]) -> Snapshot:
    """The snapshot of the present statement; within REPEATABLE READ that of the transaction."""
    row = connection.execute("SELECT pg_current_snapshot()::text").fetchone()
    if row is None:
        raise LookupError("a function gives a row")
    return Snapshot.parse(row[0])


def prepare(connection: psycopg.Connection[Any]) -> None:
    """Make the connection's table STRETCH; once, before the first `read`."""
    connection.execute(_PREPARE)


def read(connection: psycopg.Connection[Any], position: Position, *, limit: int) -> Stretch:
    """Put the next at most `limit` changes after a position into STRETCH.

    The connection is in a REPEATABLE READ transaction: rows read in it are at least as new as the stretch.
    """
    target = position.target or current_snapshot(connection)
    after = position.after if position.target else (0, 0)
    connection.execute(_EMPTY)
    found = _take(connection, position.snapshot, target, after, limit)
    if found < limit:
        return Stretch(found, Position(position.epoch, target))
    last = connection.execute(_LAST).fetchone()
    if last is None:
        raise LookupError("a stretch of some changes has a last one")
    return Stretch(found, replace(position, target=target, after=(last[0], last[1])))


def give(connection: psycopg.Connection[Any], keys: Iterable[Key]) -> None:
    """Put rows into STRETCH that have to be taken over whatever the feed says, in place of what is there."""
    listed = list(keys)
    connection.execute(_EMPTY)
    connection.execute(
        _GIVE,
        {
            "organizations": [key.organization_id for key in listed],
            "tables": [key.table for key in listed],
            "ids": [key.row_id for key in listed],
        },
    )


def keys_of(connection: psycopg.Connection[Any], tables: Iterable[str]) -> list[Key]:
    """The rows of those tables that STRETCH names, each once, in the order of their first changes."""
    return [Key(*row) for row in connection.execute(_KEYS, {"tables": list(tables)}).fetchall()]


def lag(
    connection: psycopg.Connection[Any], position: Position, *, limit: int = 100_000, now: Snapshot | None = None
) -> Lag:
    """How much of the feed, visible now (or then), a position has not reached."""
    now = now or current_snapshot(connection)
    before = position.snapshot
    row = connection.execute(
        _WAITING,
        {
            "closed": [xid for xid in before.open if now.sees(xid)],
            "since": before.xmax,
            "until": now.xmax,
            "open": list(now.open),
            "limit": limit,
            "after_xid": position.after[0] if position.target else 0,
            "after_sequence": position.after[1] if position.target else 0,
            "unseen": list(position.target.open) if position.target else [],
        },
    ).fetchone()
    count, seconds = row or (0, None)
    return Lag(int(count), max(0.0, float(seconds or 0.0)))


def holders(connection: psycopg.Connection[Any], *, besides: int | None = None) -> tuple[Holder, ...]:
    """The transactions, anywhere in the cluster, whose changes no reader can see yet, oldest first.

    They hold nobody else's changes back: what they changed is taken when they commit.
    """
    rows = connection.execute(_HOLDERS).fetchall()
    found = [Holder(pid, xid, name or "", seconds) for pid, xid, name, seconds in rows if pid != besides or pid is None]
    return tuple(sorted(found, key=lambda holder: holder.xid))


def size(connection: psycopg.Connection[Any]) -> int:
    """About how many changes the log holds."""
    row = connection.execute(
        "SELECT (SELECT sequence FROM changes ORDER BY xid DESC, sequence DESC LIMIT 1)"
        " - (SELECT sequence FROM changes ORDER BY xid, sequence LIMIT 1) + 1"
    ).fetchone()
    return max(0, int(row[0])) if row and row[0] is not None else 0


def beyond(connection: psycopg.Connection[Any], oldest: int) -> int | None:
    """The first transaction after the `oldest` changes of the log; None if there is no change after them."""
    row = connection.execute("SELECT xid FROM changes ORDER BY xid, sequence OFFSET %s LIMIT 1", (oldest,)).fetchone()
    return int(row[0]) if row else None


def trim(connection: psycopg.Connection[Any], below: int, keep: Iterable[int], *, most: int = 100_000) -> int:
    """Forget at most `most` changes of transactions below `below`, oldest first, but those of `keep`; how many went."""
    done = connection.execute(
        "DELETE FROM changes WHERE ctid = ANY(ARRAY("
        "SELECT ctid FROM changes WHERE xid < %s AND xid <> ALL(%s::bigint[]) ORDER BY xid, sequence LIMIT %s))",
        (below, list(keep), most),
    )
    return done.rowcount


def _take(
    connection: psycopg.Connection[Any], before: Snapshot, now: Snapshot, after: tuple[int, int], limit: int
) -> int:
    """Take changes in the order of (xid, sequence), those of transactions that were open before first; how many."""
    parameters: dict[str, Any] = {"xid": after[0], "sequence": after[1], "limit": limit}
    found = 0
    closed = [xid for xid in before.open if now.sees(xid) and xid >= after[0]]
    if closed:
        found = connection.execute(_WERE_OPEN, {**parameters, "open": closed}).rowcount
    if found < limit and now.xmax > before.xmax:
        later = {"since": before.xmax, "until": now.xmax, "open": list(now.open), "limit": limit - found}
        found += connection.execute(_CAME_LATER, parameters | later).rowcount
    return found
