"""Jobs of a server."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

from clew.cli.desk.remote.connection import connected, shaped
from clew.cli.options import Invocation
from clew.client import models
from clew.domains.jobs.service import Job

_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class RemoteJobs:
    """See `ports.Jobs`."""

    call: Invocation

    def all(self, *, status: str | None, kind: str | None, limit: int) -> Sequence[Job]:
        """Jobs, newest first."""
        with connected(self.call) as client:
            found = client.iterate_jobs(limit=min(limit, _AT_ONCE), status=cast("Any", status), kind=kind)
            return [_job(each) for each in itertools.islice(found, limit)]

    def find(self, identifier: UUID) -> Job:
        """One of them."""
        with connected(self.call) as client:
            return _job(client.get_job(identifier))

    def cancel(self, identifier: UUID) -> Job:
        """End it."""
        with connected(self.call) as client:
            return _job(client.cancel_job(identifier))

    def retry(self, identifier: UUID) -> Job:
        """Have it done again."""
        with connected(self.call) as client:
            return _job(client.retry_job(identifier))


def _job(found: models.Job) -> Job:
    error = (
        None if found.error is None else {name: getattr(found.error, name) for name in found.error.__struct_fields__}
    )
    return shaped(found, Job, error=error)
