"""Roles and API keys on a server."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from clew.cli.desk.remote.connection import connected, shaped
from clew.cli.desk.remote.users import role_id, user_id
from clew.cli.options import Invocation
from clew.client import models
from clew.domains.identity.api_keys import DEFAULT_SCOPES, ApiKey, KeyLimits, NewKey
from clew.domains.identity.roles import Role

_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class RemoteRoles:
    """See `ports.Roles`."""

    call: Invocation

    def all(self) -> Sequence[Role]:
        """Built-in ones and the organization's."""
        with connected(self.call) as client:
            return [shaped(each, Role) for each in client.list_roles().items]

    def new(self, name: str, *, description: str | None, permissions: Sequence[str]) -> Role:
        """A custom one."""
        wanted = models.NewRole(name=name, description=description, permissions=list(permissions))
        with connected(self.call) as client:
            return shaped(client.create_role(wanted), Role)

    def grant(self, name: str, *, add: Sequence[str], remove: Sequence[str]) -> Role:
        """It allows more, or less."""
        change = models.RoleChange(add=list(add), remove=list(remove))
        with connected(self.call) as client:
            return shaped(client.grant_permissions(role_id(client, name), change), Role)


@dataclass(frozen=True, slots=True)
class RemoteKeys:
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
        """A new one, of that user or else of the key's owner."""
        bounds = models.KeyBounds(
            per_minute=limits.per_minute,
            per_hour=limits.per_hour,
            per_day=limits.per_day,
            analyses_per_month=limits.analyses_per_month,
        )
        with connected(self.call) as client:
            wanted = models.NewKeyRequest(
                name=name,
                scopes=list(scopes or DEFAULT_SCOPES),
                user_id=None if user is None else user_id(client, user),
                # Limits of its own take a permission that the usual ones do not.
                limits=None if limits == KeyLimits() else bounds,
                expires_at=expires_at,
            )
            made = client.create_api_key(wanted)
        return NewKey(made.id, made.key)

    def all(self, user: str | None) -> Sequence[tuple[ApiKey, str | None]]:
        """Every key (of that user) with its owner's user name, newest first."""
        with connected(self.call) as client:
            names = {each.id: each.username for each in client.iterate_users(limit=_AT_ONCE)}
            owner = None if user is None else user_id(client, user)
            found = client.iterate_api_keys(user_id=owner, everybody=owner is None, limit=_AT_ONCE)
            return [(shaped(each, ApiKey), names.get(each.user_id)) for each in found]

    def revoke(self, identifier: UUID) -> ApiKey:
        """It is taken no more."""
        with connected(self.call) as client:
            client.revoke_api_key(identifier)
            return shaped(client.get_api_key(identifier), ApiKey)
