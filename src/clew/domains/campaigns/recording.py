"""Writes what a run found: campaigns that are new, grew, merged, split, fell silent or came back, and why.

Everything is written in the one transaction of the caller, who holds the campaigns' lock.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
import polars as pl
import psycopg

from clew.analysis.coordination import Community, Technique, techniques
from clew.domains.campaigns import statements
from clew.domains.campaigns.facts import CampaignFact
from clew.domains.campaigns.tracking import RARE_TYPES, Calendar, Known, Track, Tracked

_MOST_TOLD: Final = 500
"""Sources that joined in one run and are told one by one in the stream; the sum is always told."""
_MOST_COMMANDS: Final = 200_000

IdMaker = Callable[[], UUID]


@dataclass(frozen=True, slots=True)
class Held:
    """A campaign as it is in the record before a run."""

    known: Known
    last_seen: datetime
    status: str
    is_pinned: bool
    confidence: float


@dataclass(frozen=True, slots=True)
class Run:
    """What a run is, as far as writing goes.

    `decides`: it read everything of its sources, so what it says replaces what was said of them; else it only adds.
    """

    analysis_id: UUID
    organization_id: UUID
    now: datetime
    threshold: float
    decides: bool
    calendar: Calendar


@dataclass(slots=True)
class Outcome:
    """What became of campaigns."""

    found: list[UUID] = field(default_factory=list)  # new or continued, in order
    facts: list[CampaignFact] = field(default_factory=list)
    new: int = 0
    changed: int = 0
    dissolved: list[UUID] = field(default_factory=list)


def read_held(connection: psycopg.Connection[Any], organization_id: UUID) -> list[Held]:
    """Every campaign that was not merged into another."""
    rows = connection.execute(
        statements.KNOWN, {"organization": organization_id, "types": sorted(RARE_TYPES)}
    ).fetchall()
    return [
        Held(
            Known(
                row[0],
                row[1],
                frozenset(row[9]),
                frozenset((kind, value) for kind, value in row[10]),
                is_rejected=row[4],
            ),
            row[2],
            row[3],
            row[5],
            row[6],
        )
        for row in rows
        if row[1] is not None
    ]


class Recorder:
    """Writes one run."""

    def __init__(
        self, connection: psycopg.Connection[Any], run: Run, sessions: pl.DataFrame, held: Iterable[Held], ids: IdMaker
    ) -> None:
        self._connection = connection
        self._run = run
        self._held = {each.known.id: each for each in held}
        self._ids = ids
        self._scope = frozenset(sessions["source_ip"].unique())
        self._sessions = sessions
        self.outcome = Outcome()

    def record(self, tracked: Tracked) -> Outcome:
        """Write what became of all communities, then what time did to the campaigns that nothing was found of."""
        details = _details(self._sessions, [track.community for track in tracked.tracks])
        analysed: dict[str, UUID] = {}
        for number, track in enumerate(tracked.tracks):
            campaign = self._record_track(track, details.get(number, _NOTHING))
            for sessions in details.get(number, _NOTHING).sessions.values():
                analysed.update(dict.fromkeys(sessions, campaign))
        self._execute(statements.SAVE_ANALYSED, sessions=list(analysed), campaigns=list(analysed.values()))
        continued = set(self.outcome.found)
        gone = {merged for track in tracked.tracks for merged in track.merged}
        if self._run.decides:
            self._dissolve(continued | gone)
        self._age(continued | gone)
        return self.outcome

    def _record_track(self, track: Track, details: "_Details") -> UUID:
        community = track.community
        before = self._held.get(track.campaign) if track.campaign else None
        campaign = track.campaign or self._ids()
        name = f"Campaign {campaign.hex[-6:]} of {community.first_seen:%Y-%m-%d}"
        self._execute(
            statements.SAVE_CAMPAIGN,
            id=campaign,
            name=name,
            confidence=community.confidence,
            threshold=self._run.threshold,
            scores=_json(_scores(community)),
            evidence=_json([_evidence(each) for each in community.evidence]),
            ttps=_json({"techniques": [_technique(each) for each in details.techniques]}),
            split_from=track.split_from,
            metadata=_json({"countries": details.countries}),
        )
        if track.merged:
            self._merge(campaign, track.merged)
        joined, left = self._save_members(campaign, community, details, before)
        fresh = self._save_indicators(campaign, community, before)
        self._execute(
            statements.LINK_ANALYSIS,
            campaign=campaign,
            analysis=self._run.analysis_id,
            confidence=community.confidence,
            factors=_json(_scores(community)),
        )
        self.outcome.found.append(campaign)
        summed = self._execute(statements.SUM_UP, campaigns=[campaign]).fetchone()
        if summed is None:
            raise LookupError("a campaign that was written has members")
        self._tell_what_became(campaign, track, before, joined=joined, left=left)
        self._measure(campaign, community, details, before, fresh)
        changed = before is None or bool(joined or left or track.merged or fresh)
        if changed:
            self._alert(campaign, summed[1], community, is_new=before is None, joined=len(joined))
            self.outcome.facts.append(_fact(campaign, summed, community, joined))
        self.outcome.new += before is None
        self.outcome.changed += changed and before is not None
        return campaign

    def _save_members(
        self, campaign: UUID, community: Community, details: "_Details", before: Held | None
    ) -> tuple[list[str], list[str]]:
        """Write who is in the campaign; who joined it, and who left it."""
        members = [address for address in community.source_ips if address in details.sessions]
        rows = [(address, *details.spans[address], details.sessions[address]) for address in members]
        self._execute(
            statements.SAVE_MEMBERS,
            replace=self._run.decides,
            campaigns=[campaign] * len(rows),
            addresses=[row[0] for row in rows],
            confidences=[community.member_confidence[row[0]] for row in rows],
            firsts=[row[1] for row in rows],
            lasts=[row[2] for row in rows],
            sessions=[f"{{{','.join(row[3])}}}" for row in rows],
        )
        known = before.known.members if before else frozenset()
        left = sorted((known & self._scope) - frozenset(members)) if self._run.decides else []
        if left:
            self._execute(statements.DROP_MEMBERS, campaigns=[campaign] * len(left), addresses=left)
        return sorted(frozenset(members) - known), left

    def _save_indicators(self, campaign: UUID, community: Community, before: Held | None) -> int:
        """Write the indicators; how many rare ones are new to the campaign."""
        if self._run.decides:
            self._execute(statements.DROP_INDICATORS, campaigns=[campaign])
        distinct = {(each.type, each.value): each for each in community.indicators}
        found = [distinct[key] for key in sorted(distinct)]
        self._execute(
            statements.SAVE_INDICATORS,
            campaigns=[campaign] * len(found),
            types=[each.type for each in found],
            values=[each.value for each in found],
            confidences=[each.confidence for each in found],
            firsts=[each.first_seen for each in found],
            lasts=[each.last_seen for each in found],
            counts=[each.count for each in found],
        )
        known = before.known.traits if before else frozenset()
        return len({(each.type, each.value) for each in found if each.type in RARE_TYPES} - known)

    def _merge(self, campaign: UUID, merged: tuple[UUID, ...]) -> None:
        """Take campaigns in. They keep their rows, so that they can be split off again."""
        self._execute(statements.TAKE_MEMBERS, into=campaign, merged=list(merged))
        self._execute(statements.MERGE, into=campaign, merged=list(merged))
        for each in merged:
            self._tell(each, "merged", details={"into": str(campaign)})

    def _tell_what_became(
        self, campaign: UUID, track: Track, before: Held | None, *, joined: list[str], left: list[str]
    ) -> None:
        confidence, status = track.community.confidence, self._status(track, before)
        if before is None:
            origin = {"split_from": str(track.split_from)} if track.split_from else {}
            size = {"sources": len(track.community.source_ips)}
            self._tell(campaign, "found", confidence=confidence, details=size | origin)
        elif before.status != status:
            event = "returned" if status == "active" else status
            self._tell(campaign, event, confidence=confidence, details={"was": before.status})
        if track.merged:
            self._tell(campaign, "took_in", confidence=confidence, details={"campaigns": list(map(str, track.merged))})
        if before is not None and joined:
            self._tell(campaign, "grew", confidence=confidence, details={"sources": len(joined)})
        if left:
            self._tell(campaign, "shrank", confidence=confidence, details={"sources": len(left)})
        for address in joined[:_MOST_TOLD]:
            self._tell(campaign, "joined", address, track.community.member_confidence[address])
        for address in left[:_MOST_TOLD]:
            self._tell(campaign, "left", address)
        self._execute(statements.SET_STATUS, campaigns=[campaign], status=status)

    def _status(self, track: Track, before: Held | None) -> str:
        last = track.community.last_seen
        if before is not None and not self._run.decides:
            last = max(last, before.last_seen)
        return self._run.calendar.status(last, is_pinned=before is not None and before.is_pinned)

    def _dissolve(self, continued: set[UUID]) -> None:
        """Campaigns all of whose sources were looked at and of which nothing was found again are none any more."""
        for identifier, held in self._held.items():
            is_free = identifier not in continued and not held.known.is_rejected and not held.is_pinned
            if is_free and held.known.members and held.known.members <= self._scope:
                self.outcome.dissolved.append(identifier)
                self._tell(identifier, "dissolved")
        if self.outcome.dissolved:
            self._execute(statements.DISSOLVE, campaigns=self.outcome.dissolved, analysis=str(self._run.analysis_id))

    def _age(self, continued: set[UUID]) -> None:
        for identifier, held in self._held.items():
            if identifier in continued or held.known.is_rejected or identifier in self.outcome.dissolved:
                continue
            status = self._run.calendar.status(held.last_seen, is_pinned=held.is_pinned)
            if status != held.status and not (held.status == "concluded" and status == "dormant"):
                self._execute(statements.SET_STATUS, campaigns=[identifier], status=status)
                self._tell(identifier, "returned" if status == "active" else status, details={"was": held.status})

    def _measure(
        self, campaign: UUID, community: Community, details: "_Details", before: Held | None, fresh: int
    ) -> None:
        days = max((community.last_seen - community.first_seen).total_seconds() / 86_400, 1 / 24)
        metrics = {
            "active_sources": len(community.source_ips),
            "attack_rate": round(sum(map(len, details.sessions.values())) / days, 2),
            "geographic_spread": len(details.countries),
            "new_indicators": fresh,
            "confidence_trend": round(community.confidence - (before.confidence if before else 0.0), 4),
        }
        self._execute(statements.MEASURE, campaign=campaign, at=self._run.now, metrics=_json(metrics))

    def _alert(self, campaign: UUID, name: str, community: Community, *, is_new: bool, joined: int) -> None:
        kind = "campaign_found" if is_new else "campaign_changed"
        severity = "high" if community.confidence >= 0.9 and len(community.source_ips) >= 10 else "medium"
        self._execute(
            statements.ALERT,
            type=kind,
            severity=severity if is_new else "low",
            title=f"{name}: {len(community.source_ips)} sources" if is_new else f"{name}: {joined} sources joined",
            campaign=campaign,
            evidence=_json({"analysis_id": str(self._run.analysis_id), "confidence": community.confidence}),
            key=f"{kind}:{campaign}:{self._run.analysis_id}",
        )

    def _tell(
        self,
        campaign: UUID,
        event: str,
        address: str | None = None,
        confidence: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        self._execute(
            statements.TELL,
            id=self._ids(),
            campaign=campaign,
            event=event,
            address=address,
            confidence=confidence,
            details=_json(details or {}),
        )

    def _execute(self, statement: str, **parameters: Any) -> psycopg.Cursor[Any]:
        common = {"organization": self._run.organization_id, "analysis": self._run.analysis_id}
        return self._connection.execute(statement, common | parameters)


@dataclass(frozen=True, slots=True)
class _Details:
    """What the sessions tell of one community's sources."""

    sessions: Mapping[str, list[str]]
    spans: Mapping[str, tuple[datetime, datetime]]
    techniques: tuple[Technique, ...]
    countries: list[str]


