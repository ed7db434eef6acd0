"""Raw requests to a server: whole ones, broken ones, and lying ones."""

import contextlib
import http.client
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from socket import socket
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from clew.domains.identity.api_keys import KeyLimits, create_key
from clew.kernel.database import Database
from tests.support.identity import new_user
from tests.support.record import Tenant
from tests.support.serving import PATIENCE_SECONDS, Server

PARTIAL = "application/partial-upload"
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


@dataclass(frozen=True)
class Client:
    """One caller of a server."""

    server: Server
    key: str

    def ask(self, method: str, path: str, body: bytes | Iterable[bytes] | None = None, **headers: str | int) -> Answer:
        """One request on a connection of its own; names of fields are written with underscores."""
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=PATIENCE_SECONDS)
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
