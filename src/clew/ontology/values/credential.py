"""What the other side sent, kept as it came: credentials, user agents and software banners."""

import re
from typing import Final

from clew.ontology.text import check_length, fold_case, verbatim
from clew.ontology.types import EntityType
from clew.ontology.value import InvalidValueError, NormalizedValue, PropertyValue, is_shortened, normalized

_SSH_BANNER: Final = re.compile(r"SSH-(\d\.\d{1,2})-([^\s]{1,200})(?:\s.*)?", re.ASCII | re.DOTALL)
_NOTHING: Final = frozenset({"-", "--", "null", "none", "unknown", "n/a", "(null)", "(none)", "nil", "undefined"})


def normalize(entity_type: EntityType, value: str, _qualifier: str | None = None) -> NormalizedValue:
    """Credentials, user agents and software, by type; a qualifier is ignored.

    Raises InvalidValueError: missing_separator (a credential without colon), empty, too_long.
    """
    if entity_type is EntityType.CREDENTIAL:
        return _credential(value)
    text = verbatim(value).strip()
    if not text:
        raise InvalidValueError("empty", "an empty value")
    flags = ("placeholder",) if text.casefold() in _NOTHING else ()
    if is_shortened(text):
        return normalized(entity_type, text)
    if entity_type is EntityType.USER_AGENT:
        return normalized(entity_type, text, flags=flags)
    return normalized(entity_type, fold_case(text) or text, name=text, flags=flags, properties=_banner(text))


def _credential(value: str) -> NormalizedValue:
    """User and password around the first colon, case and blanks kept; either may be empty."""
    if len(value) > 128 or not value.isascii() or "\x00" in value:
        return _unusual_credential(value)
    user, colon, password = value.partition(":")
    if not colon:
        raise InvalidValueError("missing_separator", "a credential is user:password")
    flags = () if user or password else ("placeholder",)
    properties: dict[str, PropertyValue] = {"username": user, "password": password}
    return NormalizedValue(EntityType.CREDENTIAL, value, value, value, flags, properties)


def _unusual_credential(value: str) -> NormalizedValue:
    check_length(value)
    text = verbatim(value)
    user, colon, password = text.partition(":")
    if is_shortened(text):
        return normalized(EntityType.CREDENTIAL, text)
    if not colon:
        raise InvalidValueError("missing_separator", "a credential is user:password")
    properties: dict[str, PropertyValue] = {"username": user, "password": password}
    return normalized(EntityType.CREDENTIAL, text, properties=properties)


def _banner(text: str) -> dict[str, PropertyValue]:
    """Protocol and software of an SSH identification line (RFC 4253, section 4.2)."""
    match = _SSH_BANNER.fullmatch(text)
    return {"protocol": f"SSH-{match[1]}", "software": match[2]} if match else {}
