"""Operations of the API on: capabilities.

Written by `make docs` from the API's description; edit that instead.
"""

from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked


class CapabilitiesOperations(Calls):
    """Operations on: capabilities."""

    def get_capabilities(self) -> models.Capabilities:
        """What this server can do.

        Its version, what the record can hold, which files it reads, and what can be searched.
        """
        return self._transport.fetch_resource(models.Capabilities, asked("GET", "/api/v1/capabilities"))
