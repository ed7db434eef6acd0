"""The worker's side of a job's process: starts it, gives it jobs, hears how far it is, stops it.

A process and not a thread: a load is mostly Python and keeps a core busy, which requests of the same process would wait
for. It stays for the next job for a while, since loading its libraries takes longer than many a job.
"""

import contextlib
import pickle
import queue
import subprocess
import sys
import threading
from typing import Any, Final

import orjson

from clew.kernel.settings import Settings

# -P: nothing is imported from the directory that the server happened to be started in.
_COMMAND: Final = (sys.executable, "-P", "-m", "clew.worker.job_process")


class ChildProcess:
    """One process that does one job at a time. Not for use by several threads at once."""

    def __init__(self, settings: Settings, registry: str) -> None:
        """Start it. Raises OSError if that cannot be done."""
        # A session of its own: Ctrl-C is the server's to answer.
        self._process = subprocess.Popen(
            _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        self._heard: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._ear = threading.Thread(target=self._hear, daemon=True, name=f"job process {self._process.pid}")
        self._ear.start()
        self._write(pickle.dumps((settings, registry)))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ask(self, message: dict[str, Any]) -> None:
        """Give it a job, or tell it to stop the one it has. One that is gone shows in what is heard."""
        self._write(orjson.dumps(message, default=str) + b"\n")

    def hear(self, seconds: float) -> dict[str, Any] | None:
        """What it says next; empty if it says nothing for so long, None if it is gone."""
        try:
            return self._heard.get(timeout=seconds)
        except queue.Empty:
            return {}

    def end(self) -> int:
        """See to it that it is gone; its exit code, negative if a signal ended it."""
        self._process.kill()
        code = self._process.wait()
        self._ear.join()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        return code

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def exit_code(self) -> int:
        """Its exit code, once `hear` said that it is gone."""
        return self._process.wait()

    def _write(self, data: bytes) -> None:
        if self._process.stdin is None:
            raise TypeError("a job's process has standard input")
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(data)
            self._process.stdin.flush()

    def _hear(self) -> None:
        if self._process.stdout is None:
            raise TypeError("a job's process has standard output")
        for line in self._process.stdout:
            self._heard.put(orjson.loads(line))
        self._heard.put(None)
