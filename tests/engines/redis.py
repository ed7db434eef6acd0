"""A real Redis for tests: Debian's redis-server, on loopback, with a port and a password of its own.

One server serves a run (a process of pytest); what a test does to a server that others must not notice (kill it, stop
it, have it speak TLS) it does to one of its own.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from tests.support.leftovers import ENDINGS
from tests.support.ports import free_port

PROGRAM = "redis-server"
PATIENCE_SECONDS = 30.0


@dataclass
class RedisServer:
    """A server in a directory of its own, which it comes back to when it is started again."""

    directory: Path
    port: int
    password: str = field(repr=False)
    options: Sequence[str] = ()
    scheme: str = "redis"
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return self.url_of("default", self.password)

    def url_of(self, user: str, password: str, database: int = 0) -> str:
        return f"{self.scheme}://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def emptied(self, database: int) -> str:
        """The URL of one of its databases, in which nobody has left anything: tests of a run share a server."""
        self.client(database).flushdb()
        return self.url_of("default", self.password, database)

    def client(self, database: int = 0, **options: Any) -> Any:
        """The library's own client, as it comes."""
        return redis.Redis.from_url(self.url_of("default", self.password, database), **options)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = self.directory / "redis.log"
        settings = self.directory / "redis.conf"
        settings.write_text(
            f"bind 127.0.0.1\nrequirepass {self.password}\ndir {self.directory}\nlogfile {log}\n"
            "save ''\nappendonly yes\nappendfsync everysec\ndaemonize no\n"
            + ("" if self.scheme == "rediss" else f"port {self.port}\n")
            + "".join(f"{line.replace('{port}', str(self.port))}\n" for line in self.options)
        )
        settings.chmod(0o600)
        self.process = subprocess.Popen([_program(), str(settings)], stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._listens():
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """SIGSTOP: connections stay, and nothing is answered."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def _listens(self) -> bool:
        if self.scheme == "rediss":
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0
        try:
            with contextlib.closing(self.client(socket_timeout=1.0)) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def _program() -> str:
    found = shutil.which(PROGRAM)
    assert found, f"{PROGRAM} is not installed: apt-get install --no-install-recommends redis-server"
    return found


@contextlib.contextmanager
def redis_server(*options: str, scheme: str = "redis", port: int | None = None) -> Iterator[RedisServer]:
    """A server of one's own, killed after the block."""
    with tempfile.TemporaryDirectory(prefix="redis-", dir=os.environ.get("TMPDIR")) as directory:
        made = RedisServer(Path(directory), port or free_port(), secrets.token_hex(16), options, scheme)
        made.start()
        try:
            yield made
        finally:
            made.kill()


class _Shared:
    def __init__(self) -> None:
        self._server: RedisServer | None = None

    @property
    def server(self) -> RedisServer:
        if self._server is None:
            self._server = ENDINGS.enter_context(redis_server())
        return self._server


_SHARED = _Shared()


def shared_redis() -> RedisServer:
    """The server of this run."""
    return _SHARED.server
