"""What single items of theHarvester's reports mean: host lines, names behind them, and the command's target."""

import itertools
import re
import shlex
from dataclasses import dataclass
from typing import Final

from clew.ingest.sources.value_shapes import is_address, shape_of

_TAGS: Final = re.compile(r"</?\w[^<>]{0,80}>")
_TARGET_FLAGS: Final = frozenset({"-d", "--domain"})


@dataclass(frozen=True, slots=True)
class HostItem:
    """A host name, where there is one, with the addresses that stand beside it."""

    host: str | None
    addresses: tuple[str, ...]


def read_host(text: str) -> HostItem | None:
    """A host as theHarvester lists it: "host", "host:ip", "host:ip, ip" or, for virtual hosts, "ip:host".

    None where neither a host name nor an address can be found.
    """
    plain = _TAGS.sub("", text).strip()
    if is_address(plain):
        return HostItem(None, (plain,))
    if shape_of(plain) == "domain":
        return HostItem(plain, ())
    host, _, rest = plain.partition(":")
    if shape_of(host.strip()) == "domain":
        return HostItem(host.strip(), _addresses(rest))
    address, _, host = plain.rpartition(":")
    if is_address(address.strip()) and shape_of(host.strip()) == "domain":
        return HostItem(host.strip(), (address.strip(),))
    return None


def _addresses(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for part in map(str.strip, text.split(",")) if is_address(part)))


def pair(first: str, second: str) -> HostItem | None:
    """Host and address in either order: theHarvester 3.x writes the two of a virtual host into each other's element."""
    texts = first.strip(), second.strip()
    addresses = tuple(text for text in texts if is_address(text))
    hosts = [text for text in texts if shape_of(text) == "domain"]
    return HostItem(hosts[0] if hosts else None, addresses) if hosts or addresses else None


def target_of(command: str) -> str | None:
    """The domain searched for, from the command line that 4.x reports carry; None where it names no domain."""
    try:
        words = shlex.split(command[:8192])
    except ValueError:
        words = command[:8192].split()
    for flag, value in itertools.pairwise([*words, ""]):
        if flag in _TARGET_FLAGS and shape_of(value) == "domain":
            return value
        name, equals, attached = flag.partition("=")
        if equals and name in _TARGET_FLAGS and shape_of(attached) == "domain":
            return attached
        if flag.startswith("-d") and not flag.startswith("--") and shape_of(flag[2:]) == "domain":
            return flag[2:]
    return None
