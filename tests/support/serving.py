"""`clew serve` as a process of its own: of a program, or on a test's database."""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from socket import create_connection, socket
from typing import Self
from urllib.parse import urlsplit

import httpx2
import psutil

from clew.kernel.database import Database
from tests.support.embedded import SOURCES, command_line, environment_with
from tests.support.program import Program

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Server:
    """A server that answers. Leaving its block kills it, if it still runs, and sees what it started end."""

    process: subprocess.Popen[str]
    address: str

    @classmethod
    def of(cls, process: subprocess.Popen[str], log: Path | None = None) -> Self:
        """The server that this process becomes; it must have been told --json. `log` is where its errors go."""
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            process.wait(PATIENCE_SECONDS)
            process.stdout.close()
        assert line, f"the server did not start: {log.read_text() if log else process.returncode}"
        return cls(process, json.loads(line)["address"])

    @property
    def host(self) -> str:
        return urlsplit(self.address).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return httpx2.get(f"{self.address}{path}", headers=headers, timeout=PATIENCE_SECONDS, trust_env=False)

    def socket(self) -> socket:
        return create_connection((self.host, self.port), timeout=PATIENCE_SECONDS)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        """kill -9."""
        self.end(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        beside = []
        if self.process.poll() is None:
            beside = psutil.Process(self.process.pid).children(recursive=True)
            self.kill()
        psutil.wait_procs([each for each in beside if "companion_process" in " ".join(command_line(each))], 30)
        if self.process.stdout is not None:
            self.process.stdout.close()


def started(program: Program, *arguments: str, **variables: str) -> Server:
    """A server of that program, on a port that is free unless `--port` is among the arguments."""
    changed = replace(program, environment=program.environment | variables)
    log = program.base / "serve.log"
    with log.open("a") as errors:
        process = changed.start("serve", "--port", "0", "--json", *arguments, stderr=errors.fileno())
    return Server.of(process, log)


@contextlib.contextmanager
def served(program: Program, *arguments: str, **variables: str) -> Iterator[Server]:
    """The same for the length of a block."""
    with started(program, *arguments, **variables) as server:
        yield server


@contextlib.contextmanager
def served_from(database: Database, *arguments: str, command: str = "serve", **variables: str) -> Iterator[Server]:
    """A server that works on that database, without search; whoever does not kill it sees it end cleanly."""
    settings = database.settings
    environment = environment_with(SOURCES) | {
        "CLEW_DATA_DIR": str(settings.data_dir),
        "CLEW_EMBEDDED_FALLBACK_DIR": str(settings.embedded_fallback_dir),
        "CLEW_EMBEDDED_SHARED_BUFFERS_MB": "16",
        "CLEW_SEARCH": "none",
        "CLEW_LOG_LEVEL": "warning",
        "CLEW_JOB_LOST_SECONDS": "10",
        "CLEW_JOB_WORKERS": "1",
        "CLEW_JOB_WARM_PROCESS": "false",
        **variables,
    }
    if settings.database_url:
        environment["CLEW_DATABASE_URL"] = settings.database_url.get_secret_value()
    start = "from clew.cli.main import main; main()"
    called = [sys.executable, "-P", "-c", start, *command.split(), "--port", "0", "--json", *arguments]
    with Server.of(subprocess.Popen(called, env=environment, stdout=subprocess.PIPE, text=True)) as server:
        yield server
        if server.process.poll() is None:
            assert server.end() == 0
