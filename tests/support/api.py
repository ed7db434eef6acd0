"""The API on a real record, with callers of every role by every way of showing who they are."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from fastapi import FastAPI
from starlette.testclient import TestClient

from clew.api.application import create_application
from clew.api.cross_site import HEADER
from clew.api.serving import Serving, opened_serving
from clew.domains.identity.api_keys import KeyLimits, create_key
from clew.domains.identity.sessions import begin_session
from clew.domains.identity.sign_in import SignedIn
from clew.domains.identity.users import User
from clew.kernel.database import Database
from tests.support.identity import HASHER, new_user
from tests.support.record import Tenant, new_organization

Way = Literal["key", "token", "session", "none"]
UNLIMITED = KeyLimits(0, 0, 0, 0)
ALL_SCOPES = ("read", "write", "admin")


@dataclass(frozen=True)
class Person:
    """A user, and the headers by which they call."""

    user: User
    tenant: Tenant
    headers: dict[Way, dict[str, str]] = field(repr=False)


@dataclass(frozen=True)
class Api:
    """The application on one database. Every test makes organizations and people of its own."""

    application: FastAPI
    serving: Serving
    client: TestClient

    @property
    def database(self) -> Database:
        return self.serving.database

    def organization(self) -> Tenant:
        return new_organization(self.database)

    def person(self, tenant: Tenant, role: str = "analyst") -> Person:
        """A new user of that role, with a session, an access token and an API key of all scopes and no limits."""
        user = new_user(self.database, tenant, role=role)
        return Person(
            user, tenant, {way: self.headers(tenant, user, way) for way in ("key", "token", "session", "none")}
        )

    def headers(self, tenant: Tenant, user: User, way: Way) -> dict[str, str]:
        """What a request shows of that user, who signed in or made a key just now for it."""
        if way == "none":
            return {}
        if way == "key":
            with self.database.transaction(tenant.context) as connection:
                made = create_key(connection, tenant.id, user.id, scopes=ALL_SCOPES, limits=UNLIMITED)
            return {"X-API-Key": made.key}
        with self.database.transaction(tenant.context) as connection:
            session = begin_session(connection, tenant.id, user.id, limits=self.serving.door.session_limits)
        if way == "token":
            pair = self.serving.desk.hand_out(SignedIn(tenant.id, user.id, session))
            return {"Authorization": f"Bearer {pair.access_token}"}
        cookies = self.serving.cookies
        return {"Cookie": f"{cookies.name}={session.token}", HEADER: cookies.proof(session.token)}


@contextlib.contextmanager
def opened_api(database: Database) -> Iterator[Api]:
    """The application, served within this process; passwords are hashed as cheaply as can be."""
    with opened_serving(database, hasher=HASHER) as serving:
        application = create_application(serving)
        with TestClient(application, base_url="http://testserver", client=("127.0.0.1", 50_000)) as client:
            client.cookies.jar.clear()
            yield Api(application, serving, client)


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """The problem that a response must be, checked for what every problem has."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = json.loads(response.content)
    assert found["code"] == code
    assert found["status"] == status
    assert found["type"] == f"urn:clew:problem:{code}"
    assert found["request_id"] == response.headers["x-request-id"]
    return found
