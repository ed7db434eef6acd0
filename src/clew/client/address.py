"""The server's address and the caller's key, checked before anything is sent."""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from clew.kernel.errors import InputError

_KEY: Final = re.compile(r"[\x21-\x7e]{1,4096}")


def checked_address(text: str) -> str:
    """The address without a slash at its end. Raises InputError for one that is no http or https address."""
    address = text.strip()
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise InputError(
            "this is no address of a server", where="server", remedy="write one such as https://clew.example.org"
        )
    if parts.username is not None or parts.password is not None:
        raise InputError("an address does not hold a password", where="server", remedy="give the key by itself")
    return address.rstrip("/")


def checked_key(text: str) -> str:
    """The key or access token. Raises InputError, which never shows it, for what cannot be one."""
    key = text.strip()
    if not _KEY.fullmatch(key):
        raise InputError("this cannot be an API key", where="key", remedy="copy it again; it begins with clew_live_")
    return key


def is_exposed(address: str) -> bool:
    """Whether a key sent there crosses a network that others can read: plain http, and not to this machine."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme == "https" or host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True
