"""What may leave: Traffic Light Protocol (FIRST, 2.0, with the names of 1.0) and MISP's distribution levels."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

TLP: Final = ("clear", "green", "amber", "amber+strict", "red")
"""Levels from what everybody may have to what nobody else may."""

_OTHER_NAMES: Final = {"white": "clear", "amber_strict": "amber+strict", "ex:chr": "red"}
_STIX_LEVELS: Final = {
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": "clear",
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": "green",
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": "amber",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "red",
    "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": "clear",
    "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "green",
    "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": "amber",
    "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": "amber+strict",
    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": "red",
}
"""The marking definitions that STIX 2.0/2.1 and the TLP 2.0 extension prescribe."""

ORGANIZATION, COMMUNITY, CONNECTED, EVERYBODY, GROUP, INHERIT = range(6)
"""MISP's levels of distribution."""

_NOBODY: Final = len(TLP)


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is sent something: how sensitive it may be, whether they are of our community, which groups they are in."""

    maximum_tlp: str = "green"
    internal: bool = False
    sharing_groups: frozenset[str] = field(default_factory=frozenset)


def level_of_tags(names: Iterable[str]) -> int:
    """The strictest TLP level that tags name, an index of TLP: -1 where none does, the last + 1 if it is unknown."""
    found = -1
    for name in names:
        prefix, _, level = name.strip().strip('"').lower().partition(":")
        if prefix == "tlp" and level:
            plain = _OTHER_NAMES.get(level, level)
            found = max(found, TLP.index(plain) if plain in TLP else _NOBODY)
    return found


def may_have(level: int, audience: Audience) -> bool:
    """Whether what is marked with that level may go there. Neither red nor amber+strict ever leaves."""
    if level >= TLP.index("amber+strict"):
        return False
    return level <= TLP.index(audience.maximum_tlp)


def distributed(value: Any, audience: Audience, group: str | None, inherited: int | None = None) -> int | None:
    """The distribution under which something goes there; None: not at all.

    As MISP does it between servers: 0 stays, 1 goes within the community, 2 goes one step and becomes 1 there, 3 goes
    anywhere, 4 to members of the group, 5 is what surrounds it. What cannot be read stays.
    """
    try:
        level = int(value)
    except (TypeError, ValueError):
        level = ORGANIZATION if value is not None else (inherited if inherited is not None else ORGANIZATION)
        return distributed(level, audience, group) if value is None and inherited is not None else None
    if level == INHERIT:
        return None if inherited is None else INHERIT
    if level == COMMUNITY:
        return COMMUNITY if audience.internal else None
    if level == CONNECTED:
        return CONNECTED if audience.internal else COMMUNITY
    if level == GROUP:
        return GROUP if group is not None and group in audience.sharing_groups else None
    return EVERYBODY if level == EVERYBODY else None


def stix_level(document: dict[str, Any], definitions: dict[str, dict[str, Any]] | None = None) -> int:
    """The strictest TLP level of a STIX object, its granular markings included; -1 where nothing marks it.

    Statements (copyright) are no level. A reference to a marking that nobody can look up is the strictest.
    """
    references = [each for each in document.get("object_marking_refs") or () if isinstance(each, str)]
    granular = [each for each in document.get("granular_markings") or () if isinstance(each, dict)]
    references += [each["marking_ref"] for each in granular if isinstance(each.get("marking_ref"), str)]
    return max((_level_of_marking(each, definitions or {}) for each in references), default=-1)


def _level_of_marking(reference: str, definitions: dict[str, dict[str, Any]]) -> int:
    known = _STIX_LEVELS.get(reference)
    if known is not None:
        return TLP.index(known)
    found = definitions.get(reference)
    if found is None:
        return _NOBODY
    if found.get("definition_type") == "statement":
        return -1
    told = found.get("definition")
    if isinstance(told, dict) and isinstance(told.get("tlp"), str):
        return max(0, level_of_tags([f"tlp:{told['tlp']}"]))
    name = found.get("name")
    return level_of_tags([name]) if isinstance(name, str) and name.lower().startswith("tlp:") else _NOBODY
