"""Campaigns as bundles of STIX 2.1: the campaign, what indicates it, its techniques and who is behind it.

Ids follow from the campaign, so that a bundle made again is the same but for what changed.
"""

import ipaddress
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from clew.domains.campaigns.reading import CampaignDetails
from clew.domains.exchange.three_way import Fields
from clew.domains.exchange.times import written

_NAMESPACE: Final = UUID("9d1f7f59-2a9b-4c8e-8a5e-0a1c1df2b9a4")
_HASHES: Final = {32: "MD5", 40: "SHA-1", 64: "SHA-256"}
TLP_MARKINGS: Final = {
    "clear": "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "green": "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "amber": "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
    "amber+strict": "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
    "red": "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}
"""The definitions that STIX 2.1 prescribes; it knows no amber+strict."""

_DEFINITIONS: Final = {"clear": "white", "green": "green", "amber": "amber", "amber+strict": "amber", "red": "red"}


def objects_of_campaign(details: CampaignDetails, now: datetime, *, tlp: str = "green") -> list[Fields]:
    """The objects of a campaign, the campaign first. Times are the campaign's, so that nothing changes by itself."""
    maker = _Maker(details, now, tlp)
    campaign = details.campaign
    here = maker.made(
        "campaign",
        str(campaign.id),
        name=campaign.name,
        description=details.description,
        first_seen=_time(campaign.first_seen),
        last_seen=_time(campaign.last_seen),
        confidence=round(campaign.confidence * 100),
    )
    found = [here]
    for kind, value, surety, first in _indicated(details):
        pattern = _pattern(kind, value)
        if pattern is not None:
            indicator = maker.made(
                "indicator",
                f"{kind}\n{value}",
                name=value[:200],
                pattern=pattern,
                pattern_type="stix",
                valid_from=_time(first) or maker.stamp,
                indicator_types=["malicious-activity"],
                confidence=round(surety * 100),
            )
            found += [indicator, maker.related(indicator, "indicates", here)]
    for technique in details.techniques:
        number = str(technique.get("id", ""))
        reference = {"source_name": "mitre-attack", "external_id": number}
        pattern_of = maker.made(
            "attack-pattern", f"technique\n{number}", name=str(technique.get("name") or number),
            external_references=[reference],
        )  # fmt: skip
        found += [pattern_of, maker.related(here, "uses", pattern_of)]
    if campaign.threat_actor:
        actor = maker.made("threat-actor", f"actor\n{campaign.threat_actor}", name=campaign.threat_actor)
        found += [actor, maker.related(here, "attributed-to", actor)]
    return list({each["id"]: each for each in found}.values())


def bundle_of_campaigns(campaigns: list[CampaignDetails], now: datetime, *, tlp: str = "green") -> Fields:
    """One bundle of campaigns, with the definition of their marking."""
    objects = {each["id"]: each for one in campaigns for each in objects_of_campaign(one, now, tlp=tlp)}
    name = "\n".join(sorted(str(one.campaign.id) for one in campaigns))
    return {
        "type": "bundle",
        "id": f"bundle--{uuid5(_NAMESPACE, name)}",
        "objects": [definition(tlp), *objects.values()],
    }


def definition(tlp: str) -> Fields:
    """The marking definition of a level."""
    level = _DEFINITIONS[tlp]
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": TLP_MARKINGS[tlp],
        "created": "2017-01-20T00:00:00.000Z",
        "definition_type": "tlp",
        "name": f"TLP:{level.upper()}",
        "definition": {"tlp": level},
    }


class _Maker:
    def __init__(self, details: CampaignDetails, now: datetime, tlp: str) -> None:
        campaign = details.campaign
        self._campaign = campaign.id
        self._marking = TLP_MARKINGS[tlp]
        self._created = written(campaign.first_seen or now)
        self.stamp = written(max(campaign.last_seen or now, campaign.first_seen or now))

    def made(self, kind: str, key: str, /, **fields: Any) -> Fields:
        found = {
            "type": kind,
            "spec_version": "2.1",
            "id": f"{kind}--{uuid5(_NAMESPACE, f'{self._campaign}{kind}{key}')}",
            "created": self._created,
            "modified": self.stamp,
            "object_marking_refs": [self._marking],
        }
        return found | {name: value for name, value in fields.items() if value is not None}

    def related(self, source: Fields, kind: str, target: Fields) -> Fields:
        name = f"{source['id']}{kind}{target['id']}"
        return self.made("relationship", name, relationship_type=kind, source_ref=source["id"], target_ref=target["id"])


def _indicated(details: CampaignDetails) -> list[tuple[str, str, float, datetime | None]]:
    members = [("ip", each.source_ip, each.confidence, each.first_seen) for each in details.members]
    others = [(one.type, one.value, one.confidence, one.first_seen) for one in details.indicators if one.type != "ip"]
    return [*members, *others]


def _pattern(kind: str, value: str) -> str | None:
    text = value.replace("\\", "\\\\").replace("'", "\\'")
    if kind == "ip":
        try:
            version = ipaddress.ip_address(value).version
        except ValueError:
            return None
        return f"[ipv{version}-addr:value = '{text}']"
    if kind == "domain":
        return f"[domain-name:value = '{text}']"
    if kind == "hash" and len(value) in _HASHES:
        return f"[file:hashes.'{_HASHES[len(value)]}' = '{text}']"
    return None


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else written(moment)
