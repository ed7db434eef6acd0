"""What a bare value in a tool's cell is: address, host name, e-mail address or URL, by its shape."""

import ipaddress
import re
from typing import Final

_HOST: Final = re.compile(
    r"(?=.{1,254}\Z)(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})\.?",
    re.IGNORECASE | re.ASCII,
)
_ENDPOINT: Final = re.compile(r"\[?([0-9A-Za-z_.:-]{1,254}?)\]?:(\d{1,5})", re.ASCII)
_LONGEST: Final = 4096


def shape_of(value: str) -> str | None:
    """The entity type the value has the shape of: ip_address, domain, email or url; None for anything else."""
    text = value.strip()
    if not text or len(text) > _LONGEST:
        return None
    if is_address(text):
        return "ip_address"
    if re.match(r"[a-z][a-z0-9+.-]{1,20}://\S", text, re.IGNORECASE | re.ASCII):
        return "url"
    if "@" in text:
        local, _, host = text.rpartition("@")
        return "email" if local and not re.search(r"\s", local) and _HOST.fullmatch(host) else None
    return "domain" if _HOST.fullmatch(text) else None


def is_address(text: str) -> bool:
    """Whether the text is one IPv4 or IPv6 address, without zone."""
    if len(text) > 45 or (":" not in text and not text[-1:].isdigit()):
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def endpoint(value: str) -> tuple[str, int] | None:
    """Host or address and port of "host:22", "192.0.2.1:22" or "[2001:db8::1]:22"; None for anything else."""
    match = _ENDPOINT.fullmatch(value.strip())
    if not match or not 0 < int(match[2]) < 65_536:
        return None
    host = match[1]
    if ":" in host and not (value.strip().startswith("[") and is_address(host)):
        return None
    return host, int(match[2])
