"""Acts as the audit trail keeps them, written in the transaction of the act: neither is ever there without the other.

Who acts, in which session and from which address is what the transaction was opened with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import orjson
import psycopg
import sqlalchemy as sa

from clew.kernel.stored_text import LONGEST_TOLD, storable, storable_json
from clew.kernel.transactions import driver_connection

Action = Literal["CREATE", "READ", "UPDATE", "DELETE", "EXECUTE"]

_RECORD: Final = """
INSERT INTO audit.events (organization_id, event_type, user_id, user_name, source_ip, user_agent, session_id, action,
                          resource_type, resource_id, resource_name, success, error_message, request_data,
                          response_data, processing_time_ms, "timestamp")
SELECT o.id, %(event_type)s, u.id,
       coalesce(%(user_name)s, (SELECT username FROM users WHERE organization_id = o.id AND users.id = u.id)),
       nullif(current_setting('app.client_ip', true), '')::inet, %(user_agent)s,
       nullif(current_setting('app.session_id', true), '')::uuid, %(action)s, %(resource_type)s, %(resource_id)s,
       %(resource_name)s, %(success)s, %(error_message)s, %(request)s::jsonb, %(response)s::jsonb,
       %(milliseconds)s::numeric, coalesce(least(%(at)s::timestamptz, now()), now())
FROM (SELECT nullif(current_setting('app.current_organization_id', true), '')::uuid) AS o (id),
     (SELECT nullif(current_setting('app.current_user_id', true), '')::uuid) AS u (id)
"""

_RECORD_CONFIGURATION: Final = """
INSERT INTO audit.configuration_changes (organization_id, component, operation, resource_path, old_value, new_value,
                                         changed_by, change_reason, approved_by)
VALUES (nullif(current_setting('app.current_organization_id', true), '')::uuid, %(component)s, %(operation)s,
        %(resource_path)s, %(old_value)s::jsonb, %(new_value)s::jsonb,
        nullif(current_setting('app.current_user_id', true), '')::uuid, %(reason)s, %(approved_by)s)
"""


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did. `event_type` names it (investigation_start), `resource_type` says to what kind of thing."""

    event_type: str
    action: Action
    resource_type: str
    resource_id: str | UUID | None = None
    resource_name: str | None = None
    success: bool = True
    error_message: str | None = None
    request: Mapping[str, Any] = field(default_factory=dict)
    response: Mapping[str, Any] = field(default_factory=dict)
    milliseconds: float | None = None
    user_name: str | None = None  # None: as the user is called now
    user_agent: str | None = None
    at: datetime | None = None  # None, or a time to come: the start of the transaction


@dataclass(frozen=True, slots=True)
class ConfigurationChange:
    """A setting that was changed, with what it was before. Values are JSON; secrets never belong into them."""

    component: str
    operation: Action
    resource_path: str
    old_value: Any = None
    new_value: Any = None
    reason: str | None = None
    approved_by: UUID | None = None


def record(connection: sa.Connection | psycopg.Connection[Any], act: Act) -> None:
    """Write an act into the audit trail, in the transaction that the connection is in.

    The transaction's context says for which organization and who acts. Raises what the database raises, as for a
    transaction without an organization: then the act must not be kept either.
    """
    _driver(connection).execute(_RECORD, _parameters(act))


def record_all(connection: sa.Connection | psycopg.Connection[Any], acts: list[Act]) -> None:
    """Write several acts, likewise."""
    with _driver(connection).cursor() as cursor:
        cursor.executemany(_RECORD, [_parameters(act) for act in acts])


def record_configuration(connection: sa.Connection | psycopg.Connection[Any], change: ConfigurationChange) -> None:
    """Write a changed setting into the trail, in the transaction that changes it."""
    _driver(connection).execute(
        _RECORD_CONFIGURATION,
        {
            "component": change.component,
            "operation": change.operation,
            "resource_path": change.resource_path,
            "old_value": None if change.old_value is None else _json(change.old_value),
            "new_value": None if change.new_value is None else _json(change.new_value),
            "reason": told(change.reason),
            "approved_by": change.approved_by,
        },
    )


def _driver(connection: sa.Connection | psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    return driver_connection(connection) if isinstance(connection, sa.Connection) else connection


def _parameters(act: Act) -> dict[str, Any]:
    return {
        "event_type": act.event_type,
        "action": act.action,
        "resource_type": act.resource_type,
        "resource_id": told(None if act.resource_id is None else str(act.resource_id)),
        "resource_name": told(act.resource_name),
        "success": act.success,
        "error_message": told(act.error_message),
        "request": _json(act.request),
        "response": _json(act.response),
        "milliseconds": act.milliseconds,
        "user_name": told(act.user_name),
        "user_agent": told(act.user_agent),
        "at": act.at,
    }


def told(text: str | None) -> str | None:
    """The text as the trail keeps it: no name from outside may keep an act untold, however long or odd it is."""
    return None if text is None else storable(text, LONGEST_TOLD)


def _json(value: Any) -> str:
    return orjson.dumps(storable_json(value)).decode()