_NOTHING: Final = _Details({}, {}, (), [])


def _details(sessions: pl.DataFrame, communities: list[Community]) -> dict[int, _Details]:
    """Of each community by its place, one pass over the sessions for all of them."""
    members = pl.DataFrame(
        [(address, number) for number, each in enumerate(communities) for address in each.source_ips],
        schema={"source_ip": pl.String, "community": pl.Int64},
        orient="row",
    )
    mine = sessions.join(members, on="source_ip").sort("source_ip", "started_at", "session_id")
    details = {}
    for (number,), part in mine.partition_by("community", as_dict=True).items():
        by_source = part.group_by("source_ip", maintain_order=True).agg(
            "session_id", pl.col("started_at").min().alias("first"), pl.col("started_at").max().alias("last")
        )
        commands = part["commands"].explode(empty_as_null=False).drop_nulls().head(_MOST_COMMANDS)
        details[int(number)] = _Details(
            dict(by_source.select("source_ip", "session_id").iter_rows()),
            {
                address: (first, last)
                for address, first, last in by_source.select("source_ip", "first", "last").iter_rows()
            },
            techniques(commands),
            part["country"].drop_nulls().unique().sort().to_list(),
        )
    return details


def _fact(campaign: UUID, summed: Any, community: Community, joined: Iterable[str]) -> CampaignFact:
    _, name, first, last, sessions, sources = summed
    return CampaignFact(
        id=campaign,
        name=name,
        confidence=community.confidence,
        first_seen=first,
        last_seen=last,
        properties={"sources": sources, "sessions": int(sessions)},
        addresses=[(address, community.member_confidence[address]) for address in joined],
        indicators=[(each.type, each.value, each.confidence) for each in community.indicators if each.type != "ip"],
    )


def _scores(community: Community) -> dict[str, float]:
    scores = community.scores
    return {
        "temporal": scores.temporal,
        "behavioral": scores.behavioral,
        "infrastructure": scores.infrastructure,
        "geographic": scores.geographic,
    }


def _evidence(evidence: Any) -> dict[str, Any]:
    return {
        "kind": evidence.kind,
        "version": evidence.version,
        "score": evidence.score,
        "text": evidence.text,
        "refs": list(evidence.refs),
    }


def _technique(technique: Technique) -> dict[str, Any]:
    return {"id": technique.id, "name": technique.name, "count": technique.count, "rule": technique.rule}


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()
