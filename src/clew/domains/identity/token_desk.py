"""The desk where tokens are handed out, exchanged and read: made once per process, used by many threads."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

import jwt

from clew.domains.identity.access_tokens import Claims, TokenRules, issue_access_token, read_access_token
from clew.domains.identity.callers import caller_of_claims
from clew.domains.identity.principal import Principal
from clew.domains.identity.refreshing import first_refresh_token, refresh
from clew.domains.identity.sessions import SessionLimits
from clew.domains.identity.sign_in import SignedIn
from clew.domains.identity.signing_keys import KeyRing, ensure_signing_keys, load_key_ring, signing_sealer
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database, TenantContext
from clew.kernel.errors import AuthenticationError, NotFoundError
from clew.kernel.ids import IdMaker, new_id
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.roles import AUTHENTICATOR
from clew.kernel.sealing import Sealer

READ_AGAIN_AFTER: Final = timedelta(minutes=1)
_AT_MOST_EVERY: Final = timedelta(seconds=5)
_MOST_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True, repr=False)
class TokenPair:
    """An access token, the refresh token for when it has expired, and the seconds until then."""

    access_token: str
    refresh_token: str
    expires_in: int


class TokenDesk:
    """Keeps the signing keys at hand, reading them again every minute, and when a token names one it does not know."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        rules: TokenRules,
        limits: SessionLimits,
        *,
        clock: Clock = system_clock,
        ids: IdMaker = new_id,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._rules = rules
        self._limits = limits
        self._clock = clock
        self._ids = ids
        self._guard = threading.Lock()
        self._ring: KeyRing | None = None
        self._read_at: datetime | None = None
        self._claims: dict[str, Claims] = {}
        self._remembered_with: KeyRing | None = None

    @classmethod
    def of(cls, database: Database, *, clock: Clock = system_clock, ids: IdMaker = new_id) -> Self:
        """The desk that the database's settings make. Raises ConfigurationError without the installation's secret."""
        settings = database.settings
        sealer = signing_sealer(InstallationSecret.of(settings))
        return cls(database, sealer, TokenRules.of(settings), SessionLimits.of(settings), clock=clock, ids=ids)

    def hand_out(self, signed_in: SignedIn) -> TokenPair:
        """The first tokens of a session that just began."""
        where, session = signed_in.organization_id, signed_in.session.id
        with self._database.transaction(TenantContext(where, signed_in.user_id, session)) as connection:
            token = first_refresh_token(connection, where, session, clock=self._clock, ids=self._ids)
        return self._pair(where, signed_in.user_id, session, token)

    def exchange(self, refresh_token: str) -> TokenPair:
        """The next tokens for a refresh token. Raises ReuseError, AuthenticationError."""
        following = refresh(self._database, refresh_token, limits=self._limits, clock=self._clock, ids=self._ids)
        return self._pair(following.organization_id, following.user_id, following.session_id, following.token)

    def caller(self, access_token: str, *, client_ip: str | None = None) -> Principal:
        """Who calls, and what they may do at this moment. Raises AuthenticationError."""
        claims = self._read_token(access_token)
        return caller_of_claims(self._database, claims, limits=self._limits, client_ip=client_ip, clock=self._clock)

    def jwks(self) -> dict[str, Any]:
        """The public keys, for whoever checks tokens elsewhere. May be cached for READ_AGAIN_AFTER."""
        return self._keys(None).jwks()

    def _pair(self, organization_id: UUID, user_id: UUID, session_id: UUID, refresh_token: str) -> TokenPair:
        access = issue_access_token(
            self._keys(None),
            self._rules,
            organization_id=organization_id,
            user_id=user_id,
            session_id=session_id,
            clock=self._clock,
            ids=self._ids,
        )
        return TokenPair(access, refresh_token, int(self._rules.lifetime.total_seconds()))

    def _read_token(self, access_token: str) -> Claims:
        ring = self._keys(None)
        known = self._known(ring, access_token)
        if known is not None and self._clock() < known.expires_at:
            return known
        try:
            return self._remembered(ring, access_token)
        except AuthenticationError:
            named = _named_key(access_token)
            newer = self._keys(named) if named is not None else ring
            if newer is ring:
                raise
        return self._remembered(newer, access_token)

    def _known(self, ring: KeyRing, access_token: str) -> Claims | None:
        """What this very token was read as before, with these very keys: checking a signature takes a while."""
        with self._guard:
            if self._remembered_with is not ring:
                self._claims.clear()
                self._remembered_with = ring
            return self._claims.get(access_token)

    def _remembered(self, ring: KeyRing, access_token: str) -> Claims:
        claims = read_access_token(ring, self._rules, access_token, clock=self._clock)
        with self._guard:
            if self._remembered_with is ring:
                if len(self._claims) >= _MOST_REMEMBERED:
                    self._claims.clear()
                self._claims[access_token] = claims
        return claims

    def _keys(self, wanted: str | None) -> KeyRing:
        with self._guard:
            now = self._clock()
            age = None if self._read_at is None else now - self._read_at
            unknown = wanted is not None and self._ring is not None and wanted not in self._ring.public_keys
            # Tokens that name made-up keys must not become queries, one each.
            if self._ring is None or age is None or age >= (_AT_MOST_EVERY if unknown else READ_AGAIN_AFTER):
                self._ring, self._read_at = self._read(), now
            return self._ring

    def _read(self) -> KeyRing:
        with self._database.transaction(None, role=AUTHENTICATOR) as connection:
            accept = self._rules.accept_retired_for
            try:
                return load_key_ring(connection, self._sealer, accept_retired_for=accept, clock=self._clock)
            except NotFoundError:  # the first start of all
                ensure_signing_keys(connection, self._sealer, clock=self._clock)
                return load_key_ring(connection, self._sealer, accept_retired_for=accept, clock=self._clock)


def _named_key(token: str) -> str | None:
    try:
        return str(jwt.get_unverified_header(token).get("kid"))
    except (jwt.InvalidTokenError, ValueError):
        return None
