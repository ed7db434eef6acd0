"""What a verification finds: the counts, and the first thing that is not as it was sealed."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was sealed.

    `problem` is one of: removed, edited, reordered, moved (to another organization), inserted (behind the sealer),
    seal_removed, seal_edited, seal_forged, cut_tail, rewritten (the seals are not those of the checkpoints),
    checkpoint_file (the file itself was cut or changed).
    """

    problem: str
    detail: str
    organization_id: UUID | None = None
    seal: int | None = None
    table: str | None = None
    row: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "problem": self.problem,
            "organization": str(self.organization_id) if self.organization_id else None,
            "seal": self.seal,
            "table": self.table,
            "row": self.row,
            "detail": self.detail,
        }

    @property
    def place(self) -> str:
        """The organization, seal, table and row, as far as they are known."""
        places = [
            f"organization {self.organization_id}" if self.organization_id else "",
            f"seal {self.seal}" if self.seal is not None else "",
            f"{self.table} {self.row}" if self.row is not None else "",
        ]
        return ", ".join(filter(None, places))


class FoundError(Exception):
    """Ends the work on one chain with what was found."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.problem}: {finding.place}")
        self.finding = finding


@dataclass(frozen=True, slots=True)
class Verified:
    """`rows` are sealed and there, `unsealed` came after the last seal, `expired` were given up month by month."""

    organizations: int
    rows: int
    unsealed: int
    seals: int
    expired: int
    first_bad: Finding | None

    @property
    def ok(self) -> bool:
        """Whether everything is as it was sealed."""
        return self.first_bad is None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "organizations": self.organizations,
            "rows": self.rows,
            "unsealed": self.unsealed,
            "ok": self.ok,
            "first_bad": self.first_bad.as_dict() if self.first_bad else None,
            "seals": self.seals,
            "expired": self.expired,
        }
