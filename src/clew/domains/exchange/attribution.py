"""Who is behind a campaign, as events of the community say: an attribution that an analyst has not made."""

from typing import Final
from uuid import UUID

import orjson
import sqlalchemy as sa

from clew.ingest.sources.misp_types import ATTRIBUTES

LEAST_SHARED: Final = 3
"""Indicators that an event shares with a campaign, at least, to tell of it; all of them, if the campaign has fewer."""

_CAMPAIGNS: Final = sa.text("""
SELECT c.id, array_agg(DISTINCT i.indicator_value) AS indicators FROM campaigns AS c
JOIN campaign_indicators AS i ON i.organization_id = c.organization_id AND i.campaign_id = c.id
WHERE c.organization_id = :organization AND c.threat_actor_attribution IS NULL AND c.merged_into IS NULL
  AND NOT c.is_rejected AND i.indicator_type IN ('ip', 'domain', 'hash')
GROUP BY c.id ORDER BY c.id
""")
_EVENTS: Final = sa.text("""
SELECT DISTINCT o.external_id, c.content, o.campaign_id FROM exchange_objects AS o
JOIN exchange_contents AS c ON c.organization_id = o.organization_id AND c.hash = o.content_hash
WHERE o.organization_id = :organization AND o.form = 'misp'
  AND (position(convert_to('threat-actor', 'UTF8') IN c.content) > 0
       OR position(convert_to('intrusion-set', 'UTF8') IN c.content) > 0)
ORDER BY o.external_id
""")
_ATTRIBUTE: Final = sa.text("""
UPDATE campaigns SET threat_actor_attribution = :actor, updated_at = now(),
       metadata = metadata || jsonb_build_object('attributed_by', CAST(:event AS text))
WHERE organization_id = :organization AND id = :id AND threat_actor_attribution IS NULL
""")


def attribute_campaigns(connection: sa.Connection, organization_id: UUID) -> int:
    """Attribute campaigns to the threat actor that an event names; how many were.

    The event is the campaign's own (a peer added the actor), or shares LEAST_SHARED indicators with it. Events that
    name several actors, and several events that name different ones, attribute nothing.
    """
    campaigns = {
        row.id: set(row.indicators) for row in connection.execute(_CAMPAIGNS, {"organization": organization_id})
    }
    if not campaigns:
        return 0
    claims: dict[UUID, dict[str, str]] = {}
    for identifier, content, own in connection.execute(_EVENTS, {"organization": organization_id}):
        event = orjson.loads(content)
        actors = actors_of(event)
        if len(actors) != 1:
            continue
        values = _values(event)
        for campaign, indicators in campaigns.items():
            shared = len(indicators & values)
            if own == campaign or shared >= min(LEAST_SHARED, len(indicators)) > 0:
                claims.setdefault(campaign, {}).setdefault(next(iter(actors)), identifier)
    done = 0
    for campaign, actors_told in claims.items():
        if len(actors_told) == 1:
            ((actor, identifier),) = actors_told.items()
            values_of = {"organization": organization_id, "id": campaign, "actor": actor[:500], "event": identifier}
            done += connection.execute(_ATTRIBUTE, values_of).rowcount
    return done


def actors_of(event: dict[str, object]) -> set[str]:
    """The threat actors that an event names, by galaxy, tag or attribute."""
    found: set[str] = set()
    for tag in _list(event.get("Tag")):
        name = str(tag.get("name", ""))
        kind, _, value = name.partition("=")
        if kind in {"misp-galaxy:threat-actor", "misp-galaxy:mitre-intrusion-set"} and len(value) > 2:
            found.add(value.strip('"'))
    for galaxy in _list(event.get("Galaxy")):
        if galaxy.get("type") in {"threat-actor", "mitre-intrusion-set"}:
            found |= {str(each["value"]) for each in _list(galaxy.get("GalaxyCluster")) if each.get("value")}
    found |= {
        str(each["value"]) for each in _attributes(event) if each.get("type") == "threat-actor" and each.get("value")
    }
    return {each.replace("\0", "").strip() for each in found} - {""}


def _values(event: dict[str, object]) -> set[str]:
    found: set[str] = set()
    for each in _attributes(event):
        value = each.get("value")
        if isinstance(value, str) and each.get("type") in ATTRIBUTES and each.get("deleted") not in (True, 1, "1"):
            found |= set(value.split("|")) | {value}
    return found


def _attributes(event: dict[str, object]) -> list[dict[str, object]]:
    inner = [each for held in _list(event.get("Object")) for each in _list(held.get("Attribute"))]
    return _list(event.get("Attribute")) + inner


def _list(value: object) -> list[dict[str, object]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
