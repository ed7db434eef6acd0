"""Who is calling, and whether they may."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from clew.kernel.errors import ForbiddenError
from clew.kernel.transactions import TenantContext


@dataclass(frozen=True, slots=True)
class Principal:
    """A user who signed in, or an API key and the user it belongs to, for one request.

    `permissions` is what this caller may do: of a key, what both its owner and its scopes allow. `session_id` is None
    for a key, `key_id` for a user. `must_enrol`: the session may do nothing but set a second factor up.
    """

    organization_id: UUID
    user_id: UUID
    username: str
    permissions: frozenset[str]
    session_id: UUID | None = None
    key_id: UUID | None = None
    client_ip: str | None = None
    must_enrol: bool = False

    @property
    def is_key(self) -> bool:
        """Whether a program calls with an API key."""
        return self.key_id is not None

    @property
    def context(self) -> TenantContext:
        """What a transaction for this caller is opened with."""
        return TenantContext(
            self.organization_id,
            self.user_id,
            self.session_id,
            self.client_ip,
            self.key_id,
            user_name=self.username,
        )


def authorise(principal: Principal, permission: str) -> None:
    """Do nothing if the caller may do this. Raises ForbiddenError naming the permission that is missing."""
    if permission not in principal.permissions:
        raise ForbiddenError(
            f"this needs the permission {permission}",
            where=f"API key {principal.key_id}" if principal.is_key else f"user {principal.username}",
            remedy="use a key whose scopes and owner have it" if principal.is_key else "ask an administrator for it",
        )


def authorise_granting(principal: Principal, permissions: Iterable[str]) -> None:
    """The same for passing permissions on, by a role or a key: nobody gives what they do not have.

    Raises ForbiddenError naming what is missing.
    """
    missing = sorted(set(permissions) - principal.permissions)
    if missing:
        raise ForbiddenError(
            f"nobody can give what they may not do themselves: {', '.join(missing)}",
            where=f"user {principal.username}",
            remedy="ask somebody who may",
        )
