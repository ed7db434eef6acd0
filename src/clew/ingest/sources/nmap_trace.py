"""The way to a host as nmap's --traceroute found it: <trace port proto><hop ttl ipaddr rtt host/></trace>.

Each hop answered a packet that was on its way to the host. Hops that nobody answered for are missing, and of a host
that shares its way with another nmap writes the whole way again.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, Final

from clew.ingest.sources.value_shapes import is_address
from clew.ingest.sources.xml_records import Element

_MOST_HOPS: Final = 64  # nmap stops at 50
_MILLISECONDS: Final = re.compile(r"\d{1,7}(?:\.\d{1,6})?")


@dataclass(frozen=True, slots=True)
class Hop:
    """One router: after how many steps, its address, its name (a PTR record), and the round trip in milliseconds."""

    ttl: int
    address: str
    name: str | None
    milliseconds: float | None

    @property
    def content(self) -> dict[str, Any]:
        """For the record."""
        values = {"ttl": self.ttl, "address": self.address, "name": self.name, "rtt_ms": self.milliseconds}
        return {key: value for key, value in values.items() if value is not None}

    @property
    def is_known_everywhere(self) -> bool:
        """Whether the address names one router in the world; every home has a 192.168.1.1."""
        return ipaddress.ip_address(self.address).is_global


def hops_of(host: Element) -> tuple[Hop, ...]:
    """The hops, nearest first; what says no number or no address is left out."""
    found = {}
    for trace in host.all("trace"):
        for hop in trace.all("hop"):
            ttl, address = hop.attributes.get("ttl", ""), hop.attributes.get("ipaddr", "").strip()
            if re.fullmatch(r"[0-9]{1,3}", ttl) and is_address(address):
                found[int(ttl)] = Hop(int(ttl), address, _name(hop), _rtt(hop))
    return tuple(found[ttl] for ttl in sorted(found))[:_MOST_HOPS]


def _name(hop: Element) -> str | None:
    name = hop.attributes.get("host", "").strip()
    return name if name and not is_address(name) else None


def _rtt(hop: Element) -> float | None:
    text = hop.attributes.get("rtt", "")  # "--" where nmap knows none
    return float(text) if _MILLISECONDS.fullmatch(text) else None
