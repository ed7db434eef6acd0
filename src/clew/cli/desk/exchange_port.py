"""What commands ask of the exchange with peers, here or of a server."""

from collections.abc import Mapping
from threading import Event
from typing import Any, Protocol
from uuid import UUID


class Exchange(Protocol):
    """Exchange with peers, each by name or id. What is given back is for JSON."""

    def synchronize(self, kind: str, peer: str, stop: Event, *, dry_run: bool) -> dict[str, Any]:
        """Exchange; its report. Raises NotFoundError, InputError, ConflictError, OutboundFailedError."""

    def peers(self) -> list[dict[str, Any]]:
        """Every peer, by name."""

    def add(self, name: str, kind: str, address: str, key: str | None, settings: Mapping[str, Any]) -> dict[str, Any]:
        """A new one. Raises InputError, ConflictError."""

    def remove(self, peer: str) -> dict[str, Any]:
        """Forget one. Raises NotFoundError."""

    def conflicts(self, *, everything: bool) -> list[dict[str, Any]]:
        """What contradicts, the newest first; `everything`: also what is settled."""

    def settle(self, conflict: UUID, side: str) -> dict[str, Any]:
        """Take a side, ours or theirs. Raises NotFoundError, ConflictError, InputError."""
