"""Making text from outside such that PostgreSQL takes it as a value."""

import ipaddress
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

LONGEST_TOLD: Final = 2000
"""How much of one text a log or the audit trail keeps."""

_LONGEST_ADDRESS: Final = 45  # an IPv4 address in an IPv6 one, written out


def storable(text: str, longest: int) -> str:
    """At most so many characters of it, with \ufffd for NUL and ? for halves of surrogate pairs.

    What PostgreSQL cannot hold is replaced, never left out: two texts that differ do not become one by losing it, and
    whoever reads what was stored sees that something stood there.
    """
    return text[:longest].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def storable_json(value: Any, longest: int = LONGEST_TOLD) -> Any:
    """The value in JSON's own types, with every text as `storable` leaves it; what JSON does not know, as text."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return storable(value, longest)
        case Mapping():
            return {storable(str(key), longest): storable_json(inner, longest) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [storable_json(inner, longest) for inner in value]
        case datetime():
            return value.isoformat()
    return storable(str(value), longest)


def storable_address(text: str | None) -> str | None:
    """The IP address in its usual form, without a zone; None for what is none."""
    address = text.partition("%")[0] if text else ""
    return _usual_form(address) if 0 < len(address) <= _LONGEST_ADDRESS else None


@lru_cache(maxsize=1_024)
def _usual_form(address: str) -> str | None:
    """Kept for the callers of late: every request has one, and is told several times where it came from."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None


def neighbourhood(client_ip: str) -> str:
    """What one caller has to themselves: an IPv4 address, or a whole /64 of IPv6. Other text stays as it is."""
    address = storable_address(client_ip)
    if address is None:
        return client_ip
    known = ipaddress.ip_address(address)
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    return str(known.ipv4_mapped or ipaddress.ip_network((known, 64), strict=False))
