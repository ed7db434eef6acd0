"""Vulnerabilities and attack patterns: canonical catalogue numbers where they have one, else folded names."""

import re
from typing import Final

from clew.ontology.text import clean_name, fold_name
from clew.ontology.types import EntityType
from clew.ontology.value import InvalidValueError, NormalizedValue, PropertyValue, is_shortened, normalized

_CVE: Final = re.compile(r"cve[-_ ‐-―]?(\d{4})[-_ ‐-―]?(\d{4,19})", re.IGNORECASE | re.ASCII)
_GHSA: Final = re.compile(r"ghsa((?:-[23456789cfghjmpqrvwx]{4}){3})", re.IGNORECASE | re.ASCII)
_TECHNIQUE: Final = re.compile(
    r"(?:https?://attack\.mitre\.org/techniques/)?(T\d{4})(?:[./](\d{3}))?/?", re.IGNORECASE | re.ASCII
)
_CAPEC: Final = re.compile(r"capec[-_ ]?0*(\d{1,5})", re.IGNORECASE | re.ASCII)


def normalize(entity_type: EntityType, value: str, _qualifier: str | None = None) -> NormalizedValue:
    """CVE-2021-44228, GHSA-…, T1059.001 or CAPEC-66 in canonical form, or the folded name. A qualifier is ignored.

    Raises InvalidValueError: empty, too_long.
    """
    name = clean_name(value)
    if not name:
        raise InvalidValueError("empty", "an empty name")
    folded = name if is_shortened(name) else (fold_name(name) or name)
    number = _vulnerability(folded) if entity_type is EntityType.VULNERABILITY else _attack_pattern(folded)
    if number is not None:
        canonical, catalogue, properties = number
        return normalized(entity_type, canonical, properties={"catalogue": catalogue, **properties})
    return normalized(entity_type, folded, name=name)


_Number = tuple[str, str, dict[str, PropertyValue]]


def _vulnerability(name: str) -> _Number | None:
    cve = _CVE.fullmatch(name)
    if cve:
        return f"CVE-{cve[1]}-{cve[2]}", "cve", {"year": int(cve[1])}
    ghsa = _GHSA.fullmatch(name)
    return (f"GHSA{ghsa[1].lower()}", "ghsa", {}) if ghsa else None


def _attack_pattern(name: str) -> _Number | None:
    technique = _TECHNIQUE.fullmatch(name)
    if technique:
        parent = technique[1].upper()
        return (f"{parent}.{technique[2]}", "att&ck", {"technique": parent}) if technique[2] else (parent, "att&ck", {})
    capec = _CAPEC.fullmatch(name)
    return (f"CAPEC-{capec[1]}", "capec", {}) if capec else None
