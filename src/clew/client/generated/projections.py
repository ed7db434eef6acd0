"""Operations of the API on: projections.

Written by `make docs` from the API's description; edit that instead.
"""

from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked, path_of


class ProjectionsOperations(Calls):
    """Operations on: projections."""

    def list_projections(self) -> models.Projections:
        """See how the views fare.

        How far every view follows the record.
        """
        return self._transport.fetch_resource(models.Projections, asked("GET", "/api/v1/projections"))

    def verify_projection(self, name: str, body: models.VerifyWanted) -> models.Job:
        """Compare a view with the record.

        Have a job compare every document of a view, as its engine gives it back, with the record; with `repair` mend
        it.

        The job's `result` is what of the organization's differed before any repair (missing, extra, different, each
        with `examples`), how many rows are set_aside, and whether both are `equal` now. Who asks again while that waits
        gets the same job.
        """
        return self._transport.fetch_resource(
            models.Job, asked("POST", path_of("/api/v1/projections/{name}/verify", name=name), body=body)
        )

    def rebuild_projection(self, name: str) -> models.Projections:
        """Make a view anew.

        Ask whoever keeps the views to make one anew; the old one is read until then. The list says when it is ready.
        """
        return self._transport.fetch_resource(
            models.Projections, asked("POST", path_of("/api/v1/projections/{name}/rebuild", name=name))
        )
