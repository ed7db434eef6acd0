"""Operations of the API on: users.

Written by `make docs` from the API's description; edit that instead.
"""

from collections.abc import Iterator
from uuid import UUID

from clew.client import paging
from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked, path_of


class UsersOperations(Calls):
    """Operations on: users."""

    def list_users(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: models.UserSort | None = None,
        role: str | None = None,
        is_active: bool | None = None,
        beginning: str | None = None,
    ) -> models.UserPage:
        """List users.

        The users of the caller's organization.
        """
        return self._transport.fetch(
            models.UserPage,
            asked(
                "GET",
                "/api/v1/users",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "role": role,
                    "is_active": is_active,
                    "beginning": beginning,
                },
            ),
        )

    def iterate_users(
        self,
        *,
        limit: int | None = None,
        sort: models.UserSort | None = None,
        role: str | None = None,
        is_active: bool | None = None,
        beginning: str | None = None,
    ) -> Iterator[models.User]:
        """Every item of `list_users`, page after page; `limit` is the size of a page."""
        return paging.each(
            lambda cursor: self.list_users(
                limit=limit, sort=sort, role=role, is_active=is_active, beginning=beginning, cursor=cursor
            )
        )

    def create_user(self, body: models.NewUser, *, idempotency_key: str | None = None) -> models.AddedUser:
        """Add a user.

        Adds somebody with a role that allows nothing the caller may not. Without a password they get a link.
        """
        return self._transport.fetch_resource(
            models.AddedUser, asked("POST", "/api/v1/users", body=body, once=idempotency_key or True)
        )

    def get_user(self, user_id: UUID) -> models.UserDetail:
        """Show a user.

        A user with custom roles and all that they may do.
        """
        return self._transport.fetch_resource(
            models.UserDetail, asked("GET", path_of("/api/v1/users/{user_id}", user_id=user_id))
        )

    def update_user(self, user_id: UUID, body: models.UserChange, *, if_match: str | None = None) -> models.UserDetail:
        """Change a user.

        Changes what is named. Whoever may do more than the caller is not changed.
        """
        return self._transport.fetch_resource(
            models.UserDetail,
            asked("PATCH", path_of("/api/v1/users/{user_id}", user_id=user_id), body=body, if_match=if_match),
        )

    def deactivate_user(self, user_id: UUID, *, if_match: str | None = None) -> models.UserDetail:
        """Shut a user out.

        Ends their sessions at once; their API keys rest. What they did stays.
        """
        return self._transport.fetch_resource(
            models.UserDetail,
            asked("POST", path_of("/api/v1/users/{user_id}/deactivate", user_id=user_id), if_match=if_match),
        )

    def activate_user(self, user_id: UUID, *, if_match: str | None = None) -> models.UserDetail:
        """Let a user in again.

        Lets somebody in again who was shut out.
        """
        return self._transport.fetch_resource(
            models.UserDetail,
            asked("POST", path_of("/api/v1/users/{user_id}/activate", user_id=user_id), if_match=if_match),
        )

    def set_user_role(
        self, user_id: UUID, body: models.RoleChoice, *, if_match: str | None = None
    ) -> models.UserDetail:
        """Give a built-in role.

        Gives a built-in role in place of the present one; their sessions end. Nobody gives what they do not have.
        """
        return self._transport.fetch_resource(
            models.UserDetail,
            asked("PUT", path_of("/api/v1/users/{user_id}/role", user_id=user_id), body=body, if_match=if_match),
        )

    def give_custom_role(self, user_id: UUID, role_id: UUID) -> models.UserDetail:
        """Give a custom role.

        Gives a custom role beside what they have; their sessions end. Nobody gives what they do not have.
        """
        return self._transport.fetch_resource(
            models.UserDetail,
            asked("PUT", path_of("/api/v1/users/{user_id}/custom-roles/{role_id}", user_id=user_id, role_id=role_id)),
        )

    def take_custom_role(self, user_id: UUID, role_id: UUID) -> models.UserDetail:
        """Take a custom role.

        Takes a custom role from a user; their sessions end.
        """
        return self._transport.fetch_resource(
            models.UserDetail,
            asked(
                "DELETE", path_of("/api/v1/users/{user_id}/custom-roles/{role_id}", user_id=user_id, role_id=role_id)
            ),
        )

    def create_reset_link(self, user_id: UUID) -> models.ResetLink:
        """Make a reset link.

        A link by which the user chooses a password: mailed, or without a mail server shown this once.
        """
        return self._transport.fetch_resource(
            models.ResetLink, asked("POST", path_of("/api/v1/users/{user_id}/reset-link", user_id=user_id))
        )

    def list_user_sessions(self, user_id: UUID) -> models.UserSessionList:
        """Sessions of a user.

        Every live session of the user, newest first.
        """
        return self._transport.fetch(
            models.UserSessionList, asked("GET", path_of("/api/v1/users/{user_id}/sessions", user_id=user_id))
        )

    def revoke_user_sessions(self, user_id: UUID) -> None:
        """End a user's sessions.

        Ends every session of the user.
        """
        self._transport.send(asked("DELETE", path_of("/api/v1/users/{user_id}/sessions", user_id=user_id)))

    def revoke_user_session(self, user_id: UUID, session_id: UUID) -> None:
        """End a session.

        Ends one session of the user.
        """
        self._transport.send(
            asked(
                "DELETE",
                path_of("/api/v1/users/{user_id}/sessions/{session_id}", user_id=user_id, session_id=session_id),
            )
        )
