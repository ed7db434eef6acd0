"""Host names in ASCII and Unicode, as domains, e-mail addresses and URLs share them.

IDNA is UTS 46 as browsers apply it (WHATWG), by the library that also reads URLs, so that the host of a URL and the
domain are one entity. The idna package would refuse names that exist, such as those with emoji. Underscores may
stand in any label, because DNS has names such as _dmarc.example.org. A final dot is dropped.
"""

import re
from typing import Final

from ada_url import idna_to_ascii, idna_to_unicode

from clew.ontology.value import InvalidValueError

# RFC 6761, 6762, 7686, 8375, 9476, what ICANN keeps for private use, and names that home routers make up
_SPECIAL_USE: Final = re.compile(
    r"(?:.*\.)?(?:test|example|invalid|localhost|local|onion|internal|alt|home\.arpa|localdomain|lan|corp|home"
    r"|example\.(?:com|net|org|edu))"
)
_LABELS: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII
)
_NUMERIC_END: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.ASCII)


def to_ascii(text: str) -> str:
    """The host name in lower-case A-labels without final dot.

    Raises InvalidValueError: invalid_domain, ip_address_not_domain.
    """
    candidate = (text.lower() if text.isascii() else _mapped(text)).removesuffix(".")
    if _NUMERIC_END.fullmatch(candidate):
        raise InvalidValueError("ip_address_not_domain", "an address or number, not a domain name")
    if not _LABELS.fullmatch(candidate):
        raise InvalidValueError("invalid_domain", "not a domain name")
    if "xn--" in candidate and _mapped(candidate) != candidate:
        raise InvalidValueError("invalid_domain", "an international name that decodes to nothing")
    return candidate


def to_unicode(ascii_name: str) -> str:
    """The name as people write it, where that reads back as the same name; else the ASCII name."""
    if "xn--" not in ascii_name:
        return ascii_name
    shown: str = idna_to_unicode(ascii_name)
    if not shown.isprintable():
        return ascii_name
    try:
        return shown if to_ascii(shown) == ascii_name else ascii_name
    except InvalidValueError:
        return ascii_name


def is_special_use(ascii_name: str) -> bool:
    """Whether the name can never be registered in public: examples, tests, local and private networks, onions."""
    return bool(_SPECIAL_USE.fullmatch(ascii_name))


def _mapped(text: str) -> str:
    mapped: bytes = idna_to_ascii(text)
    if not mapped:
        raise InvalidValueError("invalid_domain", "not a domain name in any script")
    return mapped.decode("ascii").lower()
