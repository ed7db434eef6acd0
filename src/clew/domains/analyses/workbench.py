"""What the nodes of one analysis work with: its connection, what came of nodes before, and when to stop.

What a node gave is kept in memory for the next one; a process that goes on where another ended finds it in what was put
away. Both are the same.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
import polars as pl
import psycopg

from clew.analysis.coordination import Analysis, AnalysisCancelledError, Stages
from clew.domains.analyses.findings import Findings
from clew.domains.analyses.intermediates import Intermediates
from clew.domains.analyses.steps import StepLog
from clew.domains.campaigns.service import AnalysisRequest, Fetched, Live, Pipeline
from clew.kernel.clock import Clock
from clew.kernel.ids import IdMaker
from clew.kernel.settings import Settings

NETWORKS: Final = ("asn", "as_name", "country", "feeds")


class StoppedError(AnalysisCancelledError):
    """Somebody wants the analysis to end, or its server ends, or it took too long. `why`: stopped or too_long."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Subject:
    """The analysis as its row has it."""

    analysis_id: UUID
    created_at: datetime
    started_at: datetime
    request: AnalysisRequest
    job_id: UUID | None


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop: what asks for it, and the moment (of `time.monotonic`) from which on it takes too long."""

    stopped: Callable[[], bool]
    until: float

    def reached(self) -> str | None:
        """Why to stop; None as long as there is no reason."""
        if self.stopped():
            return "stopped"
        return "too_long" if time.monotonic() > self.until else None


class Workbench:
    """For one analysis in one process."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        settings: Settings,
        subject: Subject,
        pipeline: Pipeline,
        *,
        live: Live,
        log: StepLog,
        limits: Limits,
        clock: Clock,
        ids: IdMaker,
    ) -> None:
        self.connection = connection
        self.settings = settings
        self.subject = subject
        self.pipeline = pipeline
        self.live = live
        self.log = log
        self.organization_id = subject.request.context.organization_id
        self.kept = Intermediates(connection, self.organization_id, subject.analysis_id)
        self.now = clock
        self.ids = ids
        self._limits = limits
        self._bare: Fetched | None = None
        self._fetched: Fetched | None = None
        self._stages: Stages | None = None
        self._scored: pl.DataFrame | None = None
        self._findings: Findings | None = None

    def check(self) -> None:
        """Raises StoppedError if there is a reason to."""
        if why := self._limits.reached():
            raise StoppedError(why)

    def reason(self) -> str | None:
        """Why to stop; None as long as there is no reason."""
        return self._limits.reached()

    def begin_anew(self, fetched: Fetched) -> None:
        """Forget what came of a reading before this one."""
        self._bare = fetched
        self._fetched = self._stages = self._scored = self._findings = None

    def bare(self) -> Fetched:
        """What was fetched. Raises OvertakenError if what it built on is gone."""
        if self._bare is None:
            told = self.kept.get("fetched")
            self._bare = self.pipeline.fetched_before(
                self.kept.frame("sessions"),
                total=told["total"],
                position=told["position"],
                built=told["built"],
                seen=told["seen"],
            )
        return self._bare

    def fetched(self) -> Fetched:
        """The same with what local tables said of the sources when they were asked."""
        if self._fetched is None:
            bare = self.bare()
            rest = bare.sessions.drop(*NETWORKS).join(
                self.kept.frame("networks"), on="source_ip", how="left", maintain_order="left"
            )
            sessions = rest.select(bare.sessions.columns)
            self._fetched = Fetched(sessions, bare.position, bare.total, bare.known, bare.seen)
        return self._fetched

    def enriched(self, fetched: Fetched) -> None:
        """Keep what was fetched with what local tables say."""
        self._fetched = fetched

    def stages(self) -> Stages:
        """The analysis proper, for these sessions."""
        if self._stages is None:
            self._stages = self.pipeline.stages(self.fetched())
        return self._stages

    def scored(self) -> pl.DataFrame:
        """The pairs that were weighed."""
        if self._scored is None:
            self._scored = self.kept.frame("pairs")
        return self._scored

    def weighed(self, scored: pl.DataFrame) -> None:
        """Keep them."""
        self._scored = scored

    def findings(self) -> Findings:
        """The communities that were found."""
        if self._findings is None:
            self._findings = Findings.from_json(orjson.dumps(self.kept.get("communities")))
        return self._findings

    def found(self, findings: Findings) -> None:
        """Keep them."""
        self._findings = findings

    def analysis(self) -> Analysis:
        """The whole result."""
        return self.findings().analysis(self.stages().background())
