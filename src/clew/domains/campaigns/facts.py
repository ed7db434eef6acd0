"""Campaigns as facts: an entity for each, and what indicates it, entered through the loader like any other finding.

The item that they were seen in is the analysis. A campaign's identity is its id, so renaming it changes no identity.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

import orjson
import psycopg

from clew.ingest.facts import FactBuilder, Reference
from clew.ingest.resolve import Resolver
from clew.records.batch import FileItem
from clew.records.fact_merge import FactMerger

SOURCE: Final = "coordination"
_COLLECTION: Final = "Analyses"
_HASH: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")
_MOST_SOURCES: Final = 2_000
"""Addresses of one campaign that become relations in one run; its members are all in campaign_members."""

_ENSURE_ITEM: Final = """
WITH source AS (
    INSERT INTO sources (organization_id, id, name, source_type)
    VALUES (%(organization)s, %(source)s, %(name)s, 'analysis') ON CONFLICT (organization_id, name) DO NOTHING
), collection AS (
    INSERT INTO collections (organization_id, id, user_id, name, collector_type, status)
    VALUES (%(organization)s, %(collection)s,
            coalesce(%(user)s, nullif(current_setting('app.current_user_id', true), '')::uuid), %(collection_name)s,
            'custom', 'completed')
    ON CONFLICT (organization_id, id) DO NOTHING
), hash AS (
    INSERT INTO collection_item_hashes (organization_id, hash, collection_item_id, collected_at)
    VALUES (%(organization)s, encode(sha256(convert_to(%(raw)s, 'UTF8')), 'hex'), %(item)s, %(now)s)
)
INSERT INTO collection_items (organization_id, id, collection_id, source_id, raw_data, item_type, hash, collected_at,
                              file_name, is_processed)
VALUES (%(organization)s, %(item)s, %(collection)s, %(source)s, %(raw)s::jsonb, 'analysis',
        encode(sha256(convert_to(%(raw)s, 'UTF8')), 'hex'), %(now)s, %(file)s, true)
"""
_RENAME: Final = """
UPDATE entities SET name = %(name)s, normalized_name = %(normalized)s, updated_at = now()
WHERE organization_id = %(organization)s AND id = %(id)s AND name <> %(name)s
"""


@dataclass(frozen=True, slots=True)
class CampaignFact:
    """What is said of one campaign. `indicators` are (type, value, confidence)."""

    id: UUID
    name: str
    confidence: float
    first_seen: datetime
    last_seen: datetime
    properties: dict[str, Any]
    addresses: Iterable[tuple[str, float]] = ()
    indicators: Iterable[tuple[str, str, float]] = ()
    threat_actor: str | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """Enters facts about campaigns, in the caller's transaction; `item` stands for what they come from."""

    connection: psycopg.Connection[Any]
    organization_id: UUID
    user_id: UUID | None
    item: UUID
    now: datetime
    description: dict[str, Any] = field(default_factory=dict)

    def enter(self, campaigns: Iterable[CampaignFact]) -> None:
        """Enter them; nothing if there are none."""
        builder = FactBuilder()
        told = list(campaigns)
        for number, campaign in enumerate(told):
            _say(builder, number, campaign)
        if not told:
            return
        item = self._item()
        resolver = Resolver(self.organization_id, SOURCE, self.item, has_rows=False, loaded_at=self.now)
        batch = resolver.resolve(builder.facts(), lambda _: b"", lambda records: [b""] * len(records))
        FactMerger(self.connection, self.organization_id, item).merge(batch)
        self._rename(told)

    def _item(self) -> FileItem:
        collection = uuid5(self.organization_id, f"collection:{_COLLECTION}")
        source = uuid5(self.organization_id, f"source:{SOURCE}")
        name = f"analysis {self.item}"
        row = {
            "organization": self.organization_id,
            "source": source,
            "name": SOURCE,
            "collection": collection,
            "collection_name": _COLLECTION,
            "user": self.user_id,
            "item": self.item,
            "raw": orjson.dumps({"id": str(self.item), **self.description}, default=str).decode(),
            "now": self.now,
            "file": name,
        }
        self.connection.execute(_ENSURE_ITEM, row)
        return FileItem(self.item, name, SOURCE, source, collection, has_rows=False)

    def _rename(self, campaigns: Iterable[CampaignFact]) -> None:
        """Merging keeps the lesser of two names, so that order cannot change it; a campaign has the name it has now."""
        for campaign in campaigns:
            identifier, normalized = campaign_entity(self.organization_id, campaign.id, campaign.name)
            row = {"organization": self.organization_id, "id": identifier, "name": campaign.name}
            self.connection.execute(_RENAME, row | {"normalized": normalized})


def campaign_entity(organization_id: UUID, campaign: UUID, name: str) -> tuple[UUID, str]:
    """The id of a campaign's entity, and its name as it is compared."""
    from clew.ontology import entity_id, normalize  # noqa: PLC0415 - loads what only writing needs

    known = normalize("campaign", name, _identity(campaign))
    return entity_id(organization_id, "campaign", known.identity), known.normalized_name


def _identity(campaign: UUID) -> str:
    return f"clew:{campaign}"


def _say(builder: FactBuilder, number: int, campaign: CampaignFact) -> None:
    builder.record(number, number + 1)
    here: Reference = ("campaign", campaign.name, _identity(campaign.id))
    first, last = campaign.first_seen, campaign.last_seen
    builder.mention(
        number,
        *here,
        required=True,
        confidence=campaign.confidence,
        properties=campaign.properties | {"campaign_id": str(campaign.id)},
        method="coordination",
        first_seen=first,
        last_seen=last,
    )
    sources = sorted(campaign.addresses, key=lambda each: (-each[1], each[0]))[:_MOST_SOURCES]
    indicated = [(("ip_address", address), surety) for address, surety in sources]
    for kind, value, surety in campaign.indicators:
        reference = _reference(kind, value)
        if reference is not None:
            indicated.append((reference, surety))
    for reference, surety in dict(indicated).items():
        builder.mention(
            number, *reference, confidence=surety, first_seen=first, last_seen=last, method="campaign_indicator"
        )
        builder.link(number, reference, "INDICATES", here, confidence=surety, first_seen=first, last_seen=last)
    if campaign.threat_actor:
        actor: Reference = ("threat_actor", campaign.threat_actor)
        builder.mention(number, *actor, confidence=campaign.confidence, method="attribution")
        builder.link(number, here, "ATTRIBUTED_TO", actor, confidence=campaign.confidence)


def _reference(kind: str, value: str) -> tuple[str, str] | None:
    if kind == "hash" and _HASH.fullmatch(value):
        return "file_hash", value
    if kind == "domain":
        return "domain", value
    if kind == "ip":
        try:
            return "ip_address", str(ipaddress.ip_address(value))
        except ValueError:
            return None
    return None
