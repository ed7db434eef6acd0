"""What a STIX pattern compares for equality, and which types of STIX are which of the ontology.

Patterns are read as far as they say "this is that value": `[ipv4-addr:value = '198.51.100.7' OR …]`. What a pattern
negates, or compares otherwise, names nothing.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

_EQUAL: Final = re.compile(
    r"([a-z0-9-]{3,40}):([a-zA-Z0-9_.'\"\[\]-]{2,80})\s*(=|IN)\s*(\((?:[^()']|'(?:[^'\\]|\\.)*+')*+\)|'(?:[^'\\]|\\.)*+')"
)
_LITERAL: Final = re.compile(r"'((?:[^'\\]|\\.)*+)'")
_NEGATED: Final = re.compile(r"\bNOT\s*$")
_MOST: Final = 1000

OBSERVABLES: Final = {
    "ipv4-addr": "ip_address",
    "ipv6-addr": "ip_address",
    "domain-name": "domain",
    "url": "url",
    "email-addr": "email",
}
"""Observables whose `value` is the entity."""

DOMAIN_OBJECTS: Final = {
    "threat-actor": "threat_actor",
    "intrusion-set": "threat_actor",
    "malware": "malware",
    "tool": "software",
    "campaign": "campaign",
    "attack-pattern": "attack_pattern",
    "vulnerability": "vulnerability",
}
"""Objects whose name is the entity's."""

DISCRIMINATED: Final = {"identity": "organization", "location": "location", "report": "document", "note": "document",
                        "grouping": "document", "indicator": "document", "infrastructure": "document"}  # fmt: skip
"""Objects that are told apart by their id; what an identity is, its class says."""

RELATIONS: Final = {
    "uses": "USES",
    "attributed-to": "ATTRIBUTED_TO",
    "targets": "TARGETS",
    "indicates": "INDICATES",
    "located-at": "LOCATED_AT",
    "originates-from": "LOCATED_AT",
    "communicates-with": "COMMUNICATES_WITH",
    "controls": "CONTROLS",
    "owns": "OWNS",
    "resolves-to": "RESOLVES_TO",
    "duplicate-of": "SAME_AS",
}
"""Relationship types; every other is ASSOCIATED_WITH, and keeps its name among the properties."""


def equalities(pattern: str) -> Iterator[tuple[str, str]]:
    """(entity type, value) of what a pattern says to be equal to something."""
    for match in list(_EQUAL.finditer(pattern[:100_000]))[:_MOST]:
        kind, path, _, literals = match.groups()
        if _NEGATED.search(pattern[max(0, match.start() - 8) : match.start()]):
            continue
        entity_type = _compared(kind, path)
        if entity_type:
            for literal in _LITERAL.finditer(literals):
                yield entity_type, re.sub(r"\\(.)", r"\1", literal[1])


def hashes_of(values: Any) -> Iterator[str]:
    """The digests of a `hashes` member that the ontology knows."""
    if isinstance(values, dict):
        for name, digest in values.items():
            if isinstance(digest, str) and _is_hash(str(name)):
                yield digest


def _compared(kind: str, path: str) -> str | None:
    if path == "value":
        return OBSERVABLES.get(kind)
    if kind == "file" and path.startswith("hashes") and _is_hash(path.removeprefix("hashes").strip(".[]'\"")):
        return "file_hash"
    if kind == "autonomous-system" and path == "number":
        return "asn"
    return None


def _is_hash(name: str) -> bool:
    return name.upper().replace("-", "") in {"MD5", "SHA1", "SHA256", "SHA512", "SHA224", "SHA384"}
