"""People, clocks and doors for tests of signing in."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from clew.domains.identity.failed_sign_ins import SignInLimits
from clew.domains.identity.passwords import UNUSABLE, PasswordHasher
from clew.domains.identity.second_factor import sealer_of
from clew.domains.identity.sessions import SessionLimits
from clew.domains.identity.sign_in import Door
from clew.domains.identity.users import User, add_user
from clew.kernel.database import Database
from clew.kernel.installation_secret import InstallationSecret
from tests.support.record import Tenant

PASSWORD = "seven lanterns in the harbour"
SECRET = InstallationSecret(b"a secret of at least thirty-two bytes", "memory")
# As cheap as Argon2 allows: what is tested is who gets in, not how long it takes.
HASHER = PasswordHasher(memory_kib=8, passes=1)


@dataclass
class StoppedClock:
    """A clock that goes on only when told to."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


def some_name() -> str:
    return f"u{secrets.token_hex(6)}"


def new_user(
    database: Database, tenant: Tenant, *, role: str = "user", password: str | None = PASSWORD, name: str | None = None
) -> User:
    """A user of that organization who can sign in with PASSWORD."""
    username = name or some_name()
    with database.transaction(tenant.context) as connection:
        return add_user(
            connection,
            tenant.id,
            email=f"{username}@lantern.example",
            username=username,
            role=role,
            password_hash=HASHER.hash(password) if password else UNUSABLE,
        )


def door(database: Database, clock: StoppedClock, hasher: PasswordHasher = HASHER) -> Door:
    """A door whose failures are counted apart from those of every other test."""
    limits = SignInLimits(secrets.token_bytes(32))
    return Door(database, hasher, limits, SessionLimits(), sealer_of(SECRET), clock)


def session_rows(database: Database, tenant: Tenant, user: UUID) -> list[tuple[UUID, str | None]]:
    """Id and reason of end of every session of a user, oldest first."""
    with database.transaction(tenant.context) as connection:
        rows = connection.execute(
            sa.text("SELECT id, revoked_reason FROM sessions WHERE user_id = :user ORDER BY created_at, id"),
            {"user": user},
        )
        return [(row.id, row.revoked_reason) for row in rows]
