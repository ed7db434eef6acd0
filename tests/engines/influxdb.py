"""A real InfluxDB 1.x for tests: Debian's influxdb, on loopback, with a login of its own.

One server serves a run (a process of pytest); what a test does to a server that others must not notice it does to one
of its own.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from pydantic import SecretStr

from clew.kernel.settings import Settings
from tests.support.leftovers import ENDINGS
from tests.support.ports import free_port

PROGRAM = "influxd"
PATIENCE_SECONDS = 60.0
USER = "clew"
URL_VARIABLE = "CLEW_TEST_INFLUXDB_URL"
_SETTINGS = """
reporting-disabled = true
bind-address = "127.0.0.1:{backup}"
[meta]
  dir = "{place}/meta"
[data]
  dir = "{place}/data"
  wal-dir = "{place}/wal"
  index-version = "inmem"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  auth-enabled = true
  log-enabled = false
  max-body-size = 0
[continuous_queries]
  enabled = false
"""


@dataclass
class InfluxServer:
    """A server in a directory of its own, which it comes back to when it is started again."""

    directory: Path
    port: int
    backup_port: int
    password: str = field(repr=False)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return self.url_at(self.port)

    def url_at(self, port: int, password: str | None = None) -> str:
        """The URL by another port, such as a wire's, or with another password."""
        return f"http://{USER}:{password or self.password}@127.0.0.1:{port}"

    def settings(self, settings: Settings, *, port: int | None = None, timeout: int = 10) -> Settings:
        """The settings with this server in them, under a prefix of its own."""
        url = f"{self.url_at(port or self.port)}/t{secrets.token_hex(6)}"
        return settings.model_copy(update={"influxdb_url": SecretStr(url), "influxdb_timeout_seconds": timeout})

    def start(self) -> None:
        """Start it, and wait until it answers."""
        configuration = self.directory / "influxdb.conf"
        configuration.write_text(
            _SETTINGS.format(place=self.directory, port=self.port, backup=self.backup_port), encoding="utf-8"
        )
        log = (self.directory / "influxdb.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [_program(), "-config", str(configuration)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            assert self.process.poll() is None, (self.directory / "influxdb.log").read_text()
            assert time.monotonic() < deadline, (self.directory / "influxdb.log").read_text()
            time.sleep(0.02)
        self.query(f"CREATE USER \"{USER}\" WITH PASSWORD '{self.password}' WITH ALL PRIVILEGES")

    def query(self, statement: str, database: str = "") -> dict[str, object]:
        """What somebody does by hand."""
        answer = httpx2.post(
            f"http://127.0.0.1:{self.port}/query",
            data={"q": statement, "db": database},
            auth=(USER, self.password),
            timeout=30,
            trust_env=False,
        )
        found = answer.json()
        assert isinstance(found, dict)
        return found

    def write(self, database: str, policy: str, line: str) -> None:
        """A line by hand."""
        answer = httpx2.post(
            f"http://127.0.0.1:{self.port}/write",
            params={"db": database, "rp": policy, "precision": "u"},
            content=line.encode(),
            auth=(USER, self.password),
            timeout=30,
            trust_env=False,
        )
        assert answer.status_code == 204, answer.text

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def wipe(self) -> None:
        """Kill it, and take all that it kept."""
        self.kill()
        for name in ("meta", "data", "wal"):
            shutil.rmtree(self.directory / name, ignore_errors=True)

    def freeze(self) -> None:
        """SIGSTOP: connections stay, and nothing is answered."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"http://127.0.0.1:{self.port}/ping", timeout=1, trust_env=False).status_code == 204
        except httpx2.HTTPError:
            return False


def _program() -> str:
    found = shutil.which(PROGRAM)
    assert found, f"{PROGRAM} is not installed: apt-get install --no-install-recommends influxdb"
    return found


@contextlib.contextmanager
def influx_server() -> Iterator[InfluxServer]:
    """A server of one's own, killed after the block."""
    memory = Path("/dev/shm")
    place = memory if os.access(memory, os.W_OK) else None
    directory = Path(tempfile.mkdtemp(prefix="clew-influxdb-", dir=place))
    made = InfluxServer(directory, free_port(), free_port(), secrets.token_hex(12))
    try:
        made.start()
        yield made
    finally:
        made.kill()
        shutil.rmtree(directory, ignore_errors=True)


class _Shared:
    def __init__(self) -> None:
        self._server: InfluxServer | None = None

    @property
    def server(self) -> InfluxServer:
        if self._server is None:
            self._server = ENDINGS.enter_context(influx_server())
        return self._server


_SHARED = _Shared()


def shared_influx() -> InfluxServer:
    """The server of this run."""
    return _SHARED.server
