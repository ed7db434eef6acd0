"""Campaigns as events of MISP (CATALOGUE: section "MISP"), each with ids that follow from the campaign.

The event is made anew from the campaign whenever it is asked for. What people and peers changed about it stays: the
difference between two makings is merged into our copy, like a change that a peer made.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

import orjson
import sqlalchemy as sa

from clew.domains.campaigns.reading import CampaignDetails, campaign_details, list_campaigns
from clew.domains.campaigns.tables import campaigns
from clew.domains.exchange import keeping
from clew.domains.exchange.keeping import NewObject
from clew.domains.exchange.misp_shape import MISP
from clew.domains.exchange.three_way import Fields, extended, merge, same
from clew.kernel.settings import Settings

_NAMESPACE: Final = UUID("5f0b6d0e-6d53-4f5a-9a3e-1c8f6f1f7c31")
_OBJECT_TEMPLATE: Final = "35928348-56be-4d7f-9752-a80927936351"  # attack-pattern of misp-objects
_HASHES: Final = {32: "md5", 40: "sha1", 64: "sha256"}
_CONFIDENCES: Final = ((0.8, "high", "1"), (0.5, "medium", "2"), (0.0, "low", "3"))
_MOST_TEXT: Final = 60_000


def event_uuid(campaign: UUID) -> str:
    """The uuid of a campaign's event, always the same."""
    return str(uuid5(_NAMESPACE, str(campaign)))


def event_of(details: CampaignDetails, now: datetime, *, distribution: int = 3, tlp: str = "green") -> Fields:
    """The event of a campaign as MISP takes it."""
    campaign = details.campaign
    event, stamp = event_uuid(campaign.id), str(int((campaign.last_seen or now).timestamp()))
    word, threat = next((word, level) for least, word, level in _CONFIDENCES if campaign.confidence >= least)
    tags = ["dshield:coordinated-attack", f"confidence:{word}", f"tlp:{tlp}"]
    attributes = [_attribute(event, "campaign-name", "Attribution", campaign.name, "", stamp, to_ids=False)]
    for member in details.members:
        comment = f"Coordination confidence: {member.confidence:.2f}"
        times = (member.first_seen, member.last_seen)
        attributes.append(
            _attribute(event, "ip-src", "Network activity", member.source_ip, comment, stamp, times=times)
        )
    for each in details.indicators:
        found = _indicator(each.type, each.value)
        if found is not None:
            kind, category = found
            comment, times_of = f"Coordination confidence: {each.confidence:.2f}", (each.first_seen, each.last_seen)
            attributes.append(_attribute(event, kind, category, each.value, comment, stamp, times=times_of))
    if campaign.threat_actor:
        attributes.append(
            _attribute(event, "threat-actor", "Attribution", campaign.threat_actor, "", stamp, to_ids=False)
        )
    made: Fields = {
        "uuid": event,
        "info": f"DShield Campaign: {campaign.name}",
        "date": (campaign.first_seen or now).date().isoformat(),
        "threat_level_id": threat,
        "analysis": "2",
        "distribution": str(distribution),
        "published": False,
        "timestamp": stamp,
        "Tag": [{"name": name} for name in tags],
        "Attribute": list({each["uuid"]: each for each in attributes}.values()),
        "Object": [_technique(event, each, stamp) for each in details.techniques],
    }
    return made


def refresh_events(connection: sa.Connection, organization_id: UUID, now: datetime, settings: Settings) -> list[str]:
    """Bring our copies of all campaigns' events up to the campaigns; the uuids of those that stand.

    A campaign that is none any more has its event deleted; an event that was deleted is not made again.
    """
    standing: list[str] = []
    for campaign in list_campaigns(connection, organization_id):
        details = campaign_details(connection, organization_id, campaign)
        if refresh_event(connection, organization_id, details, now, settings) is not None:
            standing.append(event_uuid(campaign.id))
    for kept in keeping.with_campaigns(connection, organization_id):
        if kept.external_id not in standing and kept.deleted_at is None:
            keeping.forget(connection, organization_id, "misp", kept.external_id, now)
    return standing


def refresh_event(
    connection: sa.Connection, organization_id: UUID, details: CampaignDetails, now: datetime, settings: Settings
) -> Fields | None:
    """Our copy of a campaign's event, brought up to it; None if it was deleted."""
    campaign = details.campaign
    made = event_of(details, now, distribution=settings.misp_distribution, tlp=settings.misp_tlp)
    identifier, content = made["uuid"], orjson.dumps(made)
    mine = keeping.find(connection, organization_id, "misp", identifier)
    if mine is not None and mine.content is None:
        return None
    before = keeping.generated(connection, organization_id, "misp", identifier)
    document: Fields = made
    if mine is not None and before is not None:
        base = orjson.loads(before)
        if same(base, made, MISP):
            document = mine.document
        else:
            sides = (extended(each, mine.document, base, MISP) for each in (base, made))
            document = merge(next(sides), mine.document, next(sides), MISP).document
    new = NewObject("misp", identifier, "event", made["info"], orjson.dumps(document), campaign.id)
    keeping.keep(connection, organization_id, [new], now)
    keeping.note_generated(connection, organization_id, "misp", identifier, content)
    connection.execute(
        sa.update(campaigns)
        .where(
            campaigns.c.organization_id == organization_id,
            campaigns.c.id == campaign.id,
            campaigns.c.misp_event_id.is_distinct_from(identifier),
        )
        .values(misp_event_id=identifier)
    )
    return document


def _attribute(
    event: str,
    kind: str,
    category: str,
    value: str,
    comment: str,
    stamp: str,
    *,
    times: tuple[datetime | None, datetime | None] = (None, None),
    to_ids: bool = True,
) -> Fields:
    found: Fields = {
        "uuid": str(uuid5(UUID(event), f"{kind}\n{value}")),
        "type": kind,
        "category": category,
        "value": value.replace("\0", "\u2400")[:_MOST_TEXT],
        "comment": comment,
        "to_ids": to_ids,
        "distribution": "5",
        "timestamp": stamp,
    }
    for name, moment in zip(("first_seen", "last_seen"), times, strict=True):
        if moment is not None:
            found[name] = moment.isoformat(timespec="microseconds")  # as MISP writes it
    return found


def _indicator(kind: str, value: str) -> tuple[str, str] | None:
    if kind == "domain":
        return "domain", "Network activity"
    if kind == "hash":
        digest = _HASHES.get(len(value))
        return (digest, "Payload delivery") if digest else None
    if kind in {"pattern", "behavior"}:
        return "pattern-in-traffic", "Payload delivery"
    return None  # addresses are the members


def _technique(event: str, technique: dict[str, Any], stamp: str) -> Fields:
    number, name = str(technique.get("id", "")), str(technique.get("name", ""))
    identifier = str(uuid5(UUID(event), f"attack-pattern\n{number}"))

    def part(relation: str, value: str) -> Fields:
        return {
            "uuid": str(uuid5(UUID(identifier), relation)),
            "object_relation": relation,
            "type": "text",
            "category": "Other",
            "value": value,
            "to_ids": False,
            "disable_correlation": True,
            "distribution": "5",
            "timestamp": stamp,
        }

    return {
        "uuid": identifier,
        "name": "attack-pattern",
        "meta-category": "ttp",
        "template_uuid": _OBJECT_TEMPLATE,
        "template_version": "8",
        "distribution": "5",
        "timestamp": stamp,
        "Attribute": [part("id", number), part("name", name)],
    }
