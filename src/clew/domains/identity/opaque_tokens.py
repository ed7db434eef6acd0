"""Random tokens that people and programs carry, and the digests that are kept of them.

A token is 256 random bits, so a plain SHA-256 of it is enough: there is nothing to guess, no list to look it up in, and
a slow hash, which buys time for what people choose themselves, would only slow every request down. The kind stands in
front, so that a token that leaked is recognised and none can be used as one of another kind.
"""

import hashlib
import secrets
from typing import Final

SESSION: Final = "clew_session_"
REFRESH: Final = "clew_refresh_"
ONE_TIME: Final = "clew_link_"
_BYTES: Final = 32


def new_token(kind: str) -> str:
    """A token of that kind, safe in URLs, cookies and headers."""
    return kind + secrets.token_urlsafe(_BYTES)


def digest_of(token: str) -> str:
    """What is kept of a token: SHA-256 in hexadecimal."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
