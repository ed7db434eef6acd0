"""The views of a server, as far as they are the organization's own."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import msgspec

from clew.cli.desk.remote.connection import connected
from clew.cli.desk.view_ports import Compared, Following, Rebuilt
from clew.cli.options import Invocation
from clew.client import Client, models
from clew.client.jobs import finished
from clew.kernel.errors import ClewError

_PAUSE_SECONDS: Final = 0.5
_COUNTS: Final = ("projection", "missing", "extra", "different", "set_aside", "equal", "repaired")


class VerificationError(ClewError):
    """The server could not compare a view with the record."""

    code: ClassVar[str] = "verification_failed"


@dataclass(frozen=True, slots=True)
class RemoteProjections:
    """See `view_ports.Projections`."""

    call: Invocation

    def status(self) -> Sequence[Following]:
        """How far each follows."""
        with connected(self.call) as client:
            return [_following(each) for each in client.list_projections().items]

    def verify(self, name: str | None, *, repair: bool) -> Sequence[Compared]:
        """Each beside the record, by a job of the server's."""
        with connected(self.call) as client:
            wanted = models.VerifyWanted(repair=repair)
            jobs = [client.verify_projection(each, wanted) for each in _names(client, name)]
            return [_compared(finished(client, job.id)) for job in jobs]

    def rebuild(self, name: str | None) -> Sequence[Rebuilt]:
        """Each made anew, by the server's own time; back when they are ready."""
        with connected(self.call) as client:
            names = _names(client, name)
            for each in names:
                client.rebuild_projection(each)
            waiting = set(names)
            while waiting:
                states = {each.projection: each.state for each in client.list_projections().items}
                waiting = {each for each in waiting if states.get(each) != "ready"}
                if waiting:
                    time.sleep(_PAUSE_SECONDS)
        return [Rebuilt(each, None) for each in names]


def _names(client: Client, name: str | None) -> list[str]:
    return [name] if name else [each.projection for each in client.list_projections().items]


def _following(found: models.Projection) -> Following:
    return Following(
        projection=found.projection,
        adapter=found.adapter,
        state=found.state,
        reason=found.reason,
        lag_seconds=found.lag_seconds,
        set_aside=found.set_aside,
        document=_document(found),
    )


def _compared(job: models.Job) -> Compared:
    if job.result is None:
        error = job.error
        raise VerificationError(
            error.message if error else f"it was {job.status}",
            where=(error and error.where) or f"job {job.id}",
            remedy=(error and error.remedy) or "ask for it again",
        )
    counts = {name: job.result[name] for name in _COUNTS}
    return Compared(**counts, document=job.result)


def _document(found: msgspec.Struct) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(found).items() if name not in ("etag", "was_made")}
