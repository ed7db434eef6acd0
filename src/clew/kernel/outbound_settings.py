"""What Clew may connect to at the word of its users, as settings: a part of `clew.kernel.settings.Settings`."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, ByteSize, Field
from pydantic_settings import BaseSettings

from clew.kernel.setting_kinds import KIBIBYTE, MEBIBYTE, AbsolutePath

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAME: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*\Z")
_BRACKETED: Final = re.compile(r"\[([^\]]+)\](?::(\d+))?\Z")


@dataclass(frozen=True, slots=True)
class AllowedHost:
    """One host, or network, of the administrator's own that may be connected to; at any port if `port` is none."""

    name: str | None
    network: Network | None
    port: int | None

    def covers(self, host: str, address: Address, port: int) -> bool:
        """Whether it allows a connection to this address of that host.

        A name allows whatever it leads to but link-local addresses: those of a cloud's metadata have to be listed.
        """
        if self.port not in {None, port}:
            return False
        if self.network is not None:
            return address in self.network
        return host == self.name and not address.is_link_local


def allowed_hosts(text: str) -> tuple[AllowedHost, ...]:
    """What a list such as `misp.example.lan, [fd00::1]:8443, 10.2.0.0/16` allows. Raises ValueError."""
    return tuple(_allowed(each.strip()) for each in text.split(",") if each.strip())


def _allowed(text: str) -> AllowedHost:
    bracketed = _BRACKETED.fullmatch(text)
    if bracketed:
        host, port = bracketed[1], bracketed[2]
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, None
    if port is not None and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535):
        raise ValueError(f"{text!r} names no port between 1 and 65535")
    number = None if port is None else int(port)
    try:
        return AllowedHost(None, ipaddress.ip_network(host), number)
    except ValueError:
        name = host.lower().rstrip(".")
    if "/" in host or not _NAME.fullmatch(name) or name.rpartition(".")[2].isdigit():
        raise ValueError(f"{text!r} is no host, host:port or network (as in misp.example.lan:8443 or 10.2.0.0/16)")
    return AllowedHost(name, None, number)


def _checked(text: str) -> str:
    allowed_hosts(text)
    return text


class OutboundSettings(BaseSettings):
    """Peers, feeds and callbacks: where they may be, and how long and how much they may answer."""

    outbound_allowed_hosts: Annotated[str, AfterValidator(_checked)] = Field(
        "",
        description="Hosts of the own machine or network that users may name as peers, feeds and callbacks, separated "
        "by commas: host, host:port or network (misp.example.lan:8443, 10.2.0.0/16). Empty: only the public internet.",
    )
    outbound_ca_file: AbsolutePath | None = Field(
        None, description="Certificates that those of peers and callbacks are checked against. Unset: the system's."
    )
    outbound_connect_seconds: float = Field(10.0, gt=0, le=300, description="Seconds to wait for a connection to them.")
    outbound_answer_seconds: float = Field(
        60.0, gt=0, le=3600, description="Seconds to wait for each piece of their answer."
    )
    outbound_total_seconds: float = Field(
        600.0, gt=0, le=86_400, description="Seconds after which an answer that still comes in is given up."
    )
    outbound_maximum_bytes: ByteSize = Field(
        ByteSize(256 * MEBIBYTE), ge=KIBIBYTE, description="Largest answer (unpacked) that is taken from them."
    )
