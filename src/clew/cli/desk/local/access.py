"""Roles and API keys in the record of this machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from clew.cli.options import Invocation
from clew.cli.session import audited_record, opened_record
from clew.domains.identity import api_keys, roles, users
from clew.domains.identity.api_keys import ApiKey, KeyLimits, NewKey
from clew.domains.identity.roles import Role

_EVERYBODY = 100_000


@dataclass(frozen=True, slots=True)
class LocalRoles:
    """See `ports.Roles`."""

    call: Invocation

    def all(self) -> Sequence[Role]:
        """Built-in ones and the organization's."""
        with opened_record(self.call) as record, record.transaction() as connection:
            return roles.list_roles(connection)

    def new(self, name: str, *, description: str | None, permissions: Sequence[str]) -> Role:
        """A custom one."""
        with audited_record(self.call) as record, record.transaction() as connection:
            return roles.create_role(
                connection, record.organization_id, name, description=description, permissions=permissions
            )

    def grant(self, name: str, *, add: Sequence[str], remove: Sequence[str]) -> Role:
        """It allows more, or less."""
        with audited_record(self.call) as record, record.transaction() as connection:
            return roles.grant_permissions(connection, record.organization_id, name, add=add, remove=remove)


@dataclass(frozen=True, slots=True)
class LocalKeys:
    """See `ports.Keys`."""

    call: Invocation

    def create(
        self,
        user: str | None,
        *,
        name: str | None,
        scopes: Sequence[str] | None,
        limits: KeyLimits,
        expires_at: datetime | None,
    ) -> NewKey:
        """A new one, of that user or else of the organization's operator."""
        with audited_record(self.call) as record, record.transaction() as connection:
            where = record.organization_id
            owner = record.user_id if user is None else users.find_user(connection, where, user).id
            return api_keys.create_key(
                connection,
                where,
                owner,
                name=name,
                scopes=scopes or api_keys.DEFAULT_SCOPES,
                limits=limits,
                expires_at=expires_at,
            )

    def all(self, user: str | None) -> Sequence[tuple[ApiKey, str | None]]:
        """Every key (of that user) with its owner's user name, newest first."""
        with opened_record(self.call) as record, record.transaction() as connection:
            where = record.organization_id
            owner = None if user is None else users.find_user(connection, where, user).id
            found = api_keys.list_keys(connection, where, owner)
            names = {one.id: one.username for one in users.list_users(connection, where, limit=_EVERYBODY)}
        return [(key, names.get(key.user_id)) for key in found]

    def revoke(self, identifier: UUID) -> ApiKey:
        """It is taken no more."""
        with audited_record(self.call) as record, record.transaction() as connection:
            api_keys.revoke_key(connection, record.organization_id, identifier)
            return api_keys.find_key(connection, record.organization_id, identifier)
