"""The people of an organization in the record of this machine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from clew.cli.desk.ports import UserDetails, Welcomed
from clew.cli.new_password import NewPassword
from clew.cli.options import Invocation
from clew.cli.session import Record, audited_record, opened_record
from clew.domains.identity import account_links, api_keys, passwords, roles, second_factor, sessions, users
from clew.domains.identity.delivery import delivery_of
from clew.domains.identity.failed_sign_ins import SignInLimits, forget_account
from clew.domains.identity.one_time_tokens import Link
from clew.domains.identity.permissions import BUILT_IN
from clew.domains.identity.service import organization_words
from clew.domains.identity.users import User
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.roles import AUTHENTICATOR

_EVERYBODY = 100_000


@dataclass(frozen=True, slots=True)
class LocalUsers:
    """See `ports.Users`."""

    call: Invocation

    def add(
        self, username: str, *, email: str, full_name: str | None, role: str, password: NewPassword | None
    ) -> Welcomed:
        """A new one."""
        with audited_record(self.call) as record:
            about = (username, email, full_name)
            hashed = _hashed(record, password, about=about) if password else passwords.UNUSABLE
            link = None
            with record.transaction() as connection:
                made = users.add_user(
                    connection,
                    record.organization_id,
                    email=email,
                    username=username,
                    full_name=full_name,
                    role=role,
                    password_hash=hashed,
                    is_verified=password is not None,
                )
                if password is None:
                    link = _reset_link(connection, record, made)
            return Welcomed(made, _delivered(record, link))

    def all(self) -> Sequence[User]:
        """Everybody."""
        with opened_record(self.call) as record, record.transaction() as connection:
            return users.list_users(connection, record.organization_id, limit=_EVERYBODY)

    def find(self, user: str) -> UserDetails:
        """One of them."""
        with opened_record(self.call) as record, record.transaction() as connection:
            where = record.organization_id
            found = users.find_user(connection, where, user)
            limits = sessions.SessionLimits.of(record.settings)
            return UserDetails(
                found,
                list(roles.custom_roles_of(connection, where, found.id)),
                list(sessions.list_sessions(connection, where, found.id, limits=limits)),
                list(api_keys.list_keys(connection, where, found.id)),
            )

    def set_active(self, user: str, *, active: bool) -> User:
        """Let them in, or shut them out."""
        return self._change(
            user, lambda connection, where, who: users.set_active(connection, where, who, active=active)
        )

    def set_role(self, user: str, role: str, *, remove: bool) -> User:
        """Give them a role, or take a custom one away."""

        def change(connection: sa.Connection, where: UUID, who: UUID) -> User:
            if remove:
                roles.remove_role(connection, where, who, role)
            elif role in BUILT_IN:
                return users.set_built_in_role(connection, where, who, role)
            else:
                roles.add_role(connection, where, who, role)
            return users.find_user(connection, where, who)

        return self._change(user, change)

    def reset_password(self, user: str, password: NewPassword | None) -> Welcomed:
        """A new password, or without one a link to choose one."""
        with audited_record(self.call) as record:
            where, link = record.organization_id, None
            with record.transaction() as connection:
                found = users.find_user(connection, where, user)
                if password is None:
                    link = _reset_link(connection, record, found)
                else:
                    about = (found.username, found.email, found.full_name)
                    users.set_password(connection, where, found.id, _hashed(record, password, about=about))
            if password is not None:
                _forget_failures(record, found)
            return Welcomed(found, _delivered(record, link))

    def reset_second_factor(self, user: str) -> User:
        """Take it away."""

        def change(connection: sa.Connection, where: UUID, who: UUID) -> User:
            second_factor.remove_second_factor(connection, where, who)
            sessions.revoke_sessions(connection, where, who, reason="second factor removed")
            return users.find_user(connection, where, who)

        return self._change(user, change)

    def _change(self, user: str, change: Callable[[sa.Connection, UUID, UUID], User]) -> User:
        with audited_record(self.call) as record, record.transaction() as connection:
            found = users.find_user(connection, record.organization_id, user)
            return change(connection, record.organization_id, found.id)


def _hashed(record: Record, password: NewPassword, *, about: tuple[str | None, ...]) -> str:
    with record.transaction() as connection:
        words = organization_words(connection, record.organization_id)
    passwords.PasswordPolicy.of(record.settings).require(password.text, about=(*about, *words))
    return passwords.PasswordHasher.of(record.settings).hash(password.text)


def _forget_failures(record: Record, user: User) -> None:
    limits = SignInLimits.of(record.settings, InstallationSecret.of(record.settings))
    with record.database.transaction(None, role=AUTHENTICATOR) as connection:
        forget_account(connection, limits, str(user.id))


def _reset_link(connection: sa.Connection, record: Record, user: User) -> Link:
    lifetime = timedelta(minutes=record.settings.password_reset_minutes)
    return account_links.reset_link(connection, record.organization_id, user.id, lifetime=lifetime)


def _delivered(record: Record, link: Link | None) -> str | None:
    """The address of a link that could not be mailed, to be shown."""
    addresses: list[str] = []
    if link is not None:
        delivery_of(record.settings, addresses.append)(link)
    return addresses[0] if addresses else None
