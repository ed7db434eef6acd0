"""What an exchange with a peer came to."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from clew.ingest.service import LoadReport

_MOST_TOLD: Final = 1000


@dataclass(slots=True)
class SyncReport:
    """How many things went which way. `told` names them, as far as it has room."""

    peer: str
    dry_run: bool
    pulled: dict[str, int] = field(default_factory=lambda: {"new": 0, "changed": 0, "deleted": 0})
    pushed: dict[str, int] = field(default_factory=lambda: {"new": 0, "changed": 0, "deleted": 0})
    unchanged: int = 0
    withheld: int = 0
    conflicts: int = 0
    attributed: int = 0
    quarantined: int = 0
    told: list[dict[str, str]] = field(default_factory=list)

    def tell(self, direction: str, what: str, external_id: str, detail: str = "") -> None:
        """Name something that was done, would be done, or is not done."""
        if direction in {"pull", "push"}:
            counts = self.pulled if direction == "pull" else self.pushed
            counts[what] += 1
        if len(self.told) < _MOST_TOLD:
            self.told.append({"direction": direction, "what": what, "id": external_id, "detail": detail[:500]})

    def tell_loaded(self, loaded: "LoadReport") -> None:
        """Take in what a load of facts could not read; the documents themselves are kept and exchanged all the same."""
        self.quarantined += loaded.counts.rejected
        for reason, count in sorted(loaded.by_reason.items()):
            self.tell("quarantine", reason, "", f"{count} of what came gave no facts; see `clew quarantine list`")

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}
