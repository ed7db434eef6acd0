"""Which registration data stand for nobody: values withheld by law or replaced by a privacy service.

Millions of domains share them, so that an entity made of one would relate what has nothing to do with each other.
"""

import re
from typing import Final

_WITHHELD: Final = re.compile(
    r"redacted|gdpr (?:masked|redacted|protected)|\bmasked\b|statutory masking|not disclosed|non[- ]?disclosed"
    r"|data protected|hidden (?:upon|by|data)|withheld|private (?:registration|person|individual|data)"
    r"|registration private|\bnot shown\b|^personal data|select (?:request|contact)|please query|rdds service"
    r"|request email form|contact the registrar|not available from|obfuscated|anonymi[sz]ed"
    r"|^(?:n/?a|none|null|unknown|undisclosed|private|gdpr|not (?:applicable|available)|-+|\.+|\*+|x+)$",
    re.IGNORECASE,
)
_PRIVACY_SERVICE: Final = re.compile(
    r"domains? by proxy|domainsbyproxy|whois ?guard|withheld ?for ?privacy|contact privacy|privacy ?guardian"
    r"|perfect privacy|privacy ?protect|privacy ?service|whois ?(?:privacy|protect|agent|secure|trustee|proxy)"
    r"|identity ?protect|super privacy|anonymize|domain ?privacy|proxy ?(?:protection|registration|service|llc)"
    r"|data ?protection service|privacy (?:by|hero|inc|corp|ltd|department|user|administrator)|id ?shield"
    r"|domain protection services|on behalf of .{1,80} owner|private ?whois|\bmyprivacy\b|c/o .{0,40}privacy",
    re.IGNORECASE,
)


def is_withheld(text: str) -> bool:
    """Whether a field's value says that there is none to be seen, or names a service that stands in for the owner."""
    shown = " ".join(text[:500].split())
    return not shown or bool(_WITHHELD.search(shown)) or bool(_PRIVACY_SERVICE.search(shown))


def is_privacy_address(email: str) -> bool:
    """Whether mail to it goes to a privacy service, or the field holds an instruction instead of an address."""
    local, at, host = email.rpartition("@")
    if not at or " " in email.strip():
        return True
    return is_withheld(host.replace(".", " ").replace("-", " ")) or is_withheld(host) or is_withheld(local)
