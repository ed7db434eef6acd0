"""Autonomous system numbers."""

import re
from typing import Final

from clew.ontology.text import identifier
from clew.ontology.types import EntityType
from clew.ontology.value import InvalidValueError, NormalizedValue, normalized

_SPELLING: Final = re.compile(r"(?:asn?[\s:#-]*)?(\d{1,10})(?:\.(\d{1,5}))?", re.IGNORECASE | re.ASCII)
# IANA registry of special-purpose AS numbers (RFC 5398, 6996, 7300, 7534, 7607, 6793)
_SPECIAL: Final = (
    (0, 0, "reserved"),
    (112, 112, "anycast"),
    (23456, 23456, "reserved"),
    (64496, 64511, "documentation"),
    (64512, 65534, "private"),
    (65535, 65535, "reserved"),
    (65536, 65551, "documentation"),
    (65552, 131071, "reserved"),
    (4200000000, 4294967294, "private"),
    (4294967295, 4294967295, "reserved"),
)


def normalize(entity_type: EntityType, value: str, _qualifier: str | None = None) -> NormalizedValue:
    """The number as AS13335, from that, 13335, "asn 13335" or asdot (1.10). A qualifier is ignored.

    Raises InvalidValueError: invalid_asn, and those of `identifier`.
    """
    match = _SPELLING.fullmatch(identifier(value))
    if not match:
        raise InvalidValueError("invalid_asn", "not an autonomous system number")
    number = int(match[1])
    if match[2] is not None:
        if number > 65535 or int(match[2]) > 65535:
            raise InvalidValueError("invalid_asn", "each half of an asdot number is at most 65535")
        number = number * 65536 + int(match[2])
    if number > 4294967295:
        raise InvalidValueError("invalid_asn", "an autonomous system number has 32 bits")
    flags = [flag for first, last, flag in _SPECIAL if first <= number <= last]
    return normalized(entity_type, f"AS{number}", flags=flags, properties={"number": number})
