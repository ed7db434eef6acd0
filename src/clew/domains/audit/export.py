"""The trail of an organization as a file that anybody can check who knows the public key.

One JSON object on each line: what the file is, then for each seal its rows and the seal, then a signed end. A row
stands there as the very text that was hashed, with its salt; one that was given up, only with its commitment.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import UUID

import orjson
import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from clew.domains.audit.chain import (
    End,
    Entry,
    Keys,
    Seal,
    commitment_of,
    decode,
    digest_of,
    encode,
    is_signed,
    is_signed_content,
    public_key,
)
from clew.domains.audit.checkpoints import seal_as_dict, seal_from_dict
from clew.domains.audit.findings import Finding, FoundError, Verified
from clew.domains.audit.sealer import seal_of_row
from clew.domains.audit.verification import SEALS, SEALS_AT_ONCE, bounds, expired_month
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import InputError
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.roles import AUDITOR

FORMAT: Final = "clew audit export v1"
FORMATS: Final = (FORMAT,)
LONGEST_LINE: Final = 64 << 20

_END_OF: Final = "export end"
_ROWS: Final = """
SELECT t.id, t.salt, t.payload::text
FROM unnest(%(xids)s::bigint[], %(ids)s::bigint[]) AS k (xid, id)
JOIN audit.trail AS t ON t.xid = k.xid AND t.id = k.id
WHERE t.kind = %(kind)s AND t.at >= %(since)s AND t.at < %(until)s
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export holds. `public_key` is what others check it with, and have to be told apart from it."""

    seals: int
    rows: int
    public_key: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"seals": self.seals, "rows": self.rows, "public_key": self.public_key}


def export(
    database: Database, organization_id: UUID, sink: Callable[[bytes], object], *, clock: Clock = system_clock
) -> Exported:
    """Write all that is sealed of an organization, line by line, as of one moment.

    Nothing is verified on the way: what is wrong with the trail shows when the export is checked.
    """
    seals = rows = 0
    for line in export_lines(database, organization_id, clock=clock):
        sink(orjson.dumps(line) + b"\n")
        seals, rows = seals + ("seal" in line), rows + ("row" in line)
    return Exported(seals, rows, Keys(InstallationSecret.of(database.settings)).public_hex)


def export_lines(database: Database, organization_id: UUID, *, clock: Clock = system_clock) -> Iterator[dict[str, Any]]:
    """The lines of an export, one by one; the database is read while they are taken, as of one moment."""
    keys = Keys(InstallationSecret.of(database.settings))
    end = End()
    with database_errors(database.address), database.connect_raw(AUDITOR) as connection:
        connection.autocommit = True
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            about = {"organization": str(organization_id), "exported_at": clock().astimezone(UTC).isoformat()}
            yield {"format": FORMAT, **about, "public_key": keys.public_hex}
            with connection.cursor(name="audit_export") as cursor:
                cursor.itersize = SEALS_AT_ONCE
                cursor.execute(SEALS, (organization_id,))
                for row in cursor:
                    seal, entries = seal_of_row(row)
                    yield from _row_lines(connection, list(decode(entries)))
                    yield {"seal": seal_as_dict(seal)}
                    end = End.after(seal)
    signature = keys.sign(_END_OF, _ending(organization_id, end)).hex()
    yield {"end": {"seals": end.number, "rows": end.rows, "signature": signature}}


def verify_export(path: Path, trusted: str | None = None) -> Verified:
    """Check an exported file without any database: with the public key `trusted`, else the one the file names.

    Raises InputError for a file that cannot be read or is no export.
    """
    try:
        with path.open("rb") as file:
            return _Checking(file, path, trusted).run()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path), remedy="check the path") from error


@dataclass(slots=True)
class _Checking:
    file: BinaryIO
    path: Path
    trusted: str | None
    organization: UUID | None = None
    public: Ed25519PublicKey | None = None
    end: End = field(default_factory=End)
    rows: int = 0
    expired: int = 0
    entries: list[Entry] = field(default_factory=list)
    is_ended: bool = False
    absent: dict[tuple[int, int], Entry] = field(default_factory=dict)
    given_up: set[tuple[int, int]] = field(default_factory=set)

    def run(self) -> Verified:
        lines = enumerate(iter(lambda: self.file.readline(LONGEST_LINE), b""), start=1)
        self._open(next(lines, (0, b""))[1])
        bad: Finding | None = None
        try:
            for number, raw in lines:
                self._take(number, raw)
            self._require_end()
        except FoundError as found:
            bad = found.finding
        return Verified(1, self.rows, 0, self.end.number, self.expired, bad)

    def _open(self, raw: bytes) -> None:
        try:
            read = orjson.loads(raw)
            FORMATS.index(read["format"])
            self.organization = UUID(read["organization"])
            self.public = public_key(self.trusted or read["public_key"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                "this file is no export of an audit trail, or the public key is none",
                where=str(self.path),
                remedy="name a file of `clew audit export`, and the public key of 64 hexadecimal digits",
            ) from error

    def _take(self, number: int, raw: bytes) -> None:
        """Take one line. Raises FoundError."""
        try:
            read = {} if self.is_ended else orjson.loads(raw)  # after the end nothing is as it was written
            if "row" in read:
                self.entries.append(self._entry(read))
            elif "seal" in read:
                self._check(seal_from_dict(read["seal"]))
            else:
                self._finish(read["end"])
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise FoundError(self._found("edited", f"line {number} is not as it was written: {error}")) from error

    def _entry(self, read: dict[str, Any]) -> Entry:
        kind, month, xid, identifier = (int(each) for each in read["row"])
        if "commitment" in read:
            self.expired += 1
            entry = Entry(kind, month, xid, identifier, bytes.fromhex(read["commitment"]))
            self.absent.setdefault((kind, month), entry)
            return entry
        entry = Entry(kind, month, xid, identifier, commitment_of(UUID(read["salt"]), read["payload"]))
        payload = orjson.loads(read["payload"])
        if payload["organization_id"] != str(self.organization) or payload["id"] != identifier:
            raise FoundError(self._found("moved", "the row is another one's", entry))
        if bytes.fromhex(read["sealed"]) != entry.commitment:
            raise FoundError(self._found("edited", "the row is not what was sealed", entry))
        if payload.get("event_type") == "audit_expired" and payload.get("resource_type") == "audit_month":
            month_given_up = expired_month(payload["resource_id"], datetime.fromisoformat(payload["timestamp"]))
            self.given_up |= {month_given_up} if month_given_up else set()
        return entry

    def _check(self, seal: Seal) -> None:
        entries, self.entries = self.entries, []
        header = seal.header
        if header.number != self.end.number + 1 or header.organization_id != self.organization:
            raise FoundError(self._found("seal_removed", f"seal {header.number} follows seal {self.end.number}"))
        if self.public is None or not is_signed(self.public, seal):
            raise FoundError(self._found("seal_forged", "its signature is not that key's"))
        if len(entries) != header.rows:
            problem = "removed" if len(entries) < header.rows else "inserted"
            raise FoundError(self._found(problem, f"{len(entries)} rows are there, {header.rows} were sealed"))
        if digest_of(self.end.digest, header, encode(entries)) != seal.digest:
            raise FoundError(self._disordered(entries))
        self.rows += len(entries)
        self.end = End.after(seal)

    def _disordered(self, entries: list[Entry]) -> Finding:
        for one, other in pairwise(entries):
            if (other.xid, other.id) <= (one.xid, one.id):
                return self._found("reordered", f"it stands after row {one.id}", other)
        return self._found("edited", "its rows are not the ones that were sealed")

    def _finish(self, told: dict[str, Any]) -> None:
        if self.entries:
            raise FoundError(self._found("inserted", "rows stand after the last seal", self.entries[0]))
        is_same = (told["seals"], told["rows"]) == (self.end.number, self.end.rows)
        signature = bytes.fromhex(told["signature"])
        content = _ending(self.organization or UUID(int=0), self.end)
        is_signed_by_key = self.public is not None and is_signed_content(self.public, signature, _END_OF, content)
        if not (is_same and is_signed_by_key):
            detail = f"the file tells of seals up to {self.end.number}, and its end is not signed for that"
            raise FoundError(self._found("cut_tail", detail))
        self.is_ended = True

    def _require_end(self) -> None:
        if not self.is_ended:
            raise FoundError(self._found("cut_tail", f"the file ends after seal {self.end.number} without its end"))
        for month, entry in self.absent.items():
            if month not in self.given_up:
                detail = "the row is not there, and nothing tells that its month was given up"
                raise FoundError(Finding("removed", detail, self.organization, None, entry.table, entry.id))

    def _found(self, problem: str, detail: str, entry: Entry | None = None) -> Finding:
        table, row = (entry.table, entry.id) if entry else (None, None)
        return Finding(problem, detail, self.organization, self.end.number + 1, table, row)


def _row_lines(connection: psycopg.Connection[Any], entries: list[Entry]) -> Iterator[dict[str, Any]]:
    present = _payloads(connection, entries)
    for entry in entries:
        place = {"row": [entry.kind, entry.month, entry.xid, entry.id]}
        if entry.id in present:
            salt, payload = present[entry.id]
            yield place | {"salt": str(salt), "payload": payload, "sealed": entry.commitment.hex()}
        else:
            yield place | {"commitment": entry.commitment.hex()}


def _payloads(connection: psycopg.Connection[Any], entries: Iterable[Entry]) -> dict[int, tuple[UUID, str]]:
    found: dict[int, tuple[UUID, str]] = {}
    ordered = sorted(entries, key=lambda each: (each.kind, each.month))
    for (kind, month), group in groupby(ordered, key=lambda each: (each.kind, each.month)):
        some = list(group)
        asked = {"xids": [each.xid for each in some], "ids": [each.id for each in some], "kind": kind}
        for identifier, salt, payload in connection.execute(_ROWS, asked | bounds(month), prepare=False).fetchall():
            found[identifier] = (salt, payload)
    return found


def _ending(organization: UUID, end: End) -> bytes:
    return organization.bytes + end.number.to_bytes(8, "big") + end.rows.to_bytes(8, "big") + end.digest
