"""The sealer: chains the rows of the trail, per organization, in the order in which their transactions show.

It follows the trail as projections follow the change feed (clew.projections.feed): by snapshots. What is visible now
and was not at the last pass is sealed now, in the order of transaction and row number; so a transaction that commits
an hour late is sealed late, and none is skipped. Seals and the sealer's position are committed together, and the
position's row is written by every pass: of two sealers at once one fails, and neither can fork a chain.
"""

import contextlib
import threading
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

import psycopg

from clew.domains.audit.chain import ENTRY_BYTES, AuditChainError, End, Header, Keys, Seal, decode
from clew.domains.audit.checkpoints import CheckpointFile
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import ClewError
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.roles import SEALER
from clew.projections import feed
from clew.projections.feed import Snapshot

ROWS_AT_ONCE: Final = 10_000
IDLE_SECONDS: Final = 0.5

_LOCK: Final = "SELECT pg_try_advisory_lock(hashtext('clew audit sealer'))"
_UNLOCK: Final = "SELECT pg_advisory_unlock(hashtext('clew audit sealer'))"
_POSITION: Final = "SELECT snapshot, target, after_xid, after_id FROM audit.sealing"
_MOVE: Final = """
UPDATE audit.sealing
SET snapshot = %(snapshot)s, target = %(target)s, after_xid = %(xid)s, after_id = %(id)s, updated_at = now()
"""
# The rows of each organization, in order, as its seal holds them: see `clew.domains.audit.chain.encode`.
_TAKE: Final = """
SELECT organization_id,
       string_agg(int2send(kind) || substring(int4send(greatest(0, least(65535, (extract(year FROM at)::int - 2000) * 12
                                                                         + extract(month FROM at)::int - 1))) FROM 3)
                  || int8send(xid) || int8send(id) || audit.commitment(salt, payload), '' ORDER BY xid, id)
FROM (SELECT * FROM audit.trail WHERE {which} AND (xid, id) > (%(xid)s, %(id)s) ORDER BY xid, id LIMIT %(limit)s) AS t
GROUP BY organization_id
"""
_WERE_OPEN: Final = _TAKE.format(which="xid = ANY(%(open)s::bigint[])")
_CAME_LATER: Final = _TAKE.format(which="xid >= %(since)s AND xid < %(until)s AND xid <> ALL(%(open)s::bigint[])")
_ENDS: Final = """
SELECT o.id, s.number, s.rows_before + s.rows, s.digest, s.seal
FROM unnest(%s::uuid[]) AS o (id) CROSS JOIN LATERAL (
    SELECT number, rows_before, rows, digest, seal FROM audit.seals
    WHERE organization_id = o.id ORDER BY number DESC LIMIT 1) AS s
"""
_ADD: Final = """
INSERT INTO audit.seals (organization_id, number, sealed_at, rows, rows_before, entries, digest, seal, signature)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
SEAL_COLUMNS: Final = "organization_id, number, sealed_at, rows, rows_before, entries, digest, seal, signature"
LAST_SEALS: Final = f"""
SELECT DISTINCT ON (organization_id) {SEAL_COLUMNS} FROM audit.seals ORDER BY organization_id, number DESC
"""


class SealerBusyError(ClewError):
    """Another process seals the audit trail."""

    code = "sealer_busy"
    exit_code = 6


@dataclass(frozen=True, slots=True)
class Place:
    """How far the sealer has come: all that `snapshot` sees is sealed, and of what `target` sees up to `after`."""

    snapshot: Snapshot
    target: Snapshot | None
    after: tuple[int, int]


class Sealer:
    """The one sealer, while the block lasts. Raises SealerBusyError if there is one, ConfigurationError."""

    def __init__(self, database: Database, *, clock: Clock = system_clock) -> None:
        self._database = database
        self._keys = Keys(InstallationSecret.of(database.settings))
        self._file = CheckpointFile.of(database.settings)
        self._clock = clock
        self._is_mended = False

    def __enter__(self) -> Self:
        self._connection = self._database.connect_raw(SEALER)
        self._connection.autocommit = True
        held = self._connection.execute(_LOCK).fetchone()
        if held != (True,):
            self._connection.close()
            raise SealerBusyError(
                "another process seals the audit trail",
                where=self._database.address,
                remedy="nothing need be done: it seals everything",
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(psycopg.Error):  # the server notices a closed connection a moment later
            self._connection.execute(_UNLOCK)
        self._connection.close()

    def catch_up(self, *, rows_at_once: int = ROWS_AT_ONCE) -> int:
        """Seal all that is visible now; how many rows that were. Raises AuditChainError, DatabaseUnavailableError."""
        sealed = 0
        with database_errors(self._database.address):
            if not self._is_mended:
                self._mend()
            while True:
                rows, is_last = self._pass(rows_at_once)
                sealed += rows
                if is_last:
                    return sealed

    def follow(self, stop: threading.Event, *, idle_seconds: float = IDLE_SECONDS) -> None:
        """Seal what comes, within a second, until `stop` is set.

        There is a pause after every pass, also while much is written: a seal of few rows costs what one of many does.
        """
        while not stop.is_set():
            self.catch_up()
            stop.wait(idle_seconds)

    def _pass(self, limit: int) -> tuple[int, bool]:
        """Seal the next rows, at most so many, in one transaction; how many, and whether there are no more."""
        with self._file.locked():
            with self._connection.transaction():
                self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                place = read_place(self._connection)
                target = place.target or feed.current_snapshot(self._connection)
                self._refuse_another_past(place, target)
                taken = self._take(place, target, limit)
                seals = self._seal(taken)
                rows = sum(seal.header.rows for seal in seals)
                if rows == limit:
                    self._move(place.snapshot, target, max(_end(entries) for entries in taken.values()))
                elif rows or place.target:
                    self._move(target, None, (0, 0))
            if seals:
                self._file.append(seals)
                self._file.shorten(self._keys)
        return rows, rows < limit

    def _take(self, place: Place, target: Snapshot, limit: int) -> dict[UUID, bytes]:
        """The next rows, at most so many: for each organization their entries."""
        before = place.snapshot
        after: dict[str, Any] = {"xid": place.after[0], "id": place.after[1]}
        found: dict[UUID, bytes] = defaultdict(bytes)
        closed = [xid for xid in before.open if target.sees(xid) and xid >= place.after[0]]
        if closed:
            found.update(self._connection.execute(_WERE_OPEN, after | {"open": closed, "limit": limit}).fetchall())
        left = limit - sum(map(len, found.values())) // ENTRY_BYTES
        if left and target.xmax > before.xmax:
            asked = after | {
                "since": before.xmax,
                "until": target.xmax,
                "open": list(target.open),
                "limit": left,
            }
            for organization, entries in self._connection.execute(_CAME_LATER, asked).fetchall():
                found[organization] += entries
        return found

    def _seal(self, batches: dict[UUID, bytes]) -> list[Seal]:
        """Chain the entries of each organization to its last seal, and add the seals."""
        if not batches:
            return []
        known = {row[0]: End(*row[1:]) for row in self._connection.execute(_ENDS, (list(batches),)).fetchall()}
        now = self._clock().astimezone(UTC)
        made = {
            organization: self._link(organization, known.get(organization, End()), entries, now)
            for organization, entries in batches.items()
        }
        with self._connection.cursor() as cursor:
            cursor.executemany(_ADD, [_columns(seal, batches[organization]) for organization, seal in made.items()])
        return list(made.values())

    def _link(self, organization: UUID, end: End, entries: bytes, now: datetime) -> Seal:
        rows = len(entries) // ENTRY_BYTES
        return self._keys.link(
            end, Header(organization, end.number + 1, now, rows, end.rows, _end(entries)[1]), entries
        )

    def _move(self, snapshot: Snapshot, target: Snapshot | None, after: tuple[int, int]) -> None:
        moved = {
            "snapshot": str(snapshot),
            "target": str(target) if target else None,
            "xid": after[0],
            "id": after[1],
        }
        self._connection.execute(_MOVE, moved)

    def _mend(self) -> None:
        """Write the lines that a crash between commit and file left out: for each chain at most the last one.

        Where more is lacking the file was cut: that is left to be found.
        """
        with self._file.locked():
            self._file.mend_end()
            present = self._file.last_numbers()
            with self._connection.cursor() as cursor:
                lacking = [
                    seal_of_row(row)[0] for row in cursor.stream(LAST_SEALS) if row[1] == present.get(row[0], 0) + 1
                ]
            if lacking:
                self._file.append(lacking)
        self._is_mended = True

    def _refuse_another_past(self, place: Place, target: Snapshot) -> None:
        if target.xmax < place.snapshot.xmax:
            raise AuditChainError(
                "the database has counted fewer transactions than the sealer has seen: it was restored from a dump",
                where=self._database.address,
                remedy="restore by a base backup, which keeps the counting, or ask for help before anything is written",
            )


def read_place(connection: psycopg.Connection[Any]) -> Place:
    """How far the sealer has come. Raises AuditChainError if its row was taken away."""
    row = connection.execute(_POSITION).fetchone()
    if row is None:
        raise AuditChainError(
            "the sealer's position was removed from the database",
            where="audit.sealing",
            remedy="restore the database from its backup",
        )
    snapshot, target, xid, identifier = row
    return Place(Snapshot.parse(snapshot), Snapshot.parse(target) if target else None, (xid, identifier))


def seal_of_row(row: tuple[Any, ...]) -> tuple[Seal, bytes]:
    """A row of audit.seals (its columns in the table's order) as a seal, and its entries."""
    organization, number, sealed_at, rows, rows_before, entries, digest, seal, signature = row
    header = Header(organization, number, sealed_at, rows, rows_before, _end(entries)[1])
    return Seal(header, bytes(digest), bytes(seal), bytes(signature)), bytes(entries)


def _end(entries: bytes) -> tuple[int, int]:
    """Transaction and number of the last row."""
    (last,) = decode(entries[-ENTRY_BYTES:])
    return last.xid, last.id


def _columns(seal: Seal, entries: bytes) -> tuple[Any, ...]:
    header = seal.header
    return (
        header.organization_id,
        header.number,
        header.sealed_at,
        header.rows,
        header.rows_before,
        entries,
        seal.digest,
        seal.seal,
        seal.signature,
    )
