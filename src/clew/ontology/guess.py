"""Which types a value could be that someone typed without saying."""

import re
from typing import Final

from clew.ontology.normalize import normalize
from clew.ontology.types import EntityType
from clew.ontology.value import InvalidValueError

_T = EntityType
_MAXIMUM_GUESSED: Final = 4096


def _shape(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


# What the text must look like before a type is tried at all, surest first
_SHAPES: Final = (
    (_T.VULNERABILITY, _shape(r"(?:cve[-_ ]?\d|ghsa-).*")),
    (_T.ATTACK_PATTERN, _shape(r"(?:https?://attack\.mitre\.org/techniques/)?T\d{4}(?:[./]\d{3})?/?|capec-\d+")),
    (_T.ASN, _shape(r"asn?[\s:#-]*\d+(?:\.\d+)?")),
    (_T.SSH_KEY, _shape(r"SHA256:[^\s]{43,44}|(?:MD5:)?(?:[0-9a-f]{2}:){15}[0-9a-f]{2}|.*(?:ssh|ecdsa)-\S+\s+AAAA.*")),
    (_T.USER_AGENT, _shape(r"(?:Mozilla|Opera|curl|Wget|python-requests|Go-http-client|masscan|zgrab)/\d.*")),
    (_T.URL, _shape(r"[a-z][a-z0-9+.-]*(?::|\[:\])//.*|[^\s/]+\.[^\s/]+/.*")),
    (_T.IP_ADDRESS, _shape(r"\[?[0-9a-f]*(?:[.:]|\[\.\]|\(\.\))[0-9a-f.:\[\]()]*(?:%\S*)?|0x[0-9a-f]+|\d{8,10}")),
    (_T.FILE_HASH, _shape(r"(?:[a-z0-9-]{3,7}\s*[:=]\s*)?(?:T1)?[0-9a-f]{32,128}|\d+:[\w+/]+:[\w+/]+")),
    (_T.CRYPTOCURRENCY_ADDRESS, _shape(r"(?:\w{3,12}:)?\w{25,120}")),
    (_T.EMAIL, _shape(r".+(?:@|[\[({]at[\])}]).+")),
    (_T.PHONE, _shape(r"(?:tel:)?\s*(?:\+|00)[\d\s().\-/]{6,}.*")),
    (_T.DOMAIN, _shape(r"[^\s/@:]+|[^\s/@:]+\s*[\[({](?:\.|dot)[\])}][^/@:]*")),
    (_T.SOFTWARE, _shape(r"SSH-\d\.\d+-.+|[a-z][\w+.-]*[_/ -]v?\d+(?:\.\d+)+\S*")),
    (_T.CREDENTIAL, _shape(r"[^:/]{0,64}:(?!//).*")),
)
_UNMISTAKABLE: Final = frozenset(_type for _type, _ in _SHAPES) - {_T.DOMAIN, _T.SOFTWARE, _T.CREDENTIAL}
_ACCOUNT: Final = _shape(r"@?[^\s:/@]{1,64}")
_NAMED: Final = (_T.PERSON, _T.ORGANIZATION, _T.LOCATION, _T.MALWARE, _T.THREAT_ACTOR, _T.CAMPAIGN, _T.SOFTWARE)


def guess_types(value: str) -> list[EntityType]:
    """The types the value may be meant as, likeliest first. Never raises; a value of no type gives an empty list.

    Types that a name alone does not identify (person, organization, location …) come last, for searching by name.
    """
    text = value.strip()
    if not text or len(text) > _MAXIMUM_GUESSED:
        return []
    guesses = [entity_type for entity_type, shape in _SHAPES if shape.fullmatch(text) and _is_normal(entity_type, text)]
    if _T.URL in guesses:
        guesses.append(_T.SOCIAL_PROFILE)
    if _ACCOUNT.fullmatch(text) and _is_normal(_T.USERNAME, text):
        guesses += [_T.USERNAME, _T.SOCIAL_PROFILE]
    if any(character.isalpha() for character in text) and _UNMISTAKABLE.isdisjoint(guesses):
        guesses += _NAMED
    return list(dict.fromkeys(guesses))


def _is_normal(entity_type: EntityType, text: str) -> bool:
    try:
        normalize(entity_type, text)
    except InvalidValueError:
        return False
    return True
