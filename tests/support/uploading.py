"""`clew serve` as a process on a test's database, and raw requests to it: whole ones, broken ones, and lying ones."""

import contextlib
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from socket import create_connection, socket
from typing import Any, Self
from urllib.parse import urlencode
from uuid import UUID

from clew.domains.identity.api_keys import KeyLimits, create_key
from clew.kernel.database import Database
from tests.support.embedded import SOURCES, environment_with
from tests.support.identity import new_user
from tests.support.record import Tenant

PARTIAL = "application/partial-upload"
_PATIENCE_SECONDS = 60.0
_LOAD_SECONDS = 180.0


@dataclass(frozen=True)
class Answer:
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def offset(self) -> int:
        return int(self.headers["upload-offset"])


class Server:
    """The process. `kill` is kill -9; `stop` is SIGTERM, which has to end it cleanly."""

    def __init__(self, database: Database, **variables: str) -> None:
        settings = database.settings
        environment = environment_with(SOURCES) | {
            "CLEW_DATA_DIR": str(settings.data_dir),
            "CLEW_EMBEDDED_FALLBACK_DIR": str(settings.embedded_fallback_dir),
            "CLEW_EMBEDDED_SHARED_BUFFERS_MB": "16",
            "CLEW_SEARCH": "none",
            "CLEW_LOG_LEVEL": "warning",
            "CLEW_JOB_LOST_SECONDS": "10",
            "CLEW_JOB_WORKERS": "1",
            **variables,
        }
        if settings.database_url:
            environment["CLEW_DATABASE_URL"] = settings.database_url.get_secret_value()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from clew.cli.main import main; main()", "serve", "--port", "0"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        if not said.startswith("clew answers at http://"):
            self.kill()
            raise AssertionError(f"the server did not start: {said!r}")
        self.host, _, port = said.split("//")[1].strip().partition(":")
        self.port = int(port)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def stop(self) -> int:
        self.process.terminate()
        self.process.communicate(timeout=_PATIENCE_SECONDS)
        return self.process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()

    def socket(self) -> socket:
        return create_connection((self.host, self.port), timeout=_PATIENCE_SECONDS)


@dataclass(frozen=True)
class Client:
    """One caller of a server."""

    server: Server
    key: str

    def ask(self, method: str, path: str, body: bytes | Iterable[bytes] | None = None, **headers: str | int) -> Answer:
        """One request on a connection of its own; names of fields are written with underscores."""
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=_PATIENCE_SECONDS)
        named = {"X-API-Key": self.key} | {name.replace("_", "-"): str(value) for name, value in headers.items()}
        with contextlib.closing(connection):
            connection.request(method, f"/api/v1{path}", body, named)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())

    def begin(self, name: str = "cowrie.json", size: int | None = None, **more: Any) -> UUID:
        """A new upload."""
        document = {"file_name": name, "size_bytes": size, **more}
        answer = self.ask("POST", "/uploads", json.dumps(document).encode(), Content_Type="application/json")
        assert answer.status == 201, answer.body
        return UUID(answer.document["id"])

    def append(
        self, upload: UUID, offset: int, body: bytes | Iterable[bytes], *, complete: bool = False, **headers: str | int
    ) -> Answer:
        """A part of it."""
        fields: dict[str, str | int] = {"Upload_Offset": offset, "Upload_Complete": f"?{int(complete)}"}
        return self.ask("PATCH", f"/uploads/{upload}", body, **fields, **{"Content_Type": PARTIAL, **headers})

    def offset(self, upload: UUID) -> int:
        """Where it goes on."""
        answer = self.ask("HEAD", f"/uploads/{upload}")
        assert answer.status == 204
        return answer.offset

    def send_whole(self, content: bytes, name: str = "cowrie.json", **query: str) -> Answer:
        """A file in one request."""
        return self.ask("POST", f"/ingest?{urlencode({'file_name': name, **query})}", content)

    def job(self, job: str) -> dict[str, Any]:
        """A job as it stands."""
        answer = self.ask("GET", f"/jobs/{job}")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.document
        return found

    def await_job(self, job: str) -> dict[str, Any]:
        """The job once it is over."""
        deadline = time.monotonic() + _LOAD_SECONDS
        while (found := self.job(job))["status"] in {"pending", "running"}:
            assert time.monotonic() < deadline, f"waited in vain for {found}"
            time.sleep(0.1)
        return found

    def half_sent(self, upload: UUID, offset: int, body: bytes, announced: int) -> socket:
        """A connection on which a part was announced and not all of it sent."""
        connection = self.server.socket()
        connection.sendall(self.head(upload, offset, f"Content-Length: {announced}") + body)
        return connection

    def head(self, upload: UUID, offset: int, *lines: str) -> bytes:
        """The head of a part's request, with further lines."""
        fields = [
            f"PATCH /api/v1/uploads/{upload} HTTP/1.1",
            f"Host: {self.server.host}",
            f"X-API-Key: {self.key}",
            f"Content-Type: {PARTIAL}",
            f"Upload-Offset: {offset}",
            *lines,
        ]
        return "\r\n".join([*fields, "", ""]).encode()


def client_of(
    server: Server,
    database: Database,
    tenant: Tenant,
    role: str = "analyst",
    *,
    scopes: tuple[str, ...] = ("read", "write", "admin"),
) -> Client:
    """A program that calls with a key of a new user, without limits."""
    user = new_user(database, tenant, role=role)
    with database.transaction(tenant.context) as connection:
        limits = KeyLimits(0, 0, 0, 0)
        made = create_key(connection, tenant.id, user.id, scopes=scopes, limits=limits)
    return Client(server, made.key)


@contextlib.contextmanager
def served(database: Database, **variables: str) -> Iterator[Server]:
    """A server that stops cleanly at the end."""
    with Server(database, **variables) as server:
        yield server
        assert server.stop() == 0
