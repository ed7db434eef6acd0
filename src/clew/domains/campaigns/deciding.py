"""What analysts decide about campaigns. It takes effect at once, binds every later run, and can be undone.

Everything takes a connection inside a tenant's transaction and commits nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg
import sqlalchemy as sa

from clew.domains.campaigns import statements
from clew.domains.campaigns.connection import enter_campaigns
from clew.domains.campaigns.facts import CampaignFact, Telling
from clew.domains.campaigns.reading import Campaign, find_campaign
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from clew.kernel.ids import IdMaker, new_id
from clew.kernel.transactions import driver_connection
from clew.records import stage
from clew.records.acts import Act, record
from clew.records.lookup import is_storable

MAXIMUM_NAME: Final = 200

_SOURCES: Final = """
SELECT array_agg(host(source_ip) ORDER BY source_ip) FROM campaign_members
WHERE organization_id = %(organization)s AND campaign_id = ANY(%(campaigns)s::uuid[])
"""
_DECIDE: Final = """
INSERT INTO campaign_decisions (organization_id, id, campaign_id, decision, parameters, user_id)
VALUES (%(organization)s, %(id)s, %(campaign)s, %(decision)s, %(parameters)s,
        nullif(current_setting('app.current_user_id', true), '')::uuid)
"""
_LATEST: Final = """
SELECT id, decision, parameters FROM campaign_decisions
WHERE organization_id = %(organization)s AND campaign_id = %(campaign)s AND undone_at IS NULL ORDER BY id DESC LIMIT 1
"""
_UNDO: Final = """
UPDATE campaign_decisions SET undone_at = clock_timestamp() WHERE organization_id = %(organization)s AND id = %(id)s
"""
_SET: Final = """
UPDATE campaigns SET name = coalesce(%(name)s, name), is_named = is_named OR %(name)s IS NOT NULL,
    is_pinned = coalesce(%(pinned)s, is_pinned), is_rejected = coalesce(%(rejected)s, is_rejected),
    status = coalesce(%(status)s, status), updated_at = now()
WHERE organization_id = %(organization)s AND id = %(campaign)s
"""
_ATTRIBUTE: Final = """
UPDATE campaigns SET threat_actor_attribution = %(actor)s, updated_at = now()
WHERE organization_id = %(organization)s AND id = %(campaign)s
"""
_UNMERGE: Final = """
UPDATE campaigns SET merged_into = NULL, status = 'active', updated_at = now()
WHERE organization_id = %(organization)s AND id = ANY(%(campaigns)s::uuid[]) AND merged_into = %(into)s
RETURNING id
"""
_SPLIT_OFF: Final = """
INSERT INTO campaigns (organization_id, id, name, status, confidence, confidence_threshold, scores, evidence, ttps,
                       split_from, metadata)
SELECT organization_id, %(id)s, %(name)s, status, confidence, confidence_threshold, scores, evidence, ttps, id, metadata
FROM campaigns WHERE organization_id = %(organization)s AND id = %(campaign)s
"""
_MOVE_MEMBERS: Final = """
INSERT INTO campaign_members (organization_id, campaign_id, source_ip, confidence, first_seen, last_seen, session_ids)
SELECT organization_id, %(into)s, source_ip, confidence, first_seen, last_seen, session_ids FROM campaign_members
WHERE organization_id = %(organization)s AND campaign_id = %(campaign)s AND host(source_ip) = ANY(%(sources)s::text[])
ON CONFLICT (organization_id, campaign_id, source_ip) DO UPDATE SET session_ids = excluded.session_ids
"""
_COPY_INDICATORS: Final = """
INSERT INTO campaign_indicators (organization_id, campaign_id, indicator_type, indicator_value, confidence, first_seen,
                                 last_seen, occurrence_count)
SELECT organization_id, %(into)s, indicator_type, indicator_value, confidence, first_seen, last_seen, occurrence_count
FROM campaign_indicators
WHERE organization_id = %(organization)s AND campaign_id = %(campaign)s
  AND (indicator_type <> 'ip' OR indicator_value = ANY(%(sources)s::text[]))
ON CONFLICT DO NOTHING
"""
_DROP_ADDRESSES: Final = """
DELETE FROM campaign_indicators
WHERE organization_id = %(organization)s AND campaign_id = %(campaign)s AND indicator_type = 'ip'
  AND indicator_value = ANY(%(sources)s::text[])
