"""Small work that an answer does not wait for, such as a mail: how long that takes must not tell what was done."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from clew.kernel.errors import ClewError, LimitError
from clew.kernel.logs import logger

_THREADS: Final = 2
_MOST_WAITING: Final = 500


class Background:
    """Works off what it is given, in the order it came."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, "clew-background")
        self._room = threading.BoundedSemaphore(_MOST_WAITING)

    def submit(self, work: Callable[..., object], *arguments: Any) -> None:
        """Hand work over. Raises LimitError if too much waits already."""
        if not self._room.acquire(blocking=False):
            raise LimitError("the server is busy", retry_after=30, remedy="try again in a moment")
        self._pool.submit(self._do, work, *arguments).add_done_callback(_tell)

    def close(self) -> None:
        """Finish what was handed over."""
        self._pool.shutdown(wait=True)

    def _do(self, work: Callable[..., object], *arguments: Any) -> None:
        try:
            work(*arguments)
        finally:
            self._room.release()


def _tell(done: Future[None]) -> None:
    """Say what failed: nobody waits for it who could."""
    error = done.exception()
    if isinstance(error, ClewError):
        logger(__name__).error("work behind a request failed", code=error.code, error=str(error))
    elif error is not None:
        logger(__name__).error("work behind a request failed unexpectedly", exc_info=error)
