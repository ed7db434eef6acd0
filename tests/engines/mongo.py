"""A server of MongoDB's protocol for tests, and the real MongoDB that somebody names.

MongoDB itself is in none of the registries. mongo-java-server keeps what it is given in a file, as MongoDB does, but
has no transactions, logins or TLS, and looks nothing up by an index. CLEW_TEST_MONGODB_URL names a real one, which then
joins the tests; each test uses a database of its own there.
"""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import pymongo
import pytest
from pymongo.errors import PyMongoError

from clew.projections.documents.mongo.address import MongoAddress
from tests.engines.artefacts import Recipe, class_path
from tests.support.leftovers import ENDINGS
from tests.support.ports import free_port

URL_VARIABLE: Final = "CLEW_TEST_MONGODB_URL"
_VERSION: Final = "1.47.0"
_START_SECONDS: Final = 60.0
MONGO: Final = Recipe(
    name="mongo",
    version=_VERSION,
    package="de.bwaldvogel",
    artefacts=(
        ("de.bwaldvogel", "mongo-java-server", _VERSION),
        ("de.bwaldvogel", "mongo-java-server-h2-backend", _VERSION),
        ("org.slf4j", "slf4j-simple", "2.0.17"),
    ),
    plugins=(),
    options=("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",),
    source="MongoNode.java",
    main="MongoNode",
)
ON_MONGO: Final = [
    pytest.param(name, marks=[pytest.mark.engines, pytest.mark.xdist_group("mongo")])
    for name in ("mongo-protocol", *(["mongodb"] if os.environ.get(URL_VARIABLE) else []))
]
"""Parameters for tests that run on each server of the kind."""


class MongoNode:
    """A server of one's own, not started yet. Its data outlives `stop` and `kill`."""

    def __init__(self, directory: Path, heap: str = "256m") -> None:
        self.directory = directory
        self.port = free_port()
        self._heap = heap
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"mongodb://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers. Raises RuntimeError with the end of its log."""
        self.directory.mkdir(parents=True, exist_ok=True)
        log = self.directory / "output.log"
        options = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Xmx{self._heap}", *MONGO.options]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                ["java", *options, "-cp", class_path(MONGO), MONGO.main, str(self.port), str(self.directory)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def kill(self) -> None:
        """Kill -9, and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

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

    def _answers(self) -> bool:
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(self.url, serverSelectionTimeoutMS=500)
        try:
            client.admin.command("ping")
        except PyMongoError:
            return False
        finally:
            client.close()
        return True


@cache
def running_mongo() -> MongoNode:
    """The server of this run: started by the first who asks, stopped when the tests are over."""
    directory = Path(tempfile.mkdtemp(prefix="clew-mongo-"))
    ENDINGS.callback(shutil.rmtree, directory, ignore_errors=True)
    node = MongoNode(directory)
    ENDINGS.callback(node.kill)
    node.start()
    return node


def mongo_address(kind: str, timeout_seconds: float = 10.0) -> MongoAddress:
    """A database of one's own on a server of that kind."""
    database = f"clew_{secrets.token_hex(6)}"
    url = running_mongo().url if kind == "mongo-protocol" else os.environ[URL_VARIABLE]
    parts = urlsplit(url)
    place = urlunsplit(parts._replace(path=f"/{database}"))
    return MongoAddress(place, database, database, "tls=true" in url, kind == "mongo-protocol", None, timeout_seconds)


def through(address: MongoAddress, port: int) -> MongoAddress:
    """The same database by another port of this machine."""
    return replace(address, url=f"mongodb://127.0.0.1:{port}/{address.database}")
