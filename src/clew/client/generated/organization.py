"""Operations of the API on: organization.

Written by `make docs` from the API's description; edit that instead.
"""

from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked


class OrganizationOperations(Calls):
    """Operations on: organization."""

    def get_organization(self) -> models.Organization:
        """The caller's organization.

        What the caller belongs to, with its ETag.
        """
        return self._transport.fetch_resource(models.Organization, asked("GET", "/api/v1/organization"))

    def update_organization(
        self, body: models.OrganizationChange, *, if_match: str | None = None
    ) -> models.Organization:
        """Change the caller's organization.

        Gives it another name. Its slug, which commands name it by, stays.
        """
        return self._transport.fetch_resource(
            models.Organization, asked("PATCH", "/api/v1/organization", body=body, if_match=if_match)
        )
