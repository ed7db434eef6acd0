"""Telling the address that an analysis named that it is over: signed, and once, or failed with a reason.

Each attempt is a job's. That a message is about to go out is written before it does, so that whoever finds it unsettled
knows that nobody can say whether it was taken: a process that died between the receiver's answer and its being written
here, or a message that went out and was not answered. Then it is reported as failed, with that reason, and not sent
again unless somebody asks for it (`clew jobs retry`), under the same `webhook-id`. What surely was not taken, because
nobody listened or the receiver said so, is tried again under that id, too. A redirection is an answer that is not
followed; what the name leads to is checked with each connection (clew.kernel.outbound).
"""

import time
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import orjson
import sqlalchemy as sa

from clew.domains.analyses.tables import analysis_callbacks
from clew.domains.analyses.webhook_secrets import sealer_of, secrets_in_force, signatures
from clew.domains.campaigns.tables import analysis_sessions
from clew.kernel.database import Database
from clew.kernel.errors import ClewError, ConfigurationError, NotFoundError
from clew.kernel.outbound import Outbound
from clew.kernel.transactions import TenantContext
from clew.records.acts import Act, record

UNKNOWN: Final = (
    "whether the receiver took it is unknown: the process that began to send it at {} UTC ended before it could note "
    "the answer"
)
_PASSING: Final = frozenset({408, 409, 423, 425, 429})
_SHOWN: Final = ("sessions", "confidence", "scores", "campaigns", "campaigns_new", "campaigns_changed", "seconds")


class CallbackFailedError(ClewError):
    """A callback was not taken. A transient one is sent again."""

    code = "callback_failed"
    exit_code = 7

    def __init__(self, message: str, *, where: str, passes: bool, response_status: int | None = None) -> None:
        super().__init__(message, where=where, remedy="see to the receiver; `clew jobs retry` sends it again")
        self.passes = passes
        self.response_status = response_status


class CallbackDelayedError(CallbackFailedError):
    """The same where sending it again may help."""

    transient = True


class CallbackUnknownError(CallbackFailedError):
    """Nobody can say whether the receiver took it: it is not sent again by itself."""

    code = "callback_unknown"


@dataclass(frozen=True, slots=True)
class _Message:
    id: UUID
    url: str
    body: bytes
    signature: str
    timestamp: int


def deliver(
    database: Database, context: TenantContext, analysis_id: UUID, *, last: bool, outbound: Outbound | None = None
) -> dict[str, Any]:
    """Send the callback of an analysis, unless it was delivered; what came of it. `last`: no attempt comes after.

    Raises CallbackFailedError (a CallbackDelayedError where it is to be sent again, a CallbackUnknownError where an
    attempt before, or this one, may have been taken), NotFoundError.
    """
    message = _prepared(database, context, analysis_id)
    if message is None:
        return {"status": "delivered", "again": True}
    way = outbound or Outbound.of(database.settings)
    try:
        status = _send(way, message)
    except CallbackFailedError as error:
        over = last or not error.passes
        _written(database, context, message, "failed" if over else "pending", error.response_status, error.message)
        if error.passes:
            raise CallbackDelayedError(
                error.message, where=message.url, passes=True, response_status=error.response_status
            ) from error
        raise
    _written(database, context, message, "delivered", status, None)
    return {"status": "delivered", "response_status": status, "id": str(message.id)}


def _prepared(database: Database, context: TenantContext, analysis_id: UUID) -> _Message | None:
    """What is to be sent, from now on `sending_since`; None if it was delivered. Raises CallbackUnknownError."""
    organization_id, unsure = context.organization_id, None
    with database.transaction(context) as connection:
        query = sa.select(analysis_callbacks).where(
            analysis_callbacks.c.organization_id == organization_id,
            analysis_callbacks.c.analysis_session_id == analysis_id,
        )
        row = connection.execute(query.with_for_update()).mappings().one_or_none()
        if row is None:
            raise NotFoundError(f"analysis {analysis_id} has no callback", remedy="it was deleted meanwhile")
        if row["status"] == "delivered":
            return None
        keys = secrets_in_force(connection, organization_id, sealer_of(database.settings))
        body = orjson.dumps(_told(connection, organization_id, analysis_id))
        if row["sending_since"] is not None:
            unsure = CallbackUnknownError(
                UNKNOWN.format(f"{row['sending_since']:%Y-%m-%d %H:%M:%S}"), where=row["url"], passes=False
            )
        elif keys:
            _begin(connection, organization_id, row["id"])
    unsent = _Message(row["id"], row["url"], body, "", 0)
    if unsure is not None:
        _written(database, context, unsent, "failed", None, unsure.message)
        raise unsure
    if not keys:
        reason = "the organization has no secret to sign callbacks with any more"
        _written(database, context, unsent, "failed", None, reason)
        raise ConfigurationError(reason, where=f"analysis {analysis_id}", remedy="make one, then `clew jobs retry`")
    now = int(time.time())
    return replace(unsent, signature=signatures(keys, f"msg_{row['id']}", now, body), timestamp=now)


