"""Requests that may come twice, because a caller did not hear the answer: done once, answered twice.

The caller's key is written in the transaction of the act itself, so it is kept exactly if the act is. A second request
with the same key waits for the first one's transaction and then gets its answer; if the first one failed, it is the
first.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import orjson
import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.domains.identity.principal import Principal
from clew.domains.identity.request_tables import idempotency_keys
from clew.kernel.clock import Clock, system_clock
from clew.kernel.errors import ConflictError, InputError
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.sealing import Sealer

KEPT: Final = timedelta(hours=24)
_WAIT: Final = sa.text("SELECT set_config('lock_timeout', '10s', true)")
_NO_WAIT: Final = sa.text("SELECT set_config('lock_timeout', '0', true)")


class KeyReusedError(InputError):
    """An Idempotency-Key came again with another request."""

    code = "idempotency_key_reused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered: status, the headers that belong to it, and the body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Memory:
    """Keeps answers, encrypted under a key that is not in the database. Used by many threads."""

    def __init__(self, secret: InstallationSecret) -> None:
        self._sealer = Sealer(secret.key("answers to repeated requests"), secret.where)
        self._digest_key = secret.key("digests of repeated requests")

    def digest(self, *parts: bytes) -> bytes:
        """By which a request is known again: a keyed digest of method, address and body."""
        return hmac.new(self._digest_key, b"".join(len(part).to_bytes(8) + part for part in parts), "sha256").digest()

    def begin(
        self, connection: sa.Connection, principal: Principal, key: str, digest: bytes, *, clock: Clock = system_clock
    ) -> Answer | None:
        """Claim this key for the request, in the transaction of its act; the answer if the request was done before.

        Raises KeyReusedError if the key was another request's, ConflictError if that is still being worked on after
        ten seconds.
        """
        caller = _caller(principal)
        claim = (
            pg.insert(idempotency_keys)
            .values(
                organization_id=principal.organization_id,
                caller=caller,
                key=key,
                request_digest=digest,
                created_at=clock(),
            )
            .on_conflict_do_nothing()
            .returning(idempotency_keys.c.key)
        )
        connection.execute(_WAIT)
        try:
            claimed = connection.execute(claim).one_or_none()
        except sa.exc.OperationalError as error:
            if isinstance(error.orig, psycopg.errors.LockNotAvailable):
                raise ConflictError(
                    "a request with this Idempotency-Key is still being worked on",
                    where="Idempotency-Key",
                    remedy="send it again in a moment",
                ) from error
            raise
        connection.execute(_NO_WAIT)
        if claimed is not None:
            return None
        known = self.recall(connection, principal, key, digest)
        if known is None:
            raise LookupError("a key that cannot be claimed is there")
        return known

    def recall(self, connection: sa.Connection, principal: Principal, key: str, digest: bytes) -> Answer | None:
        """The answer if the request was done before; claims nothing. Raises KeyReusedError."""
        row = connection.execute(sa.select(idempotency_keys).where(*_is(principal, key))).one_or_none()
        if row is None:
            return None
        if not hmac.compare_digest(bytes(row.request_digest), digest):
            raise KeyReusedError(
                "this Idempotency-Key was another request's",
                where="Idempotency-Key",
                remedy="use a new key for each new request",
            )
        headers, body = orjson.loads(self._sealer.open(row.response, _place(_caller(principal), key)))
        return Answer(row.response_status, headers, body.encode())

    def finish(self, connection: sa.Connection, principal: Principal, key: str, answer: Answer) -> None:
        """Keep the answer of the request that claimed the key, in the same transaction. Its body is text."""
        content = orjson.dumps([answer.headers, answer.body.decode()])
        sealed = self._sealer.seal(content, _place(_caller(principal), key))
        connection.execute(
            sa.update(idempotency_keys)
            .where(*_is(principal, key))
            .values(response_status=answer.status, response=sealed)
        )


def delete_old_answers(connection: sa.Connection, organization_id: UUID, *, clock: Clock = system_clock) -> int:
    """Forget the answers of an organization that are older than a day; how many."""
    old = sa.delete(idempotency_keys).where(
        idempotency_keys.c.organization_id == organization_id, idempotency_keys.c.created_at < clock() - KEPT
    )
    return connection.execute(old).rowcount


def _caller(principal: Principal) -> UUID:
    return principal.key_id or principal.user_id


def _is(principal: Principal, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        idempotency_keys.c.organization_id == principal.organization_id,
        idempotency_keys.c.caller == _caller(principal),
        idempotency_keys.c.key == key,
    )


def _place(caller: UUID, key: str) -> str:
    return f"idempotency_keys.response:{caller}:{hashlib.sha256(key.encode()).hexdigest()}"
