"""E-mail addresses: one mailbox however its case, script or wrapping is written.

The local part is folded in the identity although RFC 5321 would allow mailboxes to differ by case: none in use do.
Dots and +tags are not removed, because only the provider knows; `canonical` tells where a message would end up.
"""

import re
from typing import Final

from email_validator import EmailNotValidError, validate_email

from clew.ontology.text import fold_case, identifier, refanged
from clew.ontology.types import EntityType
from clew.ontology.value import InvalidValueError, NormalizedValue, PropertyValue, normalized
from clew.ontology.values import host

_PLACEHOLDER: Final = re.compile(
    r"(?:no|not|dont|donot|do-not|do_not)[-_.]?reply(?:[-_+.].*)?|test(?:er|ing|user)?\d*|example|user|username|email"
    r"|name|your[-_.]?(?:name|email)|nobody|none|null|anonymous|unknown|na|n/a|foo|bar|asdf|a|aa|aaa|mailer-daemon"
)
_ROLE: Final = re.compile(
    r"abuse|admin|administrator|billing|contact|enquiries|help|helpdesk|hello|hostmaster|info|it|jobs|legal|mail"
    r"|marketing|media|noc|office|postmaster|press|privacy|root|sales|security|service|support|webmaster"
)
_DOTS_IGNORED: Final = frozenset({"gmail.com", "googlemail.com"})
_TAGS_BY_PLUS: Final = _DOTS_IGNORED | {
    "outlook.com",
    "hotmail.com",
    "live.com",
    "icloud.com",
    "me.com",
    "fastmail.com",
    "proton.me",
    "protonmail.com",
}
_WRAPPED: Final = re.compile(r"(?:.*<([^<>]+)>|mailto:([^?]+)(?:\?.*)?)", re.IGNORECASE)


def normalize(entity_type: EntityType, value: str, _qualifier: str | None = None) -> NormalizedValue:
    """The mailbox as folded local part and ASCII domain; `name` keeps the case. A qualifier is ignored.

    "Alice <alice@example.org>" and mailto: are unwrapped.
    Raises InvalidValueError: invalid_email, and those of `identifier`.
    """
    text = refanged(identifier(value))
    wrapped = _WRAPPED.fullmatch(text)
    if wrapped:
        text = (wrapped[1] or wrapped[2]).strip()
    local, at, after = text.rpartition("@")
    if not at:
        raise InvalidValueError("invalid_email", "an e-mail address has an @")
    ascii_domain = _domain(after)
    shown = _local_part(local)
    folded = _local_part(fold_case(shown))
    address = f"{folded}@{ascii_domain}"
    if len(address.encode()) > 254:
        raise InvalidValueError("invalid_email", "an e-mail address has at most 254 bytes")
    properties: dict[str, PropertyValue] = {"local_part": folded, "domain": ascii_domain}
    properties["canonical"] = _canonical(folded, ascii_domain)
    return normalized(
        entity_type,
        address,
        name=f"{shown}@{host.to_unicode(ascii_domain)}",
        flags=_flags(folded, ascii_domain),
        properties=properties,
    )


def _domain(text: str) -> str:
    try:
        return host.to_ascii(text)
    except InvalidValueError as error:
        raise InvalidValueError("invalid_email", f"the part after the @: {error.message}") from error


def _local_part(local: str) -> str:
    """The part before the @, judged by email-validator.

    It stands before a plain domain there, because the library refuses special-use domains, which are kept here.
    """
    try:
        result = validate_email(f"{local}@example.com", check_deliverability=False, allow_quoted_local=True)
    except EmailNotValidError as error:
        raise InvalidValueError("invalid_email", str(error)) from error
    return result.local_part


def _canonical(local: str, ascii_domain: str) -> str:
    if ascii_domain in _TAGS_BY_PLUS:
        local = local.partition("+")[0] or local
    if ascii_domain in _DOTS_IGNORED:
        local, ascii_domain = local.replace(".", "") or local, "gmail.com"
    return f"{local}@{ascii_domain}"


def _flags(local: str, ascii_domain: str) -> list[str]:
    flags = []
    if _PLACEHOLDER.fullmatch(local):
        flags.append("placeholder")
    if _ROLE.fullmatch(local):
        flags.append("role")
    if host.is_special_use(ascii_domain):
        flags.append("reserved")
    return flags