def _begin(connection: sa.Connection, organization_id: UUID, identifier: UUID) -> None:
    """Say that it is about to go out. The commit of this waits for the disk, and the message for the commit."""
    table = analysis_callbacks
    connection.execute(
        sa.update(table)
        .where(table.c.organization_id == organization_id, table.c.id == identifier)
        .values(status="pending", sending_since=sa.func.clock_timestamp(), reason=None, updated_at=sa.func.now())
    )


def _told(connection: sa.Connection, organization_id: UUID, analysis_id: UUID) -> dict[str, Any]:
    table = analysis_sessions.c
    query = sa.select(table.status, table.completed_at, table.analysis_depth, table.final_assessment).where(
        table.organization_id == organization_id, table.id == analysis_id
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(f"no analysis {analysis_id}", remedy="it was deleted meanwhile")
    document: dict[str, Any] = row.final_assessment
    result = {name: document[name] for name in _SHOWN if name in document}
    failed = {name: document[name] for name in ("error", "code") if name in document}
    return {
        "type": f"analysis.{row.status}",
        "timestamp": row.completed_at,
        "data": {
            "analysis_id": analysis_id,
            "status": row.status,
            "analysis_depth": row.analysis_depth,
            "completed_at": row.completed_at,
            "result": result or None,
            "failure": failed or None,
        },
    }


def _send(outbound: Outbound, message: _Message) -> int:
    """The status of an answer that takes it. Raises CallbackFailedError."""
    import httpx2  # noqa: PLC0415  only who sends needs it

    headers = {
        "Content-Type": "application/json",
        "webhook-id": f"msg_{message.id}",
        "webhook-timestamp": str(message.timestamp),
        "webhook-signature": message.signature,
    }
    try:
        with (
            outbound.client(headers=headers) as client,
            client.stream("POST", message.url, content=message.body) as response,
        ):
            status = response.status_code
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
        text = f"the receiver cannot be reached: {type(error).__name__}"
        raise CallbackFailedError(text, where=message.url, passes=True) from error
    except httpx2.HTTPError as error:
        text = f"whether the receiver took it is unknown: it was sent and not answered ({type(error).__name__})"
        raise CallbackUnknownError(text, where=message.url, passes=False) from error
    except ClewError as error:
        raise CallbackFailedError(error.message, where=message.url, passes=error.transient) from error
    if 200 <= status < 300:
        return status
    passes = status >= 500 or status in _PASSING
    what = "leads elsewhere, which is not followed" if 300 <= status < 400 else "did not take it"
    text = f"the receiver answered {status}: it {what}"
    raise CallbackFailedError(text, where=message.url, passes=passes, response_status=status)


def _written(
    database: Database,
    context: TenantContext,
    message: _Message,
    status: str,
    response_status: int | None,
    reason: str | None,
) -> None:
    table = analysis_callbacks
    with database.transaction(context) as connection:
        connection.execute(
            sa.update(table)
            .where(table.c.organization_id == context.organization_id, table.c.id == message.id)
            .values(
                status=status,
                attempts=table.c.attempts + 1,
                sending_since=None,
                response_status=response_status,
                reason=reason,
                delivered_at=sa.func.now() if status == "delivered" else None,
                updated_at=sa.func.now(),
            )
        )
        if status != "pending":
            act = Act(
                f"analysis_callback_{status}", "EXECUTE", "analysis_callback", message.id,
                success=status == "delivered", error_message=reason, response={"status": response_status},
            )  # fmt: skip
            record(connection, act)
