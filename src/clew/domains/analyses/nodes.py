"""The nodes of an analysis, in their order. Each says in its docstring what it commits and why it may be done again.

A node first makes what it gives, then hands back what writes that: it is carried out in one transaction with the row
that says that the node is done. A process that is killed before that commit has done nothing; one that is killed behind
it, before LangGraph has written its checkpoint, does the node again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from clew.domains.analyses.assessing import Writer
from clew.domains.analyses.ending import complete
from clew.domains.analyses.facts import facts_of
from clew.domains.analyses.findings import Findings
from clew.domains.analyses.intelligence import Intelligence, look_up
from clew.domains.analyses.workbench import NETWORKS, Workbench
from clew.domains.campaigns.service import AnalysisReport

Told = Mapping[str, Any]
Commit = Callable[[], Told]
"""Writes what a node made, inside a transaction; gives the few small things that its log and the state tell of it."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node: its name, how much of the whole is done when it begins (0-1), and what does it.

    One whose commit `lasts` changes what others see: its commit waits for the disk.
    """

    name: str
    begins: float
    make: Callable[[Workbench, Writer], Commit]
    lasts: bool = False


def fetch(bench: Workbench, _writer: Writer) -> Commit:
    """Reads the sessions, all from one moment of the record. Commits them, and which moment that was.

    Again: reads a later moment, in place of the first; nobody has seen anything of that yet.
    """
    fetched = bench.pipeline.fetch()
    bench.begin_anew(fetched)

    def commit() -> Told:
        bench.kept.put_frame("sessions", fetched.sessions)
        told = {"total": fetched.total, "built": fetched.known is not None, "seen": fetched.seen}
        bench.kept.put("fetched", told | {"position": str(fetched.position)})
        return {"sessions": fetched.sessions.height, "of": fetched.total}

    return commit


def features(bench: Workbench, _writer: Writer) -> Commit:
    """Asks local tables what they say of each source. Commits one row for each source.

    Again: asks again; tables that were changed meanwhile count as they are now.
    """
    fetched = bench.pipeline.enrich(bench.bare())
    bench.enriched(fetched)
    networks = fetched.sessions.select("source_ip", *NETWORKS).unique("source_ip").sort("source_ip")

    def commit() -> Told:
        bench.kept.put_frame("networks", networks)
        return {"sources": networks.height, "networks": networks["as_name"].n_unique() if networks.height else 0}

    return commit


def evidence(bench: Workbench, _writer: Writer) -> Commit:
    """Weighs pairs of sources. Commits the pairs with the surprise of each kind. Again: the same, it is pure."""
    scored = bench.stages().weigh()
    bench.weighed(scored)

    def commit() -> Told:
        bench.kept.put_frame("pairs", scored)
        return {"pairs": scored.height}

    return commit


def communities(bench: Workbench, _writer: Writer) -> Commit:
    """Forms communities and says why. Commits them. Again: the same, unless an analyst decided something meanwhile."""
    findings = Findings.of(bench.stages().tell(bench.scored()))
    bench.found(findings)

    def commit() -> Told:
        bench.kept.put("communities", orjson.Fragment(findings.to_json()))
        return {"communities": len(findings.communities), "confidence": findings.confidence}

    return commit


def intelligence(bench: Workbench, _writer: Writer) -> Commit:
    """Looks up what is known of the communities' sources and indicators. Commits that. Again: as it is known now."""
    found = look_up(bench.connection, bench.organization_id, bench.findings().communities, bench.fetched().sessions)

    def commit() -> Told:
        bench.kept.put("intelligence", found)
        return {"known": sum(len(each.known) for each in found), "listed": sum(len(each.feeds) for each in found)}

    return commit


def assessment(bench: Workbench, writer: Writer) -> Commit:
    """Writes the text, by the template or a language model. Commits the text that was checked.

    Again: the template gives the same; a model is asked only if its answer is not remembered. Nobody saw the first.
    """
    known = _known(bench)
    facts = facts_of(bench.subject.request, bench.findings(), known, sessions=bench.fetched().sessions)
    written = writer.write(facts, bench.organization_id, bench.subject.request.context.user_id)

    def commit() -> Told:
        bench.kept.put("assessment", written.as_dict())
        return {"written_by": written.written_by, "reason": written.fallback_reason}

    return commit


def campaign_update(bench: Workbench, _writer: Writer) -> Commit:
    """Writes what became of campaigns, with members, indicators, alerts and facts, and the state of the record.

    Again: what it wrote the first time stands there with its report, in the same commit, and is not written twice.
    """
    done = bench.kept.find("report")
    if done is not None:
        return lambda: _changes(done)
    fetched, analysis = bench.fetched(), bench.analysis()

    def commit() -> Told:
        report, _ = bench.pipeline.update(fetched, analysis)
        bench.kept.put("report", report.as_dict())
        return _changes(report.as_dict())

    return commit


def publish(bench: Workbench, _writer: Writer) -> Commit:
    """Writes the result, says that the analysis is completed, has its callback sent, and drops what was put away.

    Again: an analysis that is completed is not completed twice, so its callback is enqueued once.
    """

    def commit() -> Told:
        told = bench.kept.find("report")
        if told is None:
            return {}  # it is over already
        report = AnalysisReport.from_dict(told)
        seconds = round((bench.now() - bench.subject.started_at).total_seconds(), 3)
        complete(bench, replace(report, seconds=seconds), bench.kept.get("assessment"), bench.kept.get("intelligence"))
        bench.kept.drop_all()
        return {"campaigns": len(report.campaigns), "seconds": seconds}

    return commit


NODES: Final = (
    Node("fetch", 0.0, fetch),
    Node("features", 0.15, features),
    Node("evidence", 0.3, evidence),
    Node("communities", 0.6, communities),
    Node("intelligence", 0.8, intelligence),
    Node("assessment", 0.85, assessment),
    Node("campaign_update", 0.9, campaign_update, lasts=True),
    Node("publish", 0.98, publish, lasts=True),
)


def _changes(report: Told) -> Told:
    return {name: report[name] for name in ("campaigns_new", "campaigns_changed")}


def _known(bench: Workbench) -> list[Intelligence]:
    return [Intelligence.from_dict(each) for each in bench.kept.get("intelligence")]
