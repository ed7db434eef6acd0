"""Keys that access tokens are signed with: made, kept encrypted, exchanged in turn, and published.

One key is current and signs; the next one is published already, so that nobody meets it unprepared; retired ones are
taken as long as tokens signed with them can be alive. Only clew_authenticator gets at the table, and the private halves
are encrypted under a key outside the database.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from clew.domains.identity.sign_in_tables import signing_keys
from clew.kernel.clock import Clock, system_clock
from clew.kernel.errors import NotFoundError
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.sealing import Sealer

ALGORITHM: Final = "EdDSA"
_TURNS: Final = sa.text("SELECT pg_advisory_xact_lock(hashtext('clew signing keys'))")


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys in force: the one that signs, and those that are taken, by `kid`."""

    kid: str
    private_key: Ed25519PrivateKey = field(repr=False)
    public_keys: Mapping[str, Ed25519PublicKey] = field(repr=False)
    made_current: datetime

    def jwks(self) -> dict[str, Any]:
        """The public halves as a JSON Web Key Set (RFC 7517, RFC 8037)."""
        return {
            "keys": [
                {**_public_jwk(key.public_bytes_raw()), "kid": kid, "use": "sig", "alg": ALGORITHM}
                for kid, key in sorted(self.public_keys.items())
            ]
        }


def signing_sealer(secret: InstallationSecret) -> Sealer:
    """What seals private keys."""
    return Sealer(secret.key("signing keys"), secret.where)


def ensure_signing_keys(connection: sa.Connection, sealer: Sealer, *, clock: Clock = system_clock) -> None:
    """Make a current and a next key where there is none; by several processes at once, once."""
    connection.execute(_TURNS)
    present = set(connection.scalars(sa.select(signing_keys.c.state).where(signing_keys.c.state != "retired")))
    for state in ("current", "next"):
        if state not in present:
            _make(connection, sealer, state, clock())


def rotate_signing_keys(
    connection: sa.Connection, sealer: Sealer, *, if_older_than: timedelta | None = None, clock: Clock = system_clock
) -> bool:
    """Retire the current key, let the next one take its place, and make another next one; whether that was done.

    With `if_older_than` only if the current key has signed for that long. Several processes may call this at once.
    """
    ensure_signing_keys(connection, sealer, clock=clock)
    now = clock()
    current = sa.update(signing_keys).where(signing_keys.c.state == "current")
    if if_older_than is not None:
        current = current.where(signing_keys.c.activated_at <= now - if_older_than)
    if connection.execute(current.values(state="retired", retired_at=now)).rowcount == 0:
        return False
    following = sa.update(signing_keys).where(signing_keys.c.state == "next")
    connection.execute(following.values(state="current", activated_at=now))
    _make(connection, sealer, "next", now)
    return True


def load_key_ring(
    connection: sa.Connection, sealer: Sealer, *, accept_retired_for: timedelta, clock: Clock = system_clock
) -> KeyRing:
    """The keys in force. Read it again every minute or so: other processes rotate too.

    Raises NotFoundError before `ensure_signing_keys`, ConfigurationError if the installation's secret is another one.
    """
    now = clock()
    alive = sa.or_(signing_keys.c.retired_at.is_(None), signing_keys.c.retired_at > now - accept_retired_for)
    rows = connection.execute(sa.select(signing_keys).where(alive)).all()
    current = next((row for row in rows if row.state == "current"), None)
    if current is None:
        raise NotFoundError("there is no signing key yet", remedy="make one with ensure_signing_keys")
    private = Ed25519PrivateKey.from_private_bytes(sealer.open(current.private_key, _place(current.kid)))
    public = {row.kid: Ed25519PublicKey.from_public_bytes(row.public_key) for row in rows}
    return KeyRing(current.kid, private, public, current.activated_at)


def delete_retired_keys(connection: sa.Connection, *, retired_for: timedelta, clock: Clock = system_clock) -> int:
    """Forget keys that retired so long ago; how many."""
    old = sa.delete(signing_keys).where(
        signing_keys.c.state == "retired", signing_keys.c.retired_at <= clock() - retired_for
    )
    return connection.execute(old).rowcount


def _make(connection: sa.Connection, sealer: Sealer, state: str, now: datetime) -> None:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    kid = _thumbprint(public)
    connection.execute(
        sa.insert(signing_keys).values(
            kid=kid,
            algorithm=ALGORITHM,
            public_key=public,
            private_key=sealer.seal(private.private_bytes_raw(), _place(kid)),
            state=state,
            created_at=now,
            activated_at=now if state == "current" else None,
        )
    )


def _thumbprint(public: bytes) -> str:
    """A `kid` that follows from the key (RFC 7638)."""
    canonical = json.dumps(_public_jwk(public), sort_keys=True, separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _public_jwk(public: bytes) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public)}


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _place(kid: str) -> str:
    return f"signing_keys.private_key:{kid}"
