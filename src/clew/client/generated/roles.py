"""Operations of the API on: roles.

Written by `make docs` from the API's description; edit that instead.
"""

from uuid import UUID

from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked, path_of


class RolesOperations(Calls):
    """Operations on: roles."""

    def list_roles(self) -> models.RoleList:
        """List roles.

        The built-in roles first, then those of the organization, by name.
        """
        return self._transport.fetch(models.RoleList, asked("GET", "/api/v1/roles"))

    def create_role(self, body: models.NewRole, *, idempotency_key: str | None = None) -> models.Role:
        """Make a custom role.

        Makes a role that allows nothing the caller may not.
        """
        return self._transport.fetch_resource(
            models.Role, asked("POST", "/api/v1/roles", body=body, once=idempotency_key or True)
        )

    def get_role(self, role_id: UUID) -> models.Role:
        """Show a role.

        A role and what it allows.
        """
        return self._transport.fetch_resource(
            models.Role, asked("GET", path_of("/api/v1/roles/{role_id}", role_id=role_id))
        )

    def grant_permissions(self, role_id: UUID, body: models.RoleChange, *, if_match: str | None = None) -> models.Role:
        """Change what a custom role allows.

        Allows more, or less, from the next request on. Nobody grants what they do not have.
        """
        return self._transport.fetch_resource(
            models.Role,
            asked("PATCH", path_of("/api/v1/roles/{role_id}", role_id=role_id), body=body, if_match=if_match),
        )

    def delete_role(self, role_id: UUID, *, if_match: str | None = None) -> None:
        """Delete a custom role.

        Deletes it; whoever had it has it no more.
        """
        self._transport.send(asked("DELETE", path_of("/api/v1/roles/{role_id}", role_id=role_id), if_match=if_match))
