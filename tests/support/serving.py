"""`clew serve` as a process of its own."""

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace

import httpx2
import psutil

from tests.support.embedded import PATIENCE_SECONDS
from tests.support.program import Program


@dataclass(frozen=True)
class Server:
    """A server that answers. `log` is where its standard error goes."""

    process: subprocess.Popen[str]
    address: str
    program: Program

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return httpx2.get(f"{self.address}{path}", headers=headers, timeout=PATIENCE_SECONDS, trust_env=False)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)


@contextlib.contextmanager
def served(program: Program, *arguments: str, **variables: str) -> Iterator[Server]:
    """A server on a port that is free, killed in the end if it still runs."""
    with (program.base / "serve.log").open("a") as log:
        changed = replace(program, environment=program.environment | variables)
        process = changed.start("serve", "--port", "0", "--json", *arguments, stderr=log.fileno())
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, f"the server did not start: {(program.base / 'serve.log').read_text()}"
            yield Server(process, json.loads(line)["address"], program)
        finally:
            beside = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            if process.poll() is None:
                process.kill()
                process.wait(PATIENCE_SECONDS)
            psutil.wait_procs([each for each in beside if "companion_process" in " ".join(_words(each))], 30)
            if process.stdout is not None:
                process.stdout.close()


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
