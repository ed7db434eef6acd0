"""Operations of the API on: reports.

Written by `make docs` from the API's description; edit that instead.
"""

from contextlib import AbstractContextManager
from typing import Literal
from uuid import UUID

from clew.client.operations import Calls, Stream
from clew.client.transport import asked, path_of


class ReportsOperations(Calls):
    """Operations on: reports."""

    def get_report(
        self, investigation_id: UUID, *, format: Literal["html", "json"] | None = None
    ) -> AbstractContextManager[Stream]:
        """Write a case's report.

        Entities, relations, timeline, map and sources on one page that needs no network; or all of it as JSON.

        It is written anew with each request, from one moment of the record; two are written at a time.
        """
        return self._stream(
            asked(
                "GET",
                path_of("/api/v1/investigations/{investigation_id}/report", investigation_id=investigation_id),
                query={"format": format},
            )
        )
