"""The facts of one record: entities with what the record says of them, and what relates them."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from clew.ingest.facts import FactBuilder, Reference

_VERSIONED: Final = re.compile(r"[^:/]{1,100}")
_SOA_MAILBOX: Final = re.compile(r"((?:[^.\\\s]|\\.)+)\.([^\s@]+\.[^\s@.]+)\.?")


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """Adds facts of one announced record; `seen` is when the tool saw them, None where it does not say."""

    builder: FactBuilder
    record: int
    confidence: float
    seen: datetime | None = None

    def entity(
        self,
        entity_type: str,
        value: str,
        qualifier: str | None = None,
        *,
        method: str,
        confidence: float | None = None,
        required: bool = False,
        first_seen: datetime | None = None,
        last_seen: datetime | None = None,
        properties: dict[str, Any] | None = None,
    ) -> Reference:
        """Mention an entity and return how to refer to it. Empty lists and texts among the properties are left out."""
        self.builder.mention(
            self.record,
            entity_type,
            value,
            qualifier,
            required=required,
            confidence=self.confidence if confidence is None else confidence,
            first_seen=first_seen or self.seen,
            last_seen=last_seen or first_seen or self.seen,
            properties={key: held for key, held in (properties or {}).items() if held not in (None, "", [], {})},
            method=method,
        )
        return (entity_type, value, qualifier)

    def host(self, text: str, *, method: str, confidence: float | None = None, required: bool = False) -> Reference:
        """Mention what a host field names: an address or a domain."""
        return self.entity(host_type(text), text, method=method, confidence=confidence, required=required)

    def relate(
        self,
        source: Reference,
        relationship_type: str,
        target: Reference,
        *,
        confidence: float | None = None,
        first_seen: datetime | None = None,
        last_seen: datetime | None = None,
        properties: dict[str, Any] | None = None,
    ) -> None:
        """Relate two entities of this record."""
        self.builder.link(
            self.record,
            source,
            relationship_type,
            target,
            confidence=self.confidence if confidence is None else confidence,
            first_seen=first_seen or self.seen,
            last_seen=last_seen or first_seen or self.seen,
            properties=properties,
        )


def is_address(text: str) -> bool:
    """Whether the text is an IP address, in brackets or not."""
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def host_type(text: str) -> str:
    """The entity type of a host: `ip_address` or `domain`."""
    return "ip_address" if is_address(text) else "domain"


def host_of_url(url: str) -> str | None:
    """The host of a URL; None where it has none or is no URL."""
    try:
        return urlsplit(url if "://" in url else f"//{url}").hostname
    except ValueError:
        return None


def software_name(name: str, version: str | None = None) -> str:
    """Name and version as servers announce them, such as "nginx/1.25.3", so that what tools say meets in one entity."""
    return f"{name}/{version}" if version and _VERSIONED.fullmatch(version) else name


def address_in(ranges: Iterable[str], addresses: Iterable[str]) -> str | None:
    """The first of the addresses that lies in one of the networks (CIDR)."""
    networks = []
    for text in ranges:
        try:
            networks.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            continue
    for address in addresses:
        try:
            known = ipaddress.ip_address(address)
        except ValueError:
            continue
        if any(known.version == network.version and known in network for network in networks):
            return address
    return None


def dns_name(text: str) -> str:
    """A name as DNS prints it, without the root's dot."""
    return text.strip().rstrip(".")


def mailbox_of_soa(text: str) -> str | None:
    """The mail address that an SOA record's RNAME writes with dots (RFC 1035, section 8); None for what is none."""
    if "@" in text:
        return text
    match = _SOA_MAILBOX.fullmatch(text[:320])
    if match is None:
        return None
    local_part = re.sub(r"\\(.)", r"\1", match[1])
    return f"{local_part}@{match[2]}"
