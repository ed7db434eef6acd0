"""Several server processes at one address: started, watched over, and started again when one ends.

They share a listening socket, and through Redis limits, caches and live events. What a server does beside answering is
done by this process alone, which answers nothing itself.
"""

import contextlib
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from socket import socket
from typing import Final

from prometheus_client.multiprocess import mark_process_dead

from clew.api.server import Listening, address_of, running
from clew.api.services import Service
from clew.kernel.cache.opening import mark_of
from clew.kernel.database import Database
from clew.kernel.errors import ConfigurationError
from clew.kernel.held_directory import held_directory
from clew.kernel.logs import logger
from clew.kernel.settings import Settings
from clew.kernel.single_server import SingleServer

FIGURES: Final = "PROMETHEUS_MULTIPROC_DIR"
# -P: nothing is imported from the directory that the server happened to be started in.
_COMMAND: Final = (sys.executable, "-P", "-m", "clew.api.server_process")
_LOOK_SECONDS: Final = 0.2
_START_SECONDS: Final = 60.0
_END_SECONDS: Final = 45.0
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0


def serve_with_several(
    database: Database,
    listener: socket,
    listening: Listening,
    services: Sequence[Service],
    *,
    processes: int,
    stop: threading.Event,
    ready: Callable[[str], None],
) -> None:
    """As `clew.api.server.serve`, with so many processes. Raises ConfigurationError, ConflictError as that does."""
    require_shared(database.settings, processes)
    with contextlib.ExitStack() as opened:
        with SingleServer(database, shared=True, mark=mark_of(database.settings)):
            pass  # what is wrong with Redis is said once, before anything is started
        opened.enter_context(SingleServer(database, shared=True))
        figures = str(opened.enter_context(held_directory(database.settings.data_dir / "figures")))
        opened.enter_context(running(services))
        watched = [
            opened.enter_context(_kept_running(database.settings, listener, listening, figures))
            for _ in range(processes)
        ]
        for each in watched:
            each.require_ready()
        ready(address_of(listener, encrypted=listening.certificate is not None))
        while not stop.wait(_LOOK_SECONDS):
            for each in watched:
                each.look_after()
        for each in watched:
            each.tell_to_end()


def require_shared(settings: Settings, processes: int) -> None:
    """Raises ConfigurationError for several processes that have nothing to share limits by."""
    if processes > 1 and settings.redis_url is None:
        raise ConfigurationError(
            "several server processes are refused without Redis: each would count limits and keep live state for "
            "itself, so that callers got several times what they may",
            where=f"--workers {processes}",
            remedy="serve with one process, or name a Redis in CLEW_REDIS_URL",
        )


@contextlib.contextmanager
def _kept_running(settings: Settings, listener: socket, listening: Listening, figures: str) -> Iterator["_Watched"]:
    watched = _Watched(pickle.dumps((settings, listening, listener.fileno())), listener.fileno(), figures)
    try:
        yield watched
    finally:
        watched.end()


class _Watched:
    """One process, and the next one when it ended."""

    def __init__(self, told: bytes, listener: int, figures: str) -> None:
        self._told = told
        self._listener = listener
        self._environment = os.environ | {FIGURES: figures}
        self._pause = _FIRST_PAUSE_SECONDS
        self._again_at: float | None = None
        self._process = self._started()

    def require_ready(self) -> None:
        """Wait until it answers. Raises ConfigurationError if it does not come to that; why is in the log."""
        heard = threading.Event()
        stdout = self._process.stdout

        def hear() -> None:
            if stdout is not None and stdout.readline():
                heard.set()

        thread = threading.Thread(target=hear, daemon=True)
        thread.start()
        thread.join(_START_SECONDS)
        if not heard.is_set():
            raise ConfigurationError("a server process did not start", where="--workers", remedy="see the log above")

    def look_after(self) -> None:
        """Start another one, after a pause, if it ended."""
        now = time.monotonic()
        if self._again_at is not None:
            if now >= self._again_at:
                self._process, self._again_at = self._started(), None
            return
        if self._process.poll() is None:
            return
        logger(__name__).error("a server process ended and is started again", code=self._process.returncode)
        lived_well = now - self._began > _LONGEST_PAUSE_SECONDS
        self._pause = _FIRST_PAUSE_SECONDS if lived_well else min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
        self._bury()
        self._again_at = now + self._pause

    def tell_to_end(self) -> None:
        """Have it finish what it is answering; `end` waits for that."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def end(self) -> None:
        """See to it that it is gone."""
        self.tell_to_end()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._bury()

    def _started(self) -> "subprocess.Popen[bytes]":
        self._began = time.monotonic()
        process = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[self._listener],
            env=self._environment,
            start_new_session=True,  # Ctrl-C is the first process's to answer
        )
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(self._told)
                process.stdin.flush()
        return process

    def _bury(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        mark_process_dead(self._process.pid, self._environment[FIGURES])
