"""The books of the projections in PostgreSQL: how far each is, whether it is well, and what it set aside."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

import psycopg

from clew.projections.feed import Key, Position
from clew.projections.projection import Aside, Projection

_COLUMNS: Final = (
    "name, adapter, schema_version, status, reason, position, token, intended_token, rows, changes_applied, errors,"
    " last_error, last_error_at, built_at, caught_up_at"
)
_REGISTER: Final = """
INSERT INTO projections (name, adapter, schema_version) VALUES (%s, %s, %s)
ON CONFLICT (name) DO UPDATE SET adapter = excluded.adapter, schema_version = excluded.schema_version
"""
_CONFIRM: Final = """
UPDATE projections SET position = %s, token = %s, status = 'ready', reason = NULL, rows = %s,
    changes_applied = changes_applied + %s, updated_at = clock_timestamp()
WHERE name = %s
"""
# A view may be there of which nobody has noted yet how far it is: the first to build it died just then.
_UNKNOWN: Final = "status = 'building' AND position = '' AND intended_token <> ''"
_IS_ANY_UNKNOWN: Final = f"SELECT EXISTS (SELECT FROM projections WHERE {_UNKNOWN})"  # noqa: S608
_FALLEN_BEHIND: Final = f"""
UPDATE projections SET status = 'rebuild', reason = %s, updated_at = clock_timestamp()
WHERE name = ANY(%s) OR {_UNKNOWN}
"""  # noqa: S608
_BUILDING: Final = """
UPDATE projections SET status = 'building', reason = %s, updated_at = clock_timestamp(),
    token = CASE WHEN status = 'rebuild' THEN '' ELSE token END,
    intended_token = CASE WHEN status = 'rebuild' THEN '' ELSE intended_token END
WHERE name = %s
"""
_UNFOLLOWED: Final = """
SELECT name FROM projections
WHERE status = 'ready' AND name <> ALL(%s::text[]) AND updated_at <= clock_timestamp() - make_interval(secs => %s)
"""
_SET_ASIDE: Final = """
INSERT INTO projection_failures AS known (organization_id, projection, table_name, row_id, reason)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (organization_id, projection, table_name, row_id)
DO UPDATE SET reason = excluded.reason, attempts = known.attempts + 1, updated_at = now()
"""
_TAKE_BACK: Final = """
DELETE FROM projection_failures WHERE projection = %s AND (organization_id, table_name, row_id) IN
    (SELECT * FROM unnest(%s::uuid[], %s::text[], %s::uuid[]))
