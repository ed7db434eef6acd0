"""The registry of types, and normalisation by it."""

import functools
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from clew.ontology.types import EntityType
from clew.ontology.value import InvalidValueError, NormalizedValue

NORMALIZATION_VERSION: Final = 1
"""Raised whenever some value would get another identity than before, be it by a library's update."""

Normalizer = Callable[[EntityType, str, str | None], NormalizedValue]


@dataclass(frozen=True, slots=True)
class TypeRule:
    """What is declared of a type: the module of `values` that normalises it, and its identity in one sentence."""

    entity_type: EntityType
    module: str
    identity: str


_DISCRIMINATED: Final = "its discriminator, authority:identifier, which the source must give; never the name"

RULES: Final = (
    TypeRule(EntityType.PERSON, "name", _DISCRIMINATED),
    TypeRule(EntityType.ORGANIZATION, "name", _DISCRIMINATED),
    TypeRule(EntityType.LOCATION, "name", f"{_DISCRIMINATED}; coordinates are geo:latitude,longitude to six decimals"),
    TypeRule(EntityType.DOMAIN, "domain", "the host name in lower-case ASCII (UTS 46), without final dot and wildcard"),
    TypeRule(EntityType.IP_ADDRESS, "ip", "the address in canonical text; an IPv4-mapped IPv6 address is the IPv4 one"),
    TypeRule(EntityType.EMAIL, "email", "the local part with its case folded, and the domain in ASCII"),
    TypeRule(EntityType.PHONE, "phone", "the number in E.164; a national number needs its region"),
    TypeRule(EntityType.CRYPTOCURRENCY_ADDRESS, "cryptocurrency", "network:address, the checksum verified"),
    TypeRule(
        EntityType.USERNAME, "account", "platform:name with case folded; the name alone where no platform is known"
    ),
    TypeRule(EntityType.DOCUMENT, "name", _DISCRIMINATED),
    TypeRule(EntityType.SOCIAL_PROFILE, "account", "platform:handle with case folded; without platform, the URL"),
    TypeRule(EntityType.URL, "url", "the canonical URL (WHATWG) without fragment, a password masked"),
    TypeRule(EntityType.FILE_HASH, "hash", "the digest in lower case; its length tells the algorithm"),
    TypeRule(EntityType.ASN, "asn", "AS and the number"),
    TypeRule(EntityType.SSH_KEY, "ssh_key", "the SHA-256 fingerprint of the public key"),
    TypeRule(EntityType.SOFTWARE, "credential", "the name or banner with case folded"),
    TypeRule(EntityType.VULNERABILITY, "catalogued", "the CVE or GHSA number; else the folded name"),
    TypeRule(EntityType.MALWARE, "name", "the folded name, or a discriminator where the source has one"),
    TypeRule(EntityType.THREAT_ACTOR, "name", "the folded name, or a discriminator where the source has one"),
    TypeRule(EntityType.ATTACK_PATTERN, "catalogued", "the ATT&CK or CAPEC number; else the folded name"),
    TypeRule(EntityType.CAMPAIGN, "name", "the folded name, or a discriminator where the source has one"),
    TypeRule(EntityType.CREDENTIAL, "credential", "user:password exactly as sent"),
    TypeRule(EntityType.USER_AGENT, "credential", "the text exactly as sent, without blanks around it"),
)


def normalize(entity_type: EntityType | str, value: str, qualifier: str | None = None) -> NormalizedValue:
    """What the record keeps of a value.

    `qualifier` is the platform of a username or social_profile, the default region (alpha-2) of a phone, the network
    of a cryptocurrency_address, and the discriminator of a person, organization, location or document (required) and of
    malware, threat_actor or campaign (optional); other types ignore it. Raises InvalidValueError and nothing else,
    whatever the text.
    """
    return _normalizer(entity_type)(EntityType(entity_type), value, qualifier)


def normalize_many(
    entity_type: EntityType | str, values: Sequence[str], qualifier: str | None = None
) -> list[NormalizedValue | InvalidValueError]:
    """`normalize` for a column of one type: per value its outcome, or the error it would have raised."""
    normalizer, known_type = _normalizer(entity_type), EntityType(entity_type)
    outcomes: list[NormalizedValue | InvalidValueError] = []
    for value in values:
        try:
            outcomes.append(normalizer(known_type, value, qualifier))
        except InvalidValueError as error:
            error.__traceback__ = error.__cause__ = error.__context__ = None  # they would keep every frame alive
            outcomes.append(error)
    return outcomes


def describe_types() -> list[tuple[EntityType, str]]:
    """Each type with what identifies an entity of it, in the catalogue's order."""
    return [(rule.entity_type, rule.identity) for rule in RULES]


@functools.cache
def _normalizer(entity_type: str) -> Normalizer:
    """The type's normaliser, its module loaded now: some bring libraries that take a third of a second."""
    for rule in RULES:
        if rule.entity_type == entity_type:
            module = importlib.import_module(f"clew.ontology.values.{rule.module}")
            return cast("Normalizer", module.normalize)
    raise InvalidValueError("unknown_entity_type", f"no entity type {entity_type[:40]!r}")