"""


class Deciding:
    """Decisions in one transaction."""

    def __init__(self, connection: sa.Connection, organization_id: UUID, *, ids: IdMaker = new_id) -> None:
        self._sqlalchemy = connection
        self._connection = driver_connection(connection)
        self._organization_id = organization_id
        self._ids = ids
        enter_campaigns(self._connection, organization_id)

    def pin(self, campaign: str | UUID) -> Campaign:
        """Its sources stay together, whatever later runs find. Raises NotFoundError, ConflictError."""
        found = self._standing(campaign)
        self._execute(_SET, campaign=found.id, name=None, pinned=True, rejected=None, status=None)
        self._decide(found, "pin", {"sources": self._sources(found.id)})
        return self._again(found)

    def reject(self, campaign: str | UUID) -> Campaign:
        """It is none: its sources are not put together again. Raises NotFoundError, ConflictError."""
        found = self._standing(campaign)
        self._execute(_SET, campaign=found.id, name=None, pinned=False, rejected=True, status="concluded")
        self._decide(found, "reject", {"sources": self._sources(found.id), "was": found.status})
        return self._again(found)

    def rename(self, campaign: str | UUID, name: str) -> Campaign:
        """Later runs leave the name alone. Raises NotFoundError, InputError."""
        found, title = self._find(campaign), " ".join(name.split())
        if not title or len(title) > MAXIMUM_NAME or not is_storable(title):
            raise InputError("this cannot be a name", where="name", remedy=f"write 1 to {MAXIMUM_NAME} characters")
        self._execute(_SET, campaign=found.id, name=title, pinned=None, rejected=None, status=None)
        self._decide(found, "rename", {"was": found.name, "name": title})
        return self._told(self._again(found))

    def attribute(self, campaign: str | UUID, threat_actor: str | None) -> Campaign:
        """Say who is behind it; None or nothing: nobody knows. Raises NotFoundError, InputError."""
        found, actor = self._find(campaign), " ".join((threat_actor or "").split()) or None
        if actor is not None and (len(actor) > MAXIMUM_NAME or not is_storable(actor)):
            raise InputError("this cannot be a name", where="actor", remedy=f"write at most {MAXIMUM_NAME} characters")
        self._execute(_ATTRIBUTE, campaign=found.id, actor=actor)
        self._decide(found, "attribute", {"was": found.threat_actor, "actor": actor})
        return self._told(self._again(found))

    def merge(self, campaign: str | UUID, others: Sequence[str | UUID]) -> Campaign:
        """The others are one with it from now on. Raises NotFoundError, ConflictError, InputError."""
        found = self._standing(campaign)
        merged = list(dict.fromkeys(self._standing(other).id for other in others))
        if not merged or found.id in merged:
            raise InputError("a campaign is merged with others", where="others", remedy="name at least one other")
        own = self._sources(found.id)
        self._execute(statements.TAKE_MEMBERS, into=found.id, merged=merged)
        for other in merged:
            self._execute(_COPY_INDICATORS, into=found.id, campaign=other, sources=self._sources(other))
            self._tell(other, "merged", {"into": str(found.id)})
        self._execute(statements.MERGE, into=found.id, merged=merged)
        self._execute(statements.SUM_UP, campaigns=[found.id])
        sources = self._sources(found.id)
        names = [str(each) for each in merged]
        self._decide(found, "merge", {"sources": sources, "own": own, "campaigns": names})
        return self._told(self._again(found))

    def split(self, campaign: str | UUID, parts: Sequence[str]) -> list[Campaign]:
        """Sources, or campaigns that were merged into it, leave it; what is left, then those that left.

        The two sides are never put together again. Sources make one new campaign. Raises NotFoundError, InputError.
        """
        found = self._standing(campaign)
        own = self._sources(found.id)
        restored = [part for part in parts if part not in own]
        leaving = {part for part in parts if part in own}
        back = [self._find(part).id for part in restored]
        undone = self._execute(_UNMERGE, campaigns=back, into=found.id).fetchall() if back else []
        if len(undone) < len(back):
            raise NotFoundError(
                "not all of these are sources of it or were merged into it",
                where=f"campaign {found.name}",
                remedy="`clew campaign show` lists its sources",
            )
        for other in back:
            leaving |= set(self._sources(other))
            self._tell(other, "restored", {"from": str(found.id)})
        leaves = sorted(leaving)
        stays = sorted(set(own) - leaving)
        if len(stays) < 2 or not leaves or (not back and len(leaves) < 2):
            raise InputError(
                "both sides of a split need at least two sources", where="sources", remedy="choose others, or reject it"
            )
        made = [] if back else [self._split_off(found, leaves)]
        self._drop(found.id, leaves)
        decided = {"stays": stays, "leaves": leaves, "campaigns": [str(each) for each in (*back, *made)]}
        self._decide(found, "split", decided | {"restored": bool(back)})
        return [self._told(self._again(found)), *(self._told(self._find(each)) for each in (*back, *made))]

    def undo(self, campaign: str | UUID) -> Campaign:
        """Take back what was decided about it last. Raises NotFoundError, ConflictError if nothing was."""
        found = self._find(campaign)
        row = self._execute(_LATEST, campaign=found.id).fetchone()
        if row is None:
            raise ConflictError("nothing was decided about it", where=f"campaign {found.name}")
        identifier, decision, parameters = row
        self._execute(_UNDO, id=identifier)
        self._take_back(found, decision, parameters)
        self._act(found, "campaign_decision_undone", {"decision": decision})
        self._tell(found.id, "undone", {"decision": decision})
        return self._again(found)

    def _take_back(self, found: Campaign, decision: str, parameters: Mapping[str, Any]) -> None:
        match decision:
            case "pin":
                self._execute(_SET, campaign=found.id, name=None, pinned=False, rejected=None, status=None)
            case "reject":
                was = parameters["was"]
                self._execute(_SET, campaign=found.id, name=None, pinned=None, rejected=False, status=was)
            case "rename":
                name = parameters["was"]
                self._execute(_SET, campaign=found.id, name=name, pinned=None, rejected=None, status=None)
            case "attribute":
                self._execute(_ATTRIBUTE, campaign=found.id, actor=parameters["was"])
            case "merge":
                self._execute(_UNMERGE, campaigns=parameters["campaigns"], into=found.id)
                self._drop(found.id, sorted(set(parameters["sources"]) - set(parameters["own"])))
            case "split":
                made = [UUID(each) for each in parameters["campaigns"]]
                self._execute(statements.TAKE_MEMBERS, into=found.id, merged=made)
                self._execute(statements.MERGE, into=found.id, merged=made)
                self._execute(statements.SUM_UP, campaigns=[found.id])

    def _split_off(self, found: Campaign, leaves: list[str]) -> UUID:
        made = self._ids()
        self._execute(
            _SPLIT_OFF, id=made, campaign=found.id, name=f"{found.name[: MAXIMUM_NAME - 11]} – {made.hex[-6:]}"
        )
        self._execute(_MOVE_MEMBERS, into=made, campaign=found.id, sources=leaves)
        self._execute(_COPY_INDICATORS, into=made, campaign=found.id, sources=leaves)
        self._execute(statements.SUM_UP, campaigns=[made])
        self._tell(made, "split", {"from": str(found.id)})
        return made

    def _drop(self, campaign: UUID, sources: list[str]) -> None:
        self._execute(statements.DROP_MEMBERS, campaigns=[campaign] * len(sources), addresses=sources)
        self._execute(_DROP_ADDRESSES, campaign=campaign, sources=sources)
        self._execute(statements.SUM_UP, campaigns=[campaign])

    def _sources(self, campaign: UUID) -> list[str]:
        row = self._execute(_SOURCES, campaigns=[campaign]).fetchone()
        return list(row[0] or ()) if row else []

    def _find(self, campaign: str | UUID) -> Campaign:
        return find_campaign(self._sqlalchemy, self._organization_id, campaign)

    def _standing(self, campaign: str | UUID) -> Campaign:
        found = self._find(campaign)
        if found.merged_into is not None or found.is_rejected:
            state = "merged into another" if found.merged_into else "rejected"
            raise ConflictError(f"this campaign was {state}", where=f"campaign {found.name}", remedy="undo that first")
        return found

    def _again(self, campaign: Campaign) -> Campaign:
        return self._find(campaign.id)

    def _decide(self, found: Campaign, decision: str, parameters: Mapping[str, Any]) -> None:
        row = {"id": self._ids(), "campaign": found.id, "decision": decision, "parameters": _json(parameters)}
        self._execute(_DECIDE, **row)
        told = {name: len(value) if isinstance(value, list) else value for name, value in parameters.items()}
        self._act(found, f"campaign_{_ACTS[decision]}", told)
        self._tell(found.id, _ACTS[decision], told)

    def _act(self, found: Campaign, event: str, request: Mapping[str, Any]) -> None:
        record(self._connection, Act(event, "UPDATE", "campaign", found.id, found.name, request=request))

    def _tell(self, campaign: UUID, event: str, details: Mapping[str, Any]) -> None:
        self._execute(
            statements.TELL,
            id=self._ids(),
            campaign=campaign,
            event=event,
            address=None,
            confidence=None,
            details=_json(details),
        )

    def _told(self, campaign: Campaign) -> Campaign:
        """The campaign, whose entity says the same of it."""
        if campaign.first_seen is None or campaign.last_seen is None:
            return campaign
        stage.create_stages(self._connection, for_loads=False)
        telling = Telling(
            self._connection, self._organization_id, None, self._ids(), datetime.now(UTC), {"decided": str(campaign.id)}
        )
        fact = CampaignFact(
            campaign.id,
            campaign.name,
            campaign.confidence,
            campaign.first_seen,
            campaign.last_seen,
            {"sources": campaign.sources, "sessions": campaign.sessions},
            threat_actor=campaign.threat_actor,
        )
        telling.enter([fact])
        return campaign

    def _execute(self, statement: str, **parameters: Any) -> psycopg.Cursor[Any]:
        common = {"organization": self._organization_id, "analysis": None}
        return self._connection.execute(statement, common | parameters)


_ACTS: Final = {
    "pin": "pinned",
    "reject": "rejected",
    "merge": "merged_by_hand",
    "split": "split_by_hand",
    "rename": "renamed",
    "attribute": "attributed",
}


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()
