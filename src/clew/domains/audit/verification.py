"""Proving the trail: every seal, every row it covers, and the checkpoints outside the database.

Works chain by chain in one snapshot, in memory bounded by a seal, and names the first thing that is not as it was
sealed. What it cannot tell is who did it: whoever has the installation's secret can make seals that hold.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from typing import Any, Final
from uuid import UUID

import psycopg

from clew.domains.audit.chain import KINDS, End, Entry, Keys, Seal, decode, digest_of, is_signed
from clew.domains.audit.checkpoint_book import CheckpointBook
from clew.domains.audit.checkpoints import CheckpointFile
from clew.domains.audit.findings import Finding, FoundError, Verified
from clew.domains.audit.sealer import Place, read_place, seal_of_row
from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.roles import AUDITOR

_ROWS_AT_ONCE: Final = 5000
SEALS_AT_ONCE: Final = 16
_LEAST_KEPT: Final = timedelta(days=30)
_LATEST_MONTH: Final = 65_535

_SEEN: Final = """
(xid < %(xmax)s AND xid <> ALL(%(open)s::bigint[])
 OR xid < %(target_xmax)s AND xid <> ALL(%(target_open)s::bigint[]) AND (xid, id) <= (%(xid)s, %(id)s))
"""
_COUNTS: Final = f"""
SELECT organization_id, count(*) FILTER (WHERE {_SEEN}), count(*) FILTER (WHERE NOT {_SEEN})
FROM audit.trail
WHERE %(only)s::uuid IS NULL OR organization_id = %(only)s::uuid
GROUP BY organization_id
"""
_ORGANIZATIONS: Final = "SELECT id FROM organizations UNION SELECT DISTINCT organization_id FROM audit.seals"
SEALS: Final = """
SELECT organization_id, number, sealed_at, rows, rows_before, entries, digest, seal, signature
FROM audit.seals WHERE organization_id = %s ORDER BY number
"""
_ROWS: Final = """
SELECT t.id, t.organization_id, audit.commitment(t.salt, t.payload)
FROM unnest(%(xids)s::bigint[], %(ids)s::bigint[]) AS k (xid, id)
JOIN audit.trail AS t ON t.xid = k.xid AND t.id = k.id
WHERE t.kind = %(kind)s AND t.at >= %(since)s AND t.at < %(until)s
"""
_ELSEWHERE: Final = """
SELECT organization_id, kind, xid, id, audit.commitment(salt, payload) FROM audit.trail WHERE kind = %s AND id = %s
"""
_EXPIRED: Final = """
SELECT resource_id, "timestamp" FROM audit.events
WHERE organization_id = %s AND event_type = 'audit_expired' AND resource_type = 'audit_month'
"""
_UNKNOWN: Final = f"""
SELECT kind, id FROM audit.trail
WHERE organization_id = %(organization)s AND {_SEEN}
  AND NOT EXISTS (SELECT FROM sealed_ids WHERE sealed_ids.id = trail.id)
