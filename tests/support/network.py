"""Closes the network for the test process: name look-ups and traffic to anything but loopback raise.

An audit hook sees every socket call of Python code, whichever library makes it and whenever (collection, fixtures,
threads), and cannot be patched away by the code under test. It does not see connections made inside C libraries or
by child processes: children are handed a proxy nobody answers at, so that HTTP clients in them fail too.
"""

import ipaddress
import os
import socket
import sys
from typing import Any

CHECKED_EVENTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
LOOKUP_EVENTS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
LOCAL_NAMES = frozenset({"localhost", "", None})
DEAD_PROXY = "http://127.0.0.1:9"


class NetworkClosedError(RuntimeError):
    """A test, or the code it runs, tried to leave this machine."""


def close_network() -> None:
    """Close it for the rest of this process and for its children. Cannot be undone."""
    for scheme in ("http_proxy", "https_proxy", "all_proxy"):
        os.environ[scheme] = os.environ[scheme.upper()] = DEAD_PROXY
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "localhost,127.0.0.1,::1"
    sys.addaudithook(_refuse_remote)


def _refuse_remote(event: str, arguments: tuple[Any, ...]) -> None:
    if event in CHECKED_EVENTS:
        connection, address = arguments[0], arguments[1]
        if connection.family in {socket.AF_INET, socket.AF_INET6} and address and not is_local(address[0]):
            raise NetworkClosedError(f"{event} to {address!r}: tests may talk to loopback only")
    elif event in LOOKUP_EVENTS and not is_local(arguments[0]):
        raise NetworkClosedError(f"{event} of {arguments[0]!r}: tests may not look names up")


def is_local(host: str | bytes | None) -> bool:
    """Whether traffic to this host, given as name or address, stays on this machine."""
    name = host.decode("idna") if isinstance(host, bytes) else host
    if name in LOCAL_NAMES:
        return True
    try:
        address = ipaddress.ip_address(str(name).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
