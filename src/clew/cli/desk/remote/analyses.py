"""Analyses of a server."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any, Final, cast
from uuid import UUID

from clew.cli.desk.remote.connection import connected, shaped
from clew.cli.options import Invocation
from clew.cli.progress import stepped
from clew.client import models
from clew.domains.analyses.reading import AnalysisSession, Callback
from clew.domains.analyses.request import NewAnalysisSession
from clew.domains.analyses.steps import Step

_AT_ONCE: Final = 200
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0


@dataclass(frozen=True, slots=True)
class RemoteAnalyses:
    """See `analysis_ports.Analyses`."""

    call: Invocation

    def start(self, asked: NewAnalysisSession) -> AnalysisSession:
        """Have one done."""
        wanted = models.NewAnalysis(
            depth=cast("Any", asked.depth),
            since=asked.since,
            until=asked.until,
            sensors=None if asked.sensors is None else list(asked.sensors),
            source_ips=None if asked.source_ips is None else list(asked.source_ips),
            session_ids=None if asked.session_ids is None else list(asked.session_ids),
            campaign=asked.campaign,
            priority=asked.priority,
            callback_url=asked.callback_url,
        )
        with connected(self.call) as client:
            return _listed(client.start_analysis(wanted))

    def find(self, identifier: UUID) -> AnalysisSession:
        """One with its steps."""
        with connected(self.call) as client:
            return _session(client.get_analysis(identifier))

    def all(self, *, status: str | None, limit: int) -> Sequence[AnalysisSession]:
        """The newest first."""
        with connected(self.call) as client:
            found = client.iterate_analyses(limit=min(limit, _AT_ONCE), status=cast("Any", status))
            return [_listed(each) for each in itertools.islice(found, limit)]

    def cancel(self, identifier: UUID) -> AnalysisSession:
        """End it."""
        with connected(self.call) as client:
            return _session(client.cancel_analysis(identifier))

    def wait(self, identifier: UUID, stop: Event) -> AnalysisSession:
        """It when it is over."""
        pause = _FIRST_PAUSE
        with connected(self.call) as client, stepped() as observe:
            while True:
                found = _session(client.get_analysis(identifier))
                if found.is_over or stop.wait(pause):
                    return found
                observe(found.current_step or "waiting", found.progress or 0.0)
                pause = min(1.5 * pause, _LONGEST_PAUSE)


def _listed(found: models.Analysis) -> AnalysisSession:
    return shaped(found, AnalysisSession, current_step=None, progress=None, steps=(), callback=None)


def _session(found: models.AnalysisDetails) -> AnalysisSession:
    callback = None if found.callback is None else shaped(found.callback, Callback)
    return shaped(found, AnalysisSession, steps=tuple(shaped(each, Step) for each in found.steps), callback=callback)
