"""An analysis as a LangGraph workflow with its checkpoints in PostgreSQL: whoever takes it up goes on where it was.

The graph is a chain of the nodes of `nodes`, each of which may lead back to `fetch` when another analysis of the whole
record ended meanwhile. Its state is small: which analysis, which round, and numbers. docs/decisions/0032 says what each
node commits and why doing it again is harmless.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event
from typing import Any, Final, TypedDict
from uuid import UUID

import psycopg

from clew.analysis.coordination import AnalysisCancelledError
from clew.domains.analyses.assessing import Writer
from clew.domains.analyses.ending import end, told
from clew.domains.analyses.nodes import NODES, Node
from clew.domains.analyses.starting import Over, begin, outcome
from clew.domains.analyses.steps import StepLog
from clew.domains.analyses.workbench import Limits, StoppedError, Subject, Workbench
from clew.domains.campaigns.service import (
    MOST_ROUNDS,
    OvertakenError,
    Pipeline,
    only_analysis,
    told_live,
    working_connection,
)
from clew.ingest.service import make_partitions_ahead
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import ClewError
from clew.kernel.ids import IdMaker, new_id
from clew.kernel.transactions import TenantContext

Observer = Callable[[str, float], None]


class State(TypedDict, total=False):
    """What a checkpoint holds: plain values only. `overtaken`: the node before asks to begin anew."""

    analysis_id: str
    round: int
    overtaken: bool
    sessions: int
    pairs: int
    communities: int


PUBLISH: Final = NODES[-1].name
TAKE_OVER_SECONDS: Final = 10.0
"""So long the connection of a process that was killed may take to end."""
_TOLD: Final = ("sessions", "pairs", "communities")


class TooLongError(ClewError):
    """An analysis took longer than it may."""

    code = "analysis_too_long"
    exit_code = 7


@dataclass(frozen=True, slots=True)
class Workflow:
    """What carries analyses out. Used by one thread at a time; `nodes` are those of the product but in tests."""

    database: Database
    writer: Writer
    clock: Clock = system_clock
    ids: IdMaker = new_id
    nodes: tuple[Node, ...] = NODES

    def run(
        self,
        context: TenantContext,
        analysis_id: UUID,
        *,
        observe: Observer = lambda _step, _done: None,
        stop: Event | None = None,
    ) -> Over:
        """See an analysis to its end, from wherever it is. What is over already is given as it is.

        Raises StoppedError when `stop` is set, TooLongError behind the time limit, ConflictError while another process
        is at this analysis, and what nodes raise; none of these ends the analysis: see `fail`.
        """
        organization_id = context.organization_id
        with (
            database_errors(self.database.address),
            working_connection(self.database, context) as connection,
            only_analysis(connection, organization_id, f"analysis {analysis_id}", patience_seconds=TAKE_OVER_SECONDS),
        ):
            make_partitions_ahead(connection, self.database.settings.partitions_ahead_months)
            connection.execute("SET synchronous_commit = off")  # a node that is lost with the machine is done again
            subject = begin(connection, context, analysis_id, clock=self.clock)
            if isinstance(subject, Over):
                _forget(self.database, context, analysis_id)
                return subject
            log = StepLog(connection, organization_id, analysis_id, self.ids)
            log.interrupt_left()
            limits = self._limits(subject, stop or Event())
            with (
                told_live(self.database.settings, organization_id, analysis_id, subject.started_at, observe) as live,
                _ended_as(live),
            ):
                pipeline = Pipeline(
                    connection, self.database.settings, subject.request, analysis_id=analysis_id,
                    now=subject.started_at, ids=self.ids, observe=live, stopped=lambda: limits.reached() is not None,
                )  # fmt: skip
                bench = Workbench(
                    connection, self.database.settings, subject, pipeline, live=live, log=log, limits=limits,
                    clock=self.clock, ids=self.ids,
                )  # fmt: skip
                self._carry_out(bench, context)
            return outcome(connection, organization_id, analysis_id)

    def fail(self, context: TenantContext, analysis_id: UUID, error: BaseException, *, status: str = "failed") -> None:
        """End an analysis that nobody will go on with: failed, or cancelled. Nothing if it is over."""
        with (
            database_errors(self.database.address),
            working_connection(self.database, context) as connection,
            connection.transaction(),
        ):
            reason = {} if status == "cancelled" else told(error)
            end(connection, context.organization_id, analysis_id, status, reason, ids=self.ids)

    def _limits(self, subject: Subject, stop: Event) -> Limits:
        spent = (self.clock() - subject.started_at).total_seconds()
        return Limits(stop.is_set, time.monotonic() + self.database.settings.analysis_timeout_seconds - max(spent, 0.0))

    def _carry_out(self, bench: Workbench, context: TenantContext) -> None:
        from clew.domains.analyses.checkpoints import opened_saver  # noqa: PLC0415

        thread = str(bench.subject.analysis_id)
        config: Any = {"configurable": {"thread_id": thread}, "recursion_limit": len(self.nodes) * (MOST_ROUNDS + 1)}
        _trace_nothing()
        with opened_saver(self.database, context) as saver:
            graph = self._graph(bench, saver)
            known = saver.get_tuple(config)
            given: Any = None if known is not None else {"analysis_id": thread, "round": 1, "overtaken": False}
            graph.invoke(given, config, durability="sync")
            saver.delete_thread(thread)

    def _graph(self, bench: Workbench, saver: Any) -> Any:
        from langgraph.graph import END, START, StateGraph  # noqa: PLC0415 - loads what only a workflow needs

        graph = StateGraph(State)
        first = self.nodes[0].name
        following = [node.name for node in self.nodes[1:]] + [END]
        for node, then in zip(self.nodes, following, strict=True):
            does: Any = _doing(node, bench, self.writer)
            graph.add_node(node.name, does)
            graph.add_conditional_edges(
                node.name, _leading(first, then), {first: first, then: then} if then != first else {then: then}
            )
        graph.add_edge(START, first)
        return graph.compile(checkpointer=saver)


def _leading(first: str, then: str) -> Callable[[State], str]:
    def leads(state: State) -> str:
        return first if state.get("overtaken") else then

    return leads


def _doing(node: Node, bench: Workbench, writer: Writer) -> Callable[[State], State]:
    """What LangGraph calls: the node, its log, its commit."""

    def do(state: State) -> State:
        if node.name != PUBLISH:  # what changed campaigns is told of, whatever is wanted meanwhile
            bench.check()
        bench.live(node.name.replace("_", " "), node.begins)
        number = state.get("round", 1)
        step = bench.log.begin(node.name, {"round": number})
        try:
            output = _committed(node, bench, writer, step)
        except OvertakenError as error:
            bench.log.fail(step, "interrupted", told(error))
            if number >= MOST_ROUNDS:
                raise
            return {"overtaken": True, "round": number + 1}
        except StoppedError:
            bench.log.fail(step, "interrupted", None)
            raise
        except psycopg.Error:
            raise  # the connection may be gone: whoever goes on says that the step was interrupted
        except Exception as error:
            bench.log.fail(step, "failed", told(error))
            raise
        small: State = {"overtaken": False}
        small.update({name: output[name] for name in _TOLD if name in output})  # type: ignore[typeddict-item]
        bench.live.found({name: value for name, value in (state | small).items() if name in _TOLD})
        return small

    return do


def _committed(node: Node, bench: Workbench, writer: Writer, step: UUID) -> Any:
    try:
        commit = node.make(bench, writer)
        if node.name != PUBLISH:
            bench.check()  # what was read after somebody said stop may be a part only
    except AnalysisCancelledError as error:
        raise StoppedError(bench.reason() or "stopped") from error
    # What only this analysis reads is written in one trip to the server. Campaigns are written by COPY among others,
    # which a pipeline does not have.
    in_one_trip = contextlib.nullcontext() if node.lasts else bench.connection.pipeline()
    with in_one_trip, bench.connection.transaction():
        if node.lasts:
            bench.connection.execute("SET LOCAL synchronous_commit = on")
        output = commit()
        bench.log.complete(step, output)
    return output


def _trace_nothing() -> None:
    """Whatever the environment of the process says: nothing of an analysis is told to a tracing service.

    LangChain, which LangGraph is built on, would send every run to the address that LANGSMITH_ENDPOINT names. It looks
    at these once, when its first graph runs.
    """
    for library in ("LANGSMITH", "LANGCHAIN"):
        os.environ[f"{library}_TRACING_V2"] = "false"
        os.environ.pop(f"{library}_TRACING", None)
    os.environ.pop("LANGCHAIN_HANDLER", None)


@contextlib.contextmanager
def _ended_as(live: Any) -> Iterator[None]:
    try:
        yield
    except StoppedError as error:
        live.status = error.why
        raise


def _forget(database: Database, context: TenantContext, analysis_id: UUID) -> None:
    from clew.domains.analyses.checkpoints import opened_saver  # noqa: PLC0415

    with opened_saver(database, context) as saver:
        saver.delete_thread(str(analysis_id))
