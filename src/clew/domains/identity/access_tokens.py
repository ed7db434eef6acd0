"""Access tokens: signed statements of minutes' life about who is calling (JWT, RFC 7519, RFC 9068).

They say who and which session, never what is allowed: that is asked anew with each request, so that nothing outlives
what it was based on. The algorithm is fixed; what a token says about it only counts if it is that one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

import jwt

from clew.domains.identity.signing_keys import ALGORITHM, KeyRing
from clew.kernel.clock import Clock, system_clock
from clew.kernel.errors import AuthenticationError
from clew.kernel.ids import IdMaker, new_id
from clew.kernel.settings import Settings

AUDIENCE: Final = "clew-api"
_TYPE: Final = "at+jwt"
_LONGEST: Final = 4096
_CLAIMS: Final = ("iss", "aud", "sub", "org", "sid", "iat", "exp", "jti")
_DRIFT: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Who issues tokens, and how long one is taken."""

    issuer: str
    lifetime: timedelta = timedelta(minutes=5)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The rules that the settings make."""
        return cls(settings.public_url.rstrip("/"), timedelta(seconds=settings.access_token_seconds))

    @property
    def accept_retired_for(self) -> timedelta:
        """How long after its retirement a key may have signed a token that is still alive."""
        return self.lifetime + _DRIFT


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token that was checked says."""

    organization_id: UUID
    user_id: UUID
    session_id: UUID
    token_id: UUID
    expires_at: datetime


def issue_access_token(
    ring: KeyRing,
    rules: TokenRules,
    *,
    organization_id: UUID,
    user_id: UUID,
    session_id: UUID,
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> str:
    """A token for that session, signed with the current key."""
    now = clock()
    claims = {
        "iss": rules.issuer,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "org": str(organization_id),
        "sid": str(session_id),
        "iat": int(now.timestamp()),
        "exp": int((now + rules.lifetime).timestamp()),
        "jti": str(ids()),
    }
    return jwt.encode(claims, ring.private_key, ALGORITHM, {"kid": ring.kid, "typ": _TYPE})


def read_access_token(ring: KeyRing, rules: TokenRules, token: str, *, clock: Clock = system_clock) -> Claims:
    """What a token says, if it is whole, ours, of a key in force, and alive. Raises AuthenticationError."""
    try:
        if len(token) > _LONGEST:
            raise _refused()
        header = jwt.get_unverified_header(token)
        key = ring.public_keys.get(str(header.get("kid")))
        if key is None or header.get("alg") != ALGORITHM or header.get("typ") != _TYPE:
            raise _refused()
        said = jwt.decode(
            token,
            key,
            [ALGORITHM],
            # Times are checked against the clock that was passed in.
            {"require": list(_CLAIMS), "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            audience=AUDIENCE,
            issuer=rules.issuer,
        )
        return _alive(_parsed(said), said, clock())
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError):
        raise _refused() from None


def _parsed(said: dict[str, Any]) -> Claims:
    expires = datetime.fromtimestamp(int(said["exp"]), UTC)
    organization, user, session, token = (UUID(str(said[name])) for name in ("org", "sub", "sid", "jti"))
    return Claims(organization, user, session, token, expires)


def _alive(claims: Claims, said: dict[str, Any], now: datetime) -> Claims:
    issued = datetime.fromtimestamp(int(said["iat"]), UTC)
    if not issued - _DRIFT <= now < claims.expires_at:
        raise _refused()
    return claims


def _refused() -> AuthenticationError:
    return AuthenticationError("this access token is not valid (any more)", remedy="refresh it, or sign in again")
