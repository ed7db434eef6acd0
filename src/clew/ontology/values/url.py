"""URLs in the canonical form of the WHATWG URL standard, by ada (what Node.js uses), plus two steps it leaves out.

ada was chosen over yarl, w3lib and url-normalize because it implements the standard that browsers and command-line
clients share, international hosts and odd IPv4 spellings included, and is a permissive wheel. On top, the fragment is
dropped (it is never sent), and escapes of unreserved characters are undone (RFC 3986, section 6.2.2).
A password becomes "***" and flags the URL; the user name stays. A value without scheme is read as http, as curl does.
"""

import re
from typing import Final

from ada_url import normalize_url

from clew.ontology.text import identifier, refanged
from clew.ontology.types import EntityType
from clew.ontology.value import InvalidValueError, NormalizedValue, PropertyValue, is_shortened, normalized
from clew.ontology.values import host as hosts
from clew.ontology.values import ip

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]{0,40}:(?=//)", re.IGNORECASE | re.ASCII)
_WITHOUT_SCHEME: Final = re.compile(r"[^/?#@\s:]{1,253}\.[^/?#@\s:]{1,253}(?::\d{1,5})?(?:[/?#].*)?", re.DOTALL)
_SPECIAL_SCHEMES: Final = frozenset({"http", "https", "ws", "wss", "ftp"})
_SERIALIZED: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:(?P<user>[^@/?#]*)@)?(?P<host>\[[^\]]*\]|[^:/?#]+)(?::(?P<port>\d+))?"
    r"(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?:#.*)?",
    re.DOTALL,
)
# An escape right behind a stray "%" or "%x" is left alone: undoing it would make another escape
_ESCAPE: Final = re.compile(r"(?<!%)(?<!%[0-9A-Fa-f])%([0-9A-Fa-f]{2})", re.ASCII)
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_MASK: Final = "***"


def normalize(entity_type: EntityType, value: str, _qualifier: str | None = None) -> NormalizedValue:
    """The canonical URL. A qualifier is ignored.

    Raises InvalidValueError: invalid_url, url_without_host, and those of `identifier`.
    """
    text = identifier(value)
    if is_shortened(text) and _SCHEME.match(text):
        return normalized(entity_type, text)
    parts = _read(_with_scheme(refanged(text)))
    scheme, host = parts["scheme"], parts["host"]
    if scheme not in _SPECIAL_SCHEMES:
        # The standard leaves the hosts of other schemes as they are; ldap://EXAMPLE.org is still example.org
        host = _read(f"http://{host}/")["host"]
    properties: dict[str, PropertyValue] = {"scheme": scheme, "host": host}
    flags = _host_flags(host)
    user, _, password = (parts["user"] or "").partition(":")
    authority = host
    if password:
        authority = f"{user}:{_MASK}@{host}"
        flags = (*flags, "credentials")
    elif user:
        authority = f"{user}@{host}"
    if parts["port"]:
        properties["port"] = int(parts["port"])
        authority = f"{authority}:{parts['port']}"
    href = f"{scheme}://{authority}{parts['path'] or '/'}{parts['query'] or ''}"
    return normalized(entity_type, _ESCAPE.sub(_unescape, href), flags=flags, properties=properties)


def _with_scheme(text: str) -> str:
    if _SCHEME.match(text):
        return text
    if not _WITHOUT_SCHEME.fullmatch(text):
        raise InvalidValueError("url_without_host", "a URL is scheme://host/…")
    return f"http://{text}"


def _read(text: str) -> re.Match[str]:
    try:
        href = str(normalize_url(text))
    except ValueError as error:
        raise InvalidValueError("invalid_url", "not a URL") from error
    parts = _SERIALIZED.fullmatch(href)
    if parts is None:
        raise InvalidValueError("url_without_host", "a URL names a host")
    return parts


def _unescape(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()


def _host_flags(host: str) -> tuple[str, ...]:
    """The flags of the address, or "reserved" for a name that is not public."""
    if host.startswith("[") or host[-1].isdigit():
        try:
            return ip.normalize(EntityType.IP_ADDRESS, host).flags
        except InvalidValueError:
            return ()
    return ("reserved",) if hosts.is_special_use(host.removesuffix(".")) else ()