ORDER BY xid, id LIMIT 1
"""


def verify(database: Database, only: UUID | None = None) -> Verified:
    """Check the whole trail of every organization, or of one.

    Raises ConfigurationError if the secret or the file of checkpoints cannot be read, AuditChainError if the sealer's
    position is gone, DatabaseUnavailableError.
    """
    keys = Keys(InstallationSecret.of(database.settings))
    file = CheckpointFile.of(database.settings)
    with database_errors(database.address), database.connect_raw(AUDITOR) as connection:
        connection.autocommit = True
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            with file.locked(shared=True):  # no seal is made between the snapshot and the reading of the file
                place = read_place(connection)
                book = CheckpointBook.read(file, keys)
            return _Verification(connection, keys, book, place, only).run()


@dataclass(slots=True)
class _Verification:
    connection: psycopg.Connection[Any]
    keys: Keys
    book: CheckpointBook
    place: Place
    only: UUID | None = None
    rows: int = 0
    seals: int = 0
    expired: int = 0
    first_bad: Finding | None = None
    counts: dict[UUID, tuple[int, int]] = field(default_factory=dict)

    def run(self) -> Verified:
        counted = self.connection.execute(_COUNTS, self._seen() | {"only": self.only}).fetchall()
        self.counts = {organization: (seen, beyond) for organization, seen, beyond in counted}
        listed = {row[0] for row in self.connection.execute(_ORGANIZATIONS).fetchall()}
        every = sorted(listed | self.counts.keys() | self.book.seals.keys())
        organizations = every if self.only is None else [self.only]
        for organization in organizations:
            try:
                self._verify_chain(organization)
            except FoundError as found:
                self.first_bad = self.first_bad or found.finding
        return Verified(
            organizations=len(organizations),
            rows=self.rows,
            unsealed=sum(beyond for _, beyond in self.counts.values()),
            seals=self.seals,
            expired=self.expired,
            first_bad=self.first_bad or self.book.problem,
        )

    def _verify_chain(self, organization: UUID) -> None:
        """Follow one chain to its end. Raises FoundError."""
        end = End()
        waiting: list[tuple[Seal, Entry]] = []  # rows of several small seals are looked up together
        found_before = self.rows
        expired = self._expired_months(organization)
        with self.connection.cursor(name="audit_seals") as cursor:
            cursor.itersize = SEALS_AT_ONCE
            cursor.execute(SEALS, (organization,))
            for row in cursor:
                seal, entries = seal_of_row(row)
                try:
                    self._check_seal(end, seal, entries)
                except FoundError:
                    self._check_rows(waiting, expired)  # what is wrong with a row of before comes first
                    raise
                waiting += [(seal, entry) for entry in decode(entries)]
                if len(waiting) >= _ROWS_AT_ONCE:
                    self._check_rows(waiting, expired)
                    waiting.clear()
                end = End.after(seal)
                self.seals += 1
        self._check_rows(waiting, expired)
        if (finding := self.book.compare_end(organization, end)) is not None:
            raise FoundError(finding)
        seen, _ = self.counts.get(organization, (0, 0))
        if seen > self.rows - found_before:
            raise FoundError(self._inserted(organization))

    def _check_seal(self, end: End, seal: Seal, entries: bytes) -> None:
        header = seal.header
        organization, number = header.organization_id, header.number
        if number != end.number + 1:
            raise FoundError(
                Finding("seal_removed", f"seal {number} follows seal {end.number}", organization, end.number + 1)
            )
        if (finding := self.book.compare(organization, seal)) is not None:
            raise FoundError(finding)
        if digest_of(end.digest, header, entries) != seal.digest or header.rows_before != end.rows:
            raise FoundError(self._edited_seal(seal, entries))
        if self.keys.seal_of(end.seal, seal.digest) != seal.seal or not is_signed(self.keys.public, seal):
            detail = f"it was not made with the secret in use ({self.keys.public_hex[:16]}…)"
            raise FoundError(Finding("seal_forged", detail, organization, number))

    def _edited_seal(self, seal: Seal, entries: bytes) -> Finding:
        """A seal whose digest does not hold: its rows were put into another order, or it was changed otherwise."""
        organization, number = seal.header.organization_id, seal.header.number
        try:
            listed = list(decode(entries))
        except struct.error:
            listed = []
        for one, other in pairwise(listed):
            if (other.xid, other.id) <= (one.xid, one.id):
                detail = f"it is listed after row {one.id}"
                return Finding("reordered", detail, organization, number, other.table, other.id)
        return Finding("seal_edited", "its digest does not follow from what it says", organization, number)

    def _check_rows(self, listed: list[tuple[Seal, Entry]], expired: set[tuple[int, int]]) -> None:
        for start in range(0, len(listed), _ROWS_AT_ONCE):
            some = listed[start : start + _ROWS_AT_ONCE]
            present = self._commitments(entry for _, entry in some)
            for seal, entry in some:
                if present.get(entry.id) == (seal.header.organization_id, entry.commitment):
                    self.rows += 1
                elif entry.id not in present and (entry.kind, entry.month) in expired:
                    self.expired += 1
                else:
                    raise FoundError(self._different(seal, entry))

    def _commitments(self, entries: Iterable[Entry]) -> dict[int, tuple[UUID, bytes]]:
        """Whose rows these are and the commitments to them as they are now, looked up month by month."""
        found: dict[int, tuple[UUID, bytes]] = {}
        ordered = sorted(entries, key=lambda each: (each.kind, each.month))
        for (kind, month), group in groupby(ordered, key=lambda each: (each.kind, each.month)):
            some = list(group)
            asked = {
                "xids": [each.xid for each in some],
                "ids": [each.id for each in some],
                "kind": kind,
                **bounds(month),
            }
            for identifier, *present in self.connection.execute(_ROWS, asked, prepare=False).fetchall():
                found[identifier] = (present[0], bytes(present[1] or b""))
        return found

    def _different(self, seal: Seal, entry: Entry) -> Finding:
        """What became of a row that is not as it was sealed."""
        organization, number = seal.header.organization_id, seal.header.number
        row = self.connection.execute(_ELSEWHERE, (entry.kind, entry.id)).fetchone()
        if row is None:
            problem, detail = "removed", "the row is not there any more"
        elif row[0] != organization:
            problem, detail = "moved", f"the row belongs to organization {row[0]} now"
        elif row[2] != entry.xid:
            problem, detail = "reordered", f"the row says that transaction {row[2]} wrote it, and it was {entry.xid}"
        else:
            problem, detail = "edited", "the row is not what was sealed"
        return Finding(problem, detail, organization, number, entry.table, entry.id)

    def _inserted(self, organization: UUID) -> Finding:
        """Find the first row that lies behind the sealer's position and is in no seal."""
        self.connection.execute("CREATE TEMP TABLE sealed_ids (id bigint) ON COMMIT DROP")
        with self.connection.cursor(name="audit_sealed_ids") as cursor:
            cursor.itersize = SEALS_AT_ONCE
            cursor.execute(SEALS, (organization,))
            for sealed in cursor:
                ids = [entry.id for entry in decode(seal_of_row(sealed)[1])]
                self.connection.execute("INSERT INTO sealed_ids SELECT unnest(%s::bigint[])", (ids,))
        self.connection.execute("CREATE INDEX ON sealed_ids (id)")
        row = self.connection.execute(_UNKNOWN, self._seen() | {"organization": organization}).fetchone()
        self.connection.execute("DROP TABLE sealed_ids")
        detail = "the row is in no seal although the sealer has passed it: it was put there behind its back"
        if row is None:
            return Finding("inserted", detail, organization)
        return Finding("inserted", detail, organization, None, f"audit.{KINDS[row[0] - 1]}", row[1])

    def _expired_months(self, organization: UUID) -> set[tuple[int, int]]:
        """The months whose rows the trail says were given up, where they were old enough to be."""
        told = self.connection.execute(_EXPIRED, (organization,)).fetchall()
        months = (expired_month(str(place), told_at) for place, told_at in told)
        return {month for month in months if month is not None}

    def _seen(self) -> dict[str, Any]:
        target = self.place.target
        return {
            "xmax": self.place.snapshot.xmax,
            "open": list(self.place.snapshot.open),
            "target_xmax": target.xmax if target else 0,
            "target_open": list(target.open) if target else [],
            "xid": self.place.after[0],
            "id": self.place.after[1],
        }


def expired_month(place: str, told_at: datetime) -> tuple[int, int] | None:
    """Kind and month of the rows that an act of retention gave up (`events/2025-01`), if they were old enough."""
    table, _, month = place.partition("/")
    year, _, number = month.partition("-")
    if table not in KINDS or not (year.isdigit() and number.isdigit()):
        return None
    index = (int(year) - 2000) * 12 + int(number) - 1
    is_due = 0 <= index < _LATEST_MONTH and _first_day(index + 1) + _LEAST_KEPT <= told_at
    return (KINDS.index(table) + 1, index) if is_due else None


def bounds(month: int) -> dict[str, datetime]:
    """Between which times a row of that month lies; the first and the last stand for all before and after."""
    since = datetime.min.replace(tzinfo=UTC) if month == 0 else _first_day(month)
    until = datetime.max.replace(tzinfo=UTC) if month >= _LATEST_MONTH else _first_day(month + 1)
    return {"since": since, "until": until}


def _first_day(month: int) -> datetime:
    years, months = divmod(month, 12)
    return datetime(2000 + years, months + 1, 1, tzinfo=UTC)
