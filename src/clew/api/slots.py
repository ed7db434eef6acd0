"""Bounds on work that is too heavy to be done for any number of callers at once."""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from typing import Final

from clew.kernel.errors import LimitError

SLOTS: Final[Mapping[str, int]] = {"report": 2, "quarantine retry": 1, "graph measures": 1, "graph export": 2}
_RETRY_SECONDS: Final = 5


class Slots:
    """So many of each kind of work at a time, in this process."""

    def __init__(self, most: Mapping[str, int] = SLOTS) -> None:
        self._free = {kind: threading.BoundedSemaphore(number) for kind, number in most.items()}

    @contextlib.contextmanager
    def taken(self, kind: str) -> Iterator[None]:
        """A place for the block. Raises LimitError where none is free."""
        free = self._free[kind]
        if not free.acquire(blocking=False):
            raise LimitError(
                f"the server is busy with other work of this kind: {kind}",
                retry_after=_RETRY_SECONDS,
                where=kind,
                remedy="try again in a moment",
            )
        try:
            yield
        finally:
            free.release()
