"""Operations of the API on: configuration.

Written by `make docs` from the API's description; edit that instead.
"""

from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked, path_of


class ConfigurationOperations(Calls):
    """Operations on: configuration."""

    def list_configuration(self) -> models.ConfigurationList:
        """List the configuration.

        Everything that is configured, by key.
        """
        return self._transport.fetch(models.ConfigurationList, asked("GET", "/api/v1/configuration"))

    def get_configuration(self, key: str) -> models.ConfigurationEntry:
        """Show one configured value.

        One configured value, with its ETag.
        """
        return self._transport.fetch_resource(
            models.ConfigurationEntry, asked("GET", path_of("/api/v1/configuration/{key}", key=key))
        )

    def set_configuration(
        self, key: str, body: models.ConfigurationValue, *, if_match: str | None = None
    ) -> models.ConfigurationEntry:
        """Configure a value.

        Configures one key, new or in place of what it was. What it was before is in the audit trail.
        """
        return self._transport.fetch_resource(
            models.ConfigurationEntry,
            asked("PUT", path_of("/api/v1/configuration/{key}", key=key), body=body, if_match=if_match),
        )

    def remove_configuration(self, key: str, *, if_match: str | None = None) -> None:
        """Forget a configured value.

        Forgets one key.
        """
        self._transport.send(asked("DELETE", path_of("/api/v1/configuration/{key}", key=key), if_match=if_match))
