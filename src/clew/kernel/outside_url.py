"""Addresses that Clew may be told to fetch from or send to: never one of its own machine or network.

Whoever may set an address must not read the cloud's metadata service or a neighbour's database with it. What a name
resolves to is only known when it is connected to: whoever connects has to look at `is_outside` of that address, too.
"""

import ipaddress
from typing import Final

import ada_url

from clew.kernel.errors import InputError

LONGEST: Final = 2048
_OWN_NAMES: Final = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa", "test", "invalid")


def require_outside_url(text: str, where: str) -> str:
    """The URL in its normal form. Raises InputError unless it is http(s) to a host of the public internet.

    A host is read as browsers read it (WHATWG): 0x7f.1, 2130706433 and ⑯9.254.0.1 are the addresses they stand for.
    """
    try:
        url = ada_url.URL(text if len(text) <= LONGEST else "")
    except ValueError:
        raise _refused("is no URL", where) from None
    if url.protocol not in {"https:", "http:"}:
        raise _refused("is not http or https", where)
    if url.username or url.password:
        raise _refused("holds a login", where)
    host = url.hostname.strip("[]").rstrip(".")
    try:
        outside = is_outside(host)
    except ValueError:
        labels = host.split(".")
        outside = len(labels) > 1 and labels[-1] not in _OWN_NAMES
    if not outside:
        raise _refused("leads to this machine or its network", where)
    return str(url.href)


def is_outside(address: str) -> bool:
    """Whether an IP address is one of the public internet. Raises ValueError for what is no address."""
    found = ipaddress.ip_address(address)
    inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    if inner is not None:
        return bool(inner.is_global)
    # NAT64 and the like wrap an IPv4 address that the gateway reaches for us.
    wraps = isinstance(found, ipaddress.IPv6Address) and any(found in network for network in _WRAPPING)
    return found.is_global and not found.is_multicast and not wraps


_WRAPPING: Final = tuple(
    ipaddress.ip_network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "::/96")
)


def _refused(why: str, where: str) -> InputError:
    return InputError(f"this address {why}", where=where, remedy="name an http(s) address of the public internet")
