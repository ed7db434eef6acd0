"""Signing in with a name, a password and, where there is one, a second factor.

Whoever does not get in learns nothing: unknown names, wrong passwords, deactivated users and wrong codes get the same
answer after the same work, and are counted alike. A session that the caller brings along is ended, never taken over.
"""

from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

import sqlalchemy as sa

from clew.domains.identity import failed_sign_ins, second_factor
from clew.domains.identity.failed_sign_ins import Attempt, SignInLimits
from clew.domains.identity.opaque_tokens import digest_of
from clew.domains.identity.passwords import PasswordHasher
from clew.domains.identity.sessions import NewSession, SessionLimits, begin_session
from clew.domains.identity.sign_in_tables import sessions
from clew.domains.identity.tables import AnyRow, organizations, users
from clew.domains.identity.telling import SESSION, USER, tell, tell_failure
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database, TenantContext
from clew.kernel.errors import AuthenticationError
from clew.kernel.ids import IdMaker, new_id
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.roles import AUTHENTICATOR
from clew.kernel.sealing import Sealer
from clew.kernel.stored_text import storable
from clew.records.acts import INSTALLATION

_LONGEST_NAME: Final = 320


class SecondFactorRequiredError(AuthenticationError):
    """The password was right; a code is needed, to be sent together with the password."""

    code = "second_factor"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in, and their session."""

    organization_id: UUID
    user_id: UUID
    session: NewSession


@dataclass(frozen=True, slots=True)
class Door:
    """What signing in needs: made once per process, used by many threads."""

    database: Database
    hasher: PasswordHasher
    limits: SignInLimits
    session_limits: SessionLimits
    sealer: Sealer
    clock: Clock = system_clock
    ids: IdMaker = new_id
    drift_steps: int = second_factor.DRIFT_STEPS

    @classmethod
    def of(cls, database: Database, *, clock: Clock = system_clock, ids: IdMaker = new_id) -> Self:
        """The door that the database's settings make. Raises ConfigurationError without the installation's secret."""
        settings = database.settings
        secret = InstallationSecret.of(settings)
        return cls(
            database,
            PasswordHasher.of(settings),
            SignInLimits.of(settings, secret),
            SessionLimits.of(settings),
            second_factor.sealer_of(secret),
            clock,
            ids,
            settings.totp_drift_steps,
        )

    def sign_in(
        self,
        name: str,
        password: str,
        *,
        code: str | None = None,
        client_ip: str | None = None,
        user_agent: str | None = None,
        brought_session: str | None = None,
    ) -> SignedIn:
        """A new session for whoever has that user name or e-mail address, this password and, if need be, this code.

        `brought_session` is a session token that came with the request: it is ended if it is this user's. Raises
        AuthenticationError, SecondFactorRequiredError, LimitError with the seconds to wait.
        """
        with self.database.transaction(None, role=AUTHENTICATOR) as connection:
            found = _account(connection, name)
            account = name if found is None else str(found.id)
            attempt = failed_sign_ins.begin_attempt(
                connection, self.limits, account=account[:_LONGEST_NAME], client_ip=client_ip, clock=self.clock
            )
        right = self.hasher.verify(None if found is None else found.password_hash, password)
        if found is None or not right or not (found.is_active and found.organization_is_active):
            why = "wrong password" if not right else "the user or the organization is not active"
            raise self._told(found, attempt, why, client_ip, user_agent)
        if found.mfa_enabled and code is None:
            self._decide(attempt, succeeded=False)
            raise SecondFactorRequiredError("a code of the second factor is needed", remedy="send it along")
        session = self._enter(found, password, code, client_ip, user_agent, brought_session)
        if session is None:
            raise self._told(found, attempt, "wrong code, or changed meanwhile", client_ip, user_agent)
        self._decide(attempt, succeeded=True)
        return SignedIn(found.organization_id, found.id, session)

    def _told(
        self, found: AnyRow | None, attempt: Attempt, why: str, client_ip: str | None, user_agent: str | None
    ) -> AuthenticationError:
        """Tell the user's organization of a failure and of the wait that it brings; the error to raise.

        Names that nobody has are told in the installation's own trail, by the same statement: whoever measures answers
        learns nothing, and no organization sees what is tried elsewhere.
        """
        organization_id = INSTALLATION if found is None else found.organization_id
        # Not in the user's name: who tried is what nobody knows.
        with self.database.transaction(TenantContext(organization_id, client_ip=client_ip)) as connection:
            seconds = int(attempt.wait.total_seconds())
            tell_failure(
                connection,
                "sign_in_locked" if seconds else "sign_in_failed",
                USER,
                None if found is None else found.id,
                why="nobody has this name" if found is None else why,
                user_agent=user_agent,
                seconds_to_wait=seconds,
                **({"name_digest": attempt.account} if found is None else {}),
            )
        return _refused()

    def _enter(
        self,
        found: AnyRow,
        password: str,
        code: str | None,
        client_ip: str | None,
        user_agent: str | None,
        brought_session: str | None,
    ) -> NewSession | None:
        """The new session; None if the code is wrong, or the account not what it was a moment ago."""
        organization_id, user_id, clock = found.organization_id, found.id, self.clock
        context = TenantContext(organization_id, user_id, client_ip=client_ip, user_agent=user_agent)
        with self.database.transaction(context) as connection:
            # Between the look-up and now the password may have changed, or the user been shut out.
            if not _still_the_same(connection, found):
                return None
            if found.mfa_enabled and not second_factor.take_code(
                connection,
                organization_id,
                user_id,
                self.sealer,
                code or "",
                drift_steps=self.drift_steps,
                clock=clock,
            ):
                return None
            values: dict[str, Any] = {"last_login": clock()}
            if self.hasher.is_outdated(found.password_hash):
                values["password_hash"] = self.hasher.hash(password)
            connection.execute(sa.update(users).where(_is(found)).values(**values))
            if brought_session is not None:
                _end(connection, found, brought_session, clock)
            session = begin_session(
                connection,
                organization_id,
                user_id,
                limits=self.session_limits,
                second_factor=found.mfa_enabled,
                client_ip=client_ip,
                user_agent=user_agent,
                clock=clock,
                ids=self.ids,
            )
            tell(connection, "signed_in", "EXECUTE", SESSION, session.id, second_factor=found.mfa_enabled)
            return session

    def _decide(self, attempt: Attempt, *, succeeded: bool) -> None:
        decide = failed_sign_ins.attempt_succeeded if succeeded else failed_sign_ins.attempt_undecided
        with self.database.transaction(None, role=AUTHENTICATOR) as connection:
            decide(connection, attempt)


def _account(connection: sa.Connection, name: str) -> AnyRow | None:
    """Who is meant. User names hold no @, so no name is one user's and another user's address."""
    wanted = storable(name, _LONGEST_NAME).strip().casefold()
    return connection.execute(
        sa.select(
            users.c.organization_id,
            users.c.id,
            users.c.password_hash,
            users.c.is_active,
            users.c.mfa_enabled,
            organizations.c.is_active.label("organization_is_active"),
        )
        .join(organizations, organizations.c.id == users.c.organization_id)
        .where(users.c.email == wanted if "@" in wanted else users.c.username == wanted)
    ).one_or_none()


def _still_the_same(connection: sa.Connection, found: AnyRow) -> bool:
    query = sa.select(users.c.id).where(
        _is(found),
        users.c.password_hash == found.password_hash,
        users.c.mfa_enabled == found.mfa_enabled,
        users.c.is_active,
    )
    return connection.scalar(query.with_for_update()) is not None


def _end(connection: sa.Connection, found: AnyRow, token: str, clock: Clock) -> None:
    connection.execute(
        sa.update(sessions)
        .where(
            sessions.c.organization_id == found.organization_id,
            sessions.c.user_id == found.id,
            sessions.c.token_hash == digest_of(token),
            sessions.c.revoked_at.is_(None),
        )
        .values(revoked_at=clock(), revoked_reason="signed in anew")
    )


def _is(found: AnyRow) -> sa.ColumnElement[bool]:
    return sa.and_(users.c.organization_id == found.organization_id, users.c.id == found.id)


def _refused() -> AuthenticationError:
    return AuthenticationError("name, password or code is wrong", remedy="correct them, or ask for a reset link")
