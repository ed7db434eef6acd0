"""A real Neo4j for tests: the community server's jars from Maven's repository, on loopback, with a login of its own.

One server serves a run (a process of pytest). Its data outlives `kill`, and `wipe` takes it away.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any, Final

import neo4j

from tests.engines.artefacts import jars
from tests.support.leftovers import ENDINGS
from tests.support.ports import free_port

VERSION: Final = "5.26.30"
USER: Final = "neo4j"
_ARTEFACTS: Final = (("org.neo4j", "neo4j", VERSION),)
_START_SECONDS: Final = 400.0
_STOP_SECONDS: Final = 60.0
_OPENED: Final = (
    "java.base/java.nio",
    "java.base/java.io",
    "java.base/sun.nio.ch",
    "java.base/java.lang",
    "java.base/java.util.concurrent",
)
_SETTINGS: Final = """
server.default_listen_address=127.0.0.1
server.bolt.enabled=true
server.bolt.listen_address=127.0.0.1:{port}
server.bolt.advertised_address=127.0.0.1:{port}
server.bolt.tls_level={tls}
server.http.enabled=false
server.https.enabled=false
dbms.security.auth_enabled=true
dbms.security.auth_minimum_password_length=1
dbms.security.auth_max_failed_attempts=0
server.memory.pagecache.size=128m
dbms.usage_report.enabled=false
internal.dbms.bolt.netty_server_shutdown_quiet_period=0
internal.dbms.bolt.netty_server_shutdown_timeout=2s
db.tx_log.rotation.retention_policy=1 files
"""


class Neo4jServer:
    """A server in a directory of its own, not started yet. certificate and key: TLS is then asked of everybody.

    quick: without compiling well, which a server of minutes does not earn back.
    """

    def __init__(
        self,
        directory: Path,
        *,
        certificate: Path | None = None,
        key: Path | None = None,
        heap: str = "512m",
        quick: bool = True,
    ) -> None:
        self._java = ["java", f"-Xms{heap}", f"-Xmx{heap}", "-XX:+UseSerialGC"]
        self._java += ["-XX:TieredStopAtLevel=1"] if quick else []
        self.directory = directory
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self._certificate, self._key = certificate, key
        self.read_only = False  # from the next start on
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers, with the login."""
        return self.url_of("")

    def url_of(self, prefix: str, *, port: int | None = None, password: str | None = None) -> str:
        """The same for a prefix, by another port or with another password."""
        scheme = "bolt" if self._certificate is None else "bolt+s"
        return f"{scheme}://{USER}:{password or self.password}@127.0.0.1:{port or self.port}/{prefix}"

    def driver(self) -> neo4j.Driver:
        """The library's own client, as it comes."""
        return neo4j.GraphDatabase.driver(f"bolt://127.0.0.1:{self.port}", auth=(USER, self.password))

    def start(self) -> None:
        """Start it, and wait until it answers. Raises RuntimeError with the end of its log."""
        libraries = jars("neo4j", VERSION, _ARTEFACTS)
        for name in ("conf", "data", "logs", "run", "import", "plugins", "licenses", "lib"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        self._configure()
        opened = [f"--add-opens={module}=ALL-UNNAMED" for module in _OPENED]
        if not (self.directory / "data" / "databases" / "system").exists():
            self._set_password(libraries, opened)
        log = self.directory / "output.log"
        command = [*self._java, "-Dfile.encoding=UTF-8", "--add-modules=jdk.incubator.vector", *opened]
        command += ["-cp", f"{self.directory / 'conf'}:{libraries}/*", "org.neo4j.server.CommunityEntryPoint"]
        command += [f"--home-dir={self.directory}", f"--config-dir={self.directory / 'conf'}", "--console-mode"]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=self.directory
            )
        until = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise RuntimeError(f"Neo4j did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.2)

    def kill(self) -> None:
        """Kill -9, and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Let it end by itself: a store that has to be recovered is not to be had read-only."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
            self.kill()

    def freeze(self) -> None:
        """SIGSTOP: connections stay, and nothing is answered."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def wipe(self) -> None:
        """Kill -9, and take all away that it kept."""
        self.kill()
        shutil.rmtree(self.directory)

    def _configure(self) -> None:
        settings = _SETTINGS.format(port=self.port, tls="DISABLED" if self._certificate is None else "REQUIRED")
        settings += f"server.databases.default_to_read_only={str(self.read_only).lower()}\n"
        if self._certificate is not None and self._key is not None:
            place = self.directory / "certificates" / "bolt"
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(self._certificate, place / "public.crt")
            shutil.copy(self._key, place / "private.key")
            settings += f"dbms.ssl.policy.bolt.enabled=true\ndbms.ssl.policy.bolt.base_directory={place}\n"
            settings += "dbms.ssl.policy.bolt.client_auth=NONE\n"
        (self.directory / "conf" / "neo4j.conf").write_text(settings)

    def _set_password(self, libraries: Path, opened: list[str]) -> None:
        tool = ["java", "-Xmx128m", "-XX:TieredStopAtLevel=1", *opened, "-cp", f"{libraries}/*"]
        done = subprocess.run(
            [*tool, "org.neo4j.cli.AdminTool", "dbms", "set-initial-password", self.password],
            env={**os.environ, "NEO4J_HOME": str(self.directory), "NEO4J_CONF": str(self.directory / "conf")},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"Neo4j took no password:\n{(done.stdout + done.stderr)[-3000:]}")

    def _answers(self) -> bool:
        options: dict[str, Any] = (
            {} if self._certificate is None else {"encrypted": True, "trusted_certificates": neo4j.TrustAll()}
        )
        with (
            contextlib.suppress(neo4j.exceptions.DriverError, neo4j.exceptions.Neo4jError, OSError),
            neo4j.GraphDatabase.driver(
                f"bolt://127.0.0.1:{self.port}", auth=(USER, self.password), connection_timeout=2.0, **options
            ) as driver,
        ):
            driver.verify_connectivity()
            return True
        return False


@cache
def running_neo4j() -> Neo4jServer:
    """The server of this run, started by the first who asks and stopped when the tests are over."""
    # What a run's server keeps need not survive it: memory spares waiting for the disk.
    memory = Path("/dev/shm")
    directory = Path(tempfile.mkdtemp(prefix="clew-neo4j-", dir=memory if os.access(memory, os.W_OK) else None))
    ENDINGS.callback(shutil.rmtree, directory, ignore_errors=True)
    server = Neo4jServer(directory)
    ENDINGS.callback(server.kill)
    server.start()
    return server
