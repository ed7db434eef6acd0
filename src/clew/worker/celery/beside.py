"""A worker works only with the Redis that the installation's servers have: elsewhere nobody tells it of their jobs.

It says in the database which one it has, as servers do, and is refused where others have another one.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from typing import Final

import structlog

from clew.kernel.cache.opening import mark_of
from clew.kernel.database import Database
from clew.kernel.errors import ClewError, ConflictError
from clew.kernel.single_server import SingleServer

_LOOK_SECONDS: Final = 5.0  # less than a server waits for a mark that got lost

log: Final = structlog.get_logger(__name__)


@contextlib.contextmanager
def beside_servers(database: Database, *, look_seconds: float = _LOOK_SECONDS) -> Iterator[None]:
    """For the length of the block this process has the Redis that all have. For the main thread.

    Raises ConflictError if servers or workers of this installation name another Redis, ConfigurationError if this one
    cannot be used, CacheUnavailableError. Where that shows later, as after a restart of the database, the process is
    told to end (SIGTERM), and ConflictError raised after the block.
    """
    mark = mark_of(database.settings)
    if mark is None:
        yield
        return
    stopping = threading.Event()
    refused: list[ConflictError] = []
    with SingleServer(database, mark=mark, serving=False) as told:

        def look() -> None:
            while not stopping.wait(look_seconds):
                try:
                    told.confirm()
                    mark.keep()
                except ConflictError as error:
                    refused.append(error)
                    os.kill(os.getpid(), signal.SIGTERM)
                    return
                except ClewError as error:
                    log.warning("which Redis this is cannot be said just now", error=str(error))

        thread = threading.Thread(target=look, name="redis mark", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()
    if refused:
        raise refused[0]
