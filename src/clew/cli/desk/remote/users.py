"""The people of an organization on a server."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from clew.cli.desk.ports import UserDetails, Welcomed
from clew.cli.desk.remote.connection import connected, shaped
from clew.cli.new_password import NewPassword
from clew.cli.options import Invocation
from clew.cli.refusal import NotRemoteError
from clew.client import Client, models
from clew.domains.identity.api_keys import ApiKey
from clew.domains.identity.permissions import BUILT_IN
from clew.domains.identity.sessions import Session
from clew.domains.identity.users import User
from clew.kernel.errors import NotFoundError

_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class RemoteUsers:
    """See `ports.Users`."""

    call: Invocation

    def add(
        self, username: str, *, email: str, full_name: str | None, role: str, password: NewPassword | None
    ) -> Welcomed:
        """A new one."""
        chosen = None if password is None else password.text
        wanted = models.NewUser(username=username, email=email, full_name=full_name, role=role, password=chosen)
        with connected(self.call) as client:
            made = client.create_user(wanted)
            return Welcomed(_user(client, made), made.link)

    def all(self) -> Sequence[User]:
        """Everybody."""
        with connected(self.call) as client:
            own = client.get_organization().id
            return [shaped(each, User, organization_id=own) for each in client.iterate_users(limit=_AT_ONCE)]

    def find(self, user: str) -> UserDetails:
        """One of them."""
        with connected(self.call) as client:
            found = client.get_user(user_id(client, user))
            sessions = client.list_user_sessions(found.id).items
            keys = client.iterate_api_keys(user_id=found.id, limit=_AT_ONCE)
            about = {"username": found.username, "role": found.role, "revoked_at": None, "revoked_reason": None}
            return UserDetails(
                _user(client, found),
                found.custom_roles,
                [shaped(each, Session, **about) for each in sessions],
                [shaped(each, ApiKey) for each in keys],
            )

    def set_active(self, user: str, *, active: bool) -> User:
        """Let them in, or shut them out."""
        return self._change(
            user, lambda client, who: client.activate_user(who) if active else client.deactivate_user(who)
        )

    def set_role(self, user: str, role: str, *, remove: bool) -> User:
        """Give them a role, or take a custom one away."""

        def change(client: Client, who: UUID) -> models.UserDetail:
            if not remove and role in BUILT_IN:
                return client.set_user_role(who, models.RoleChoice(role=role))
            custom = role_id(client, role)
            return client.take_custom_role(who, custom) if remove else client.give_custom_role(who, custom)

        return self._change(user, change)

    def reset_password(self, user: str, password: NewPassword | None) -> Welcomed:
        """A link to choose one. Raises NotRemoteError with a password: nobody sends others' over the network."""
        if password is not None:
            raise NotRemoteError(
                "the API sets nobody else's password", where="user reset-password", remedy="give them a link by --link"
            )
        with connected(self.call) as client:
            found = client.get_user(user_id(client, user))
            return Welcomed(_user(client, found), client.create_reset_link(found.id).link)

    def reset_second_factor(self, user: str) -> User:
        """Raises NotRemoteError: that is for whoever can prove to be at the server's machine."""
        raise NotRemoteError(
            "the API takes nobody else's second factor away",
            where="user mfa-reset",
            remedy="run it on the server's machine",
        )

    def _change(self, user: str, change: Callable[[Client, UUID], models.UserDetail]) -> User:
        with connected(self.call) as client:
            return _user(client, change(client, user_id(client, user)))


def user_id(client: Client, name: str) -> UUID:
    """The id of the user of that user name or e-mail address. Raises NotFoundError."""
    wanted = name.strip().casefold()
    for each in client.iterate_users(beginning=name.strip(), limit=_AT_ONCE):
        if wanted in (each.username.casefold(), each.email.casefold()):
            return each.id
    raise NotFoundError(f"no user {name!r}", remedy="`clew user list` lists them")


def role_id(client: Client, name: str) -> UUID:
    """The id of the role of that name. Raises NotFoundError."""
    for each in client.list_roles().items:
        if each.name == name:
            return each.id
    raise NotFoundError(f"no role {name!r}", remedy="`clew role list` lists them")


def _user(client: Client, found: models.UserDetail | models.AddedUser) -> User:
    return shaped(found, User, organization_id=client.get_organization().id)
