"""IP addresses in all spellings that mean one address.

Taken: dotted IPv4, IPv6 in any compression and case, in brackets, with a zone id (dropped: it means something on one
machine only), defanged, and a whole 32-bit number in hexadecimal or of at least 2^24 in decimal. An IPv4-mapped IPv6
address is the IPv4 address. Refused as ambiguous: octal-looking and shortened parts (010.1.1.1, 127.1), because
programs disagree about them.
"""

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Sequence
from socket import AF_INET, inet_ntoa, inet_pton
from typing import Final

from clew.ontology.text import identifier, refanged
from clew.ontology.types import EntityType
from clew.ontology.value import InvalidValueError, NormalizedValue, PropertyValue, normalized

# IANA registries of special-purpose addresses (RFC 6890 and its updates); the most specific entry counts.
_IPV4_SCOPES: Final = (
    ("0.0.0.0/0", "global"),
    ("0.0.0.0/8", "reserved"),
    ("0.0.0.0/32", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "cgnat"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link_local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("233.252.0.0/24", "documentation"),
    ("240.0.0.0/4", "reserved"),
    ("255.255.255.255/32", "broadcast"),
)
_IPV6_SCOPES: Final = (
    ("::/0", "reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("64:ff9b::/96", "nat64"),
    ("64:ff9b:1::/48", "private"),
    ("100::/64", "discard"),
    ("2000::/3", "global"),
    ("2001::/23", "reserved"),
    ("2001::/32", "teredo"),
    ("2001:2::/48", "benchmarking"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("3fff::/20", "documentation"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link_local"),
    ("ff00::/8", "multicast"),
)
_INTEGER: Final = re.compile(r"(?:0[xX][0-9a-fA-F]{1,8}|[1-9][0-9]{7,9})", re.ASCII)
_ATON_PARTS: Final = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)(?:\.(?:0[xX][0-9a-fA-F]*|[0-9]+)){0,3}\.?", re.ASCII)


def normalize(entity_type: EntityType, value: str, _qualifier: str | None = None) -> NormalizedValue:
    """The address in canonical text (RFC 5952 for IPv6). A qualifier is ignored.

    Raises InvalidValueError: invalid_ip_address, ambiguous_ip_address, network_not_address, and those of `identifier`.
    """
    try:
        packed = inet_pton(AF_INET, value)
    except (OSError, ValueError):
        return _from_any_spelling(entity_type, value)
    if inet_ntoa(packed) != value:  # some C libraries take leading zeros
        return _from_any_spelling(entity_type, value)
    scope = _IPV4[1][bisect_right(_IPV4[0], packed) - 1]
    flags = () if scope == "global" else (scope,)
    return NormalizedValue(entity_type, value, value, value, flags, {"version": 4, "scope": scope})


def _from_any_spelling(entity_type: EntityType, value: str) -> NormalizedValue:
    text = refanged(identifier(value))
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    address = _parse(text.partition("%")[0] if ":" in text else text)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    starts, scopes = _IPV4 if address.version == 4 else _IPV6
    scope = scopes[bisect_right(starts, address.packed) - 1]
    properties: dict[str, PropertyValue] = {"version": address.version, "scope": scope}
    if isinstance(address, ipaddress.IPv6Address):
        properties |= _embedded(address)
    return normalized(entity_type, str(address), flags=() if scope == "global" else (scope,), properties=properties)


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        pass
    if _INTEGER.fullmatch(text):
        number = int(text, 0)
        if text[1:2] in ("x", "X") or 2**24 <= number < 2**32:
            return ipaddress.IPv4Address(number)
    if _ATON_PARTS.fullmatch(text):
        raise InvalidValueError(
            "ambiguous_ip_address",
            "programs read this address differently",
            remedy="write four decimal parts without leading zeros",
        )
    if "/" in text:
        raise InvalidValueError("network_not_address", "a network, or no address at all")
    raise InvalidValueError("invalid_ip_address", "not an IPv4 or IPv6 address")


def _embedded(address: ipaddress.IPv6Address) -> dict[str, PropertyValue]:
    """The IPv4 address that a transition mechanism carries inside."""
    if address.sixtofour is not None:
        return {"embedded_ipv4": str(address.sixtofour)}
    if address.teredo is not None:
        return {"embedded_ipv4": str(address.teredo[1])}
    return {}


def _boundaries(table: Sequence[tuple[str, str]]) -> tuple[list[bytes], list[str]]:
    """First addresses of consecutive ranges, and the scope of each range; the table begins with the whole space."""
    networks = [(ipaddress.ip_network(network), scope) for network, scope in table]
    width = networks[0][0].max_prefixlen // 8
    points = {int(n.network_address) for n, _ in networks} | {int(n.broadcast_address) + 1 for n, _ in networks}
    starts = sorted(point for point in points if point < 256**width)
    scopes = []
    for start in starts:
        inside = [
            (network.prefixlen, scope)
            for network, scope in networks
            if int(network.network_address) <= start <= int(network.broadcast_address)
        ]
        scopes.append(max(inside, key=lambda entry: entry[0])[1])
    return [start.to_bytes(width, "big") for start in starts], scopes


_IPV4: Final = _boundaries(_IPV4_SCOPES)
_IPV6: Final = _boundaries(_IPV6_SCOPES)
