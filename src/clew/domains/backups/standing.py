"""How a restored record stands: how many rows it holds beside the present one, and whether trail and views hold."""

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from clew.domains.audit.service import verify as verify_trail
from clew.kernel.database import Database
from clew.kernel.embedded.layout import find_layout
from clew.kernel.errors import ClewError
from clew.kernel.roles import PROJECTOR
from clew.kernel.settings import Settings
from clew.projections.keeping import projecting
from clew.projections.keeping import verify as verify_view
from clew.projections.registry import projections

TABLES: Final = ("organizations", "entities", "relationships", "collection_items", "attack_sessions", "investigations")


class RehearsalFailedError(ClewError):
    """A restore that was tried did not give a whole record."""

    code = "rehearsal_failed"
    exit_code = 9


@dataclass(frozen=True, slots=True)
class Standing:
    """Rows by table, restored and present (None: there is no present record, or it cannot be asked)."""

    rows: dict[str, tuple[int, int | None]]
    audit_ok: bool
    views: dict[str, bool]

    @property
    def ok(self) -> bool:
        """Whether the trail and every view hold."""
        return self.audit_ok and all(self.views.values())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        rows = {table: {"restored": restored, "present": present} for table, (restored, present) in self.rows.items()}
        return {"rows": rows, "audit_ok": self.audit_ok, "views_equal": self.views}


def compare_standing(restored: Database, settings: Settings) -> Standing:
    """Prove a restored record, and count it beside the one of `settings`. Raises DatabaseUnavailableError."""
    counted = _counts(restored)
    present: dict[str, int] = {}
    if find_layout(settings) is not None:
        try:
            with Database(settings) as database:
                present = _counts(database)
        except ClewError:
            present = {}  # what is broken is why one restores
    kept = projections(restored.settings)
    views: dict[str, bool] = {}
    if kept:
        with projecting(restored, kept) as projector:
            views = {each.name: verify_view(projector, each.name).equal for each in kept}
    rows = {table: (counted[table], present.get(table)) for table in TABLES}
    return Standing(rows, verify_trail(restored).ok, views)


def _counts(database: Database) -> dict[str, int]:
    with database.transaction(None, PROJECTOR) as connection:
        return {table: int(connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0) for table in TABLES}  # noqa: S608
