"""Operations of the API on: system.

Written by `make docs` from the API's description; edit that instead.
"""

from contextlib import AbstractContextManager
from typing import Any

from clew.client.generated import models
from clew.client.operations import Calls, Stream
from clew.client.transport import asked


class SystemOperations(Calls):
    """Operations on: system."""

    def get_health(self) -> models.Alive:
        """Whether the process lives.

        Says so, without asking the database: whoever restarts what does not answer must not restart for that.
        """
        return self._transport.fetch_resource(models.Alive, asked("GET", "/healthz"))

    def get_readiness(self) -> models.Readiness:
        """Whether the server can do its work.

        Database, schema and views; 503 with the reasons if something is not as it should be.
        """
        return self._transport.fetch_resource(models.Readiness, asked("GET", "/readyz"))

    def get_metrics(self) -> AbstractContextManager[Stream]:
        """Figures for Prometheus.

        From this machine itself, or with the token that the setting metrics_token names.
        """
        return self._stream(asked("GET", "/metrics"))

    def get_description(self) -> Any:
        """The description of this API.

        OpenAPI 3.1, with every error, rule and example; it changes with the version only.
        """
        return self._transport.fetch(Any, asked("GET", "/api/v1/openapi.json"))
