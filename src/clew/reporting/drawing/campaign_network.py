"""The picture of a campaign: its sources, and what links them, each kind of evidence with what is shared."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from clew.reporting.document import Campaign, Entity, Relationship
from clew.reporting.drawing import network
from clew.reporting.inert_text import inert

MOST_SOURCES: Final = 24
MOST_REASONS: Final = 8
_LONGEST: Final = 200
# How what is shared is drawn: as artefacts, as parts of the network, or as anything else.
_TYPES: Final = {
    "download": "file_hash",
    "key": "ssh_key",
    "credential": "credential",
    "secret": "credential",
    "client": "software",
    "fingerprint": "software",
    "url": "url",
    "host": "domain",
    "prefix": "asn",
}


@dataclass(frozen=True, slots=True)
class CampaignPicture:
    """The network, and how much of the campaign it leaves out."""

    network: network.Network
    sources: int
    reasons: int


def draw(campaign: Campaign) -> CampaignPicture | None:
    """Who and how, the surest sources and the strongest reasons; None where no example links any."""
    told = [each for each in campaign.reasons if each.shown_by][:MOST_REASONS]
    named = {address for reason in told for address in reason.shown_by}
    surest = [address for address, _, _ in campaign.members]
    order = [*(each for each in surest if each in named), *sorted(named - set(surest))]
    sources = order[:MOST_SOURCES]
    if not sources:
        return None
    shown = set(sources)
    marks = [_mark(campaign.id, "ip_address", address) for address in sources]
    shared = [_mark(campaign.id, _TYPES.get(each.kind, "shared"), _label(each.kind, each.values)) for each in told]
    lines = [
        line
        for reason, mark in zip(told, shared, strict=True)
        for line in _lines(campaign.id, [each for each in reason.shown_by if each in shown], mark)
    ]
    return CampaignPicture(network.draw([*marks, *shared], lines), len(sources), len(told))


def _label(kind: str, values: tuple[str, ...]) -> str:
    return inert(f"{kind}: {values[0]}" if values else kind, _LONGEST)


def _mark(campaign: UUID, kind: str, name: str) -> Entity:
    return Entity(
        id=_identity(campaign, name),
        type=kind,
        name=name,
        platform=None,
        risk_score=0,
        confidence=1.0,
        first_seen=None,
        last_seen=None,
        flags=(),
        tags=(),
        degree=0,
        sightings=0,
        is_target=False,
    )


def _lines(campaign: UUID, addresses: list[str], mark: Entity) -> Iterator[Relationship]:
    for address in addresses:
        source = _identity(campaign, address)
        yield Relationship(uuid5(source, str(mark.id)), "USES", source, mark.id, 1.0, None, None)


def _identity(campaign: UUID, name: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"{campaign}/{name}")