"""


@dataclass(frozen=True, slots=True)
class Page:
    """What the books say of one projection."""

    name: str
    adapter: str
    schema_version: int
    status: str
    reason: str | None
    position: str
    token: str
    intended_token: str
    rows: int
    changes_applied: int
    errors: int
    last_error: str | None
    last_error_at: datetime | None
    built_at: datetime | None
    caught_up_at: datetime | None

    @classmethod
    def of(cls, row: Sequence[Any]) -> Self:
        """A row of the table."""
        return cls(*row)


class Books:
    """Reads and writes the books on a connection of the projector in autocommit mode."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def open(self, projection: Projection) -> Page | None:
        """The page of a projection as it was left, None if it is new; from now on it has one."""
        page = self.page(projection.name)
        self._connection.execute(_REGISTER, (projection.name, projection.adapter, projection.schema_version))
        return page

    def page(self, name: str) -> Page | None:
        """What is written of a projection."""
        row = self._connection.execute(f"SELECT {_COLUMNS} FROM projections WHERE name = %s", (name,)).fetchone()  # noqa: S608
        return Page.of(row) if row else None

    def building(self, name: str, reason: str) -> None:
        """A projection is being rebuilt, for that reason.

        Whoever is killed meanwhile leaves the old view. If that may not go on from where it stands, what was known of
        it is forgotten, and so it is rebuilt.
        """
        self._connection.execute(_BUILDING, (reason, name))

    def built(self, name: str) -> None:
        """A rebuild is through: what was set aside before is told anew."""
        self._connection.execute(
            "UPDATE projections SET built_at = clock_timestamp() WHERE name = %s",
            (name,),
        )

    def intend(self, name: str, token: str) -> None:
        """The view is about to commit under that token."""
        self._connection.execute("UPDATE projections SET intended_token = %s WHERE name = %s", (token, name))

    def confirm(self, name: str, position: Position, rows: int, changes: int) -> None:
        """The view has committed that position."""
        self._connection.execute(_CONFIRM, (position.encode(), position.token, rows, changes, name))

    def caught_up(self, name: str) -> None:
        """The view is up to this moment."""
        self._connection.execute("UPDATE projections SET caught_up_at = clock_timestamp() WHERE name = %s", (name,))

    def failed(self, name: str, error: str) -> None:
        """Writing the view failed."""
        self._connection.execute(
            "UPDATE projections SET errors = errors + 1, last_error = %s, last_error_at = clock_timestamp()"
            " WHERE name = %s",
            (error[:2000], name),
        )

    def fallen_behind(self, below: int, reason: str, only: frozenset[str] | None = None) -> None:
        """Projections (of these, if named) that have not seen all changes below that transaction are to be rebuilt."""
        behind = [
            name
            for name, position in self._followed().items()
            if position.snapshot.xmax < below and (only is None or name in only)
        ]
        self._connection.execute(_FALLEN_BEHIND, (reason, behind))

    def unfollowed(self, besides: Iterable[str], seconds: float) -> frozenset[str]:
        """Projections other than these that nobody has written for so long."""
        rows = self._connection.execute(_UNFOLLOWED, (list(besides), seconds)).fetchall()
        return frozenset(name for (name,) in rows)

    def ask_for_rebuild(self, name: str, reason: str) -> None:
        """A projection is to be made anew, for that reason, unless that is being done."""
        self._connection.execute(
            "UPDATE projections SET status = 'rebuild', reason = %s, updated_at = clock_timestamp()"
            " WHERE name = %s AND status <> 'building'",
            (reason, name),
        )

    def needed(self) -> tuple[int, frozenset[int]] | None:
        """Changes that every view has seen: those below that transaction, but for these. None if there are none."""
        seen = [position.snapshot for position in self._followed().values()]
        if not seen or self._is_any_unknown():
            return None
        return min(snapshot.xmax for snapshot in seen), frozenset(xid for snapshot in seen for xid in snapshot.open)

    def _followed(self) -> dict[str, Position]:
        """How far each is that goes on from there; of one whose rebuild was broken off, the old view may."""
        rows = self._connection.execute("SELECT name, position FROM projections WHERE status <> 'rebuild'").fetchall()
        return {name: position for name, text in rows if (position := Position.decode(text)) is not None}

    def _is_any_unknown(self) -> bool:
        row = self._connection.execute(_IS_ANY_UNKNOWN).fetchone()
        return bool(row and row[0])

    def set_aside(self, name: str, tried: Iterable[Key], aside: Sequence[Aside]) -> None:
        """Rows that were tried: those that were refused are noted, notes about the others go."""
        refused = {each.key for each in aside}
        taken = [key for key in tried if key not in refused]
        if self._connection.execute(
            "SELECT 1 FROM projection_failures WHERE projection = %s LIMIT 1", (name,)
        ).fetchone():
            self._connection.execute(
                _TAKE_BACK,
                (
                    name,
                    [key.organization_id for key in taken],
                    [key.table for key in taken],
                    [key.row_id for key in taken],
                ),
            )
        with self._connection.cursor() as cursor:
            cursor.executemany(
                _SET_ASIDE,
                [
                    (each.key.organization_id, name, each.key.table, each.key.row_id, each.reason[:2000])
                    for each in aside
                ],
            )

    def clear_aside(self, name: str) -> None:
        """Nothing is set aside any more: a rebuild tells anew."""
        self._connection.execute("DELETE FROM projection_failures WHERE projection = %s", (name,))

    def aside(self, name: str) -> dict[tuple[UUID, UUID], str]:
        """The rows that are set aside, by organization and id, with their reasons."""
        rows = self._connection.execute(
            "SELECT organization_id, row_id, reason FROM projection_failures WHERE projection = %s", (name,)
        )
        return {(organization_id, row_id): reason for organization_id, row_id, reason in rows.fetchall()}

    def count_aside(self, name: str) -> int:
        """How many rows are set aside."""
        row = self._connection.execute("SELECT count(*) FROM projection_failures WHERE projection = %s", (name,))
        return int((row.fetchone() or (0,))[0])
