"""The one way to addresses that users name: peers, feeds, callbacks. Nothing else of Clew may connect to one.

A name is looked up once for each connection, every address it leads to is checked, and the connection goes to such a
checked address: a name that leads elsewhere the next time (DNS rebinding) gains nothing, and neither does a
redirection, which is a connection like any other. Proxies that the environment names are not used: they would look
names up anew.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Self

import ada_url

from clew.kernel.errors import ClewError, ConfigurationError, InputError
from clew.kernel.outbound_settings import Address, AllowedHost, OutboundSettings, allowed_hosts
from clew.kernel.outside_url import LONGEST, is_outside

if TYPE_CHECKING:
    import httpx2

MOST_REDIRECTIONS: Final = 5
_PORTS: Final = {"https:": 443, "http:": 80}


class OutboundRefusedError(InputError):
    """An address that was named leads into this machine or its network, and no administrator allowed that host."""

    code = "outbound_refused"


class OutboundFailedError(ClewError):
    """A peer cannot be reached, does not answer in time, or answers more than is taken."""

    code: ClassVar[str] = "outbound_failed"
    exit_code: ClassVar[int] = 7
    transient: ClassVar[bool] = True


def looked_up(host: str, port: int) -> list[str]:
    """The addresses that the system's resolver gives for a host, in its order. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@dataclass(frozen=True, slots=True)
class Outbound:
    """What may be connected to, and how patiently. Times are in seconds, sizes in bytes."""

    allowed: tuple[AllowedHost, ...] = ()
    ca_file: Path | None = None
    connect_seconds: float = 10.0
    answer_seconds: float = 60.0
    total_seconds: float = 600.0
    maximum_bytes: int = 256 * 1024 * 1024
    resolve: Callable[[str, int], list[str]] = looked_up

    @classmethod
    def of(cls, settings: OutboundSettings) -> Self:
        """What the settings say."""
        return cls(
            allowed_hosts(settings.outbound_allowed_hosts),
            settings.outbound_ca_file,
            settings.outbound_connect_seconds,
            settings.outbound_answer_seconds,
            settings.outbound_total_seconds,
            int(settings.outbound_maximum_bytes),
        )

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses to connect to, all of them checked. Looks the name up; to be used at once, and never again.

        Raises OutboundRefusedError if one of them may not be connected to, OutboundFailedError if there is none.
        """
        name = host.strip("[]").rstrip(".").lower()
        try:
            found = self.resolve(name, port)
        except (OSError, UnicodeError) as error:
            raise OutboundFailedError(
                "this host is not known", where=f"{name}:{port}", remedy="correct the address, or look at the resolver"
            ) from error
        for each in found:
            if not self._may(name, each, port):
                raise _refused(f"{name}:{port}")
        if not found:
            raise OutboundFailedError("this host has no address", where=f"{name}:{port}")
        return found

    def require(self, text: str, where: str) -> str:
        """The URL in its normal form, if its host may be connected to as far as can be told without looking it up.

        For what a user sets: connecting checks again. Raises InputError, OutboundRefusedError.
        """
        try:
            url = ada_url.URL(text if len(text) <= LONGEST else "")
        except ValueError:
            raise InputError("this is no URL", where=where, remedy="write https://host/path") from None
        if url.protocol not in _PORTS:
            raise InputError("this address is not http or https", where=where, remedy="write https://host/path")
        if url.username or url.password:
            raise InputError("this address holds a login", where=where, remedy="give the key apart from the address")
        host = url.hostname.strip("[]").rstrip(".")
        port = int(url.port) if url.port else _PORTS[url.protocol]
        try:
            may = self._may(host, host, port)
        except ValueError:
            may = "." in host or any(each.name == host and each.port in {None, port} for each in self.allowed)
        if not may:
            raise _refused(where)
        return str(url.href)

    def client(self, *, headers: Mapping[str, str] | None = None, follow_redirects: bool = False) -> "httpx2.Client":
        """A client for one exchange (or a few): closed by its user. Raises ConfigurationError about certificates.

        Answers come as they are: packed ones are refused, and so is more than `maximum_bytes`. Using it raises
        OutboundRefusedError, OutboundFailedError and httpx2's own errors.
        """
        import httpx2  # noqa: PLC0415  only who connects needs it

        from clew.kernel.outbound_httpx import checked_transport  # noqa: PLC0415

        return httpx2.Client(
            transport=checked_transport(self),
            headers={"Accept-Encoding": "identity", "User-Agent": "clew"} | dict(headers or {}),
            timeout=httpx2.Timeout(self.answer_seconds, connect=self.connect_seconds),
            trust_env=False,
            follow_redirects=follow_redirects,
            max_redirects=MOST_REDIRECTIONS,
        )

    def ssl_context(self) -> ssl.SSLContext:
        """Certificates are always checked. Raises ConfigurationError."""
        try:
            return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file is not None else None)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                f"no certificates can be read from this file: {error}",
                where=f"outbound_ca_file: {self.ca_file}",
                remedy="name a file of certificates in PEM form",
            ) from error

    def _may(self, host: str, address: str, port: int) -> bool:
        found = _plain(address)
        return is_outside(str(found)) or any(each.covers(host, found, port) for each in self.allowed)


def bounded(pieces: Iterable[bytes], outbound: Outbound, where: str) -> Iterator[bytes]:
    """The pieces of an answer, until there are too many of them or they take too long: OutboundFailedError."""
    size, end = 0, time.monotonic() + outbound.total_seconds
    for piece in pieces:
        size += len(piece)
        if size > outbound.maximum_bytes:
            raise OutboundFailedError(
                f"answers more than {outbound.maximum_bytes} bytes",
                where=where,
                remedy="raise outbound_maximum_bytes if that is right",
            )
        if time.monotonic() > end:
            raise OutboundFailedError(
                f"has not answered in full after {outbound.total_seconds:g} seconds",
                where=where,
                remedy="raise outbound_total_seconds if that is right",
            )
        yield piece


def _plain(address: str) -> Address:
    """Without the zone, and IPv4 where IPv6 only writes it down. Raises ValueError for what is no address."""
    found = ipaddress.ip_address(address.partition("%")[0])
    return getattr(found, "ipv4_mapped", None) or found


def _refused(where: str) -> OutboundRefusedError:
    return OutboundRefusedError(
        "this address leads to this machine or its network",
        where=where,
        remedy="name an address of the public internet, or have the administrator add the host to "
        "outbound_allowed_hosts",
    )
