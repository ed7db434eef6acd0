"""Writings that stay open from step to step, for a projector that follows the feed."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Final

from clew.projections.projection import Projection, Writing

RESTED_SECONDS: Final = 5.0


class KeptWritings:
    """Open writings by projection, each until it fails, is let go, or has rested for a while.

    To open and close an engine's writer for each step costs more than the few changes of most steps: closing waits for
    what the engine does in the background. One that rests costs memory for nothing.
    """

    def __init__(
        self, *, rested_seconds: float = RESTED_SECONDS, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._rested_seconds = rested_seconds
        self._seconds = seconds
        self._open: dict[str, tuple[contextlib.ExitStack, Writing]] = {}
        self._used: dict[str, float] = {}

    @contextlib.contextmanager
    def writing(self, projection: Projection) -> Iterator[Writing]:
        """The projection's writing, opened if need be.

        If the block raises it is closed: what it had not committed is gone.
        """
        name = projection.name
        if name not in self._open:
            with contextlib.ExitStack() as opening:
                writing = opening.enter_context(projection.writing())
                self._open[name] = opening.pop_all(), writing
        try:
            yield self._open[name][1]
        except BaseException:
            self.let_go(name)
            raise
        self._used[name] = self._seconds()

    def let_go(self, name: str) -> None:
        """Close the projection's writing, if it is open."""
        opened = self._open.pop(name, None)
        if opened is not None:
            opened[0].close()

    def close_rested(self) -> None:
        """Close what nobody has used for a while."""
        now = self._seconds()
        for name in [name for name in self._open if now - self._used.get(name, now) >= self._rested_seconds]:
            self.let_go(name)

    def close(self) -> None:
        """Close all of them."""
        with contextlib.ExitStack() as closing:  # one that cannot be closed keeps no other open
            for name in list(self._open):
                closing.callback(self.let_go, name)
