"""Acts as the audit trail keeps them, written in the transaction of the act: neither is ever there without the other.

Who acts, in which session or with which key, from which address and by which request, is what the transaction was
opened with.
"""

from typing import Any, Final

import orjson
import psycopg
import sqlalchemy as sa

from clew.kernel.stored_text import storable_json
from clew.kernel.transactions import driver_connection
from clew.records.act import INSTALLATION, Act, Action, ConfigurationChange, told

__all__ = ["INSTALLATION", "Act", "Action", "ConfigurationChange", "record", "record_all", "record_configuration"]

_RECORD: Final = """
INSERT INTO audit.events (organization_id, event_type, user_id, user_name, source_ip, user_agent, session_id, action,
                          resource_type, resource_id, resource_name, success, error_message, request_data,
                          response_data, processing_time_ms, "timestamp")
SELECT o.id, %(event_type)s, u.id,
       coalesce(%(user_name)s, (SELECT username FROM users WHERE organization_id = o.id AND users.id = u.id)),
       nullif(current_setting('app.client_ip', true), '')::inet,
       coalesce(%(user_agent)s, nullif(current_setting('app.user_agent', true), '')),
       nullif(current_setting('app.session_id', true), '')::uuid, %(action)s, %(resource_type)s, %(resource_id)s,
       %(resource_name)s, %(success)s, %(error_message)s,
       %(request)s::jsonb || jsonb_strip_nulls(jsonb_build_object(
           'request_id', nullif(current_setting('app.request_id', true), ''),
           'api_key_id', nullif(current_setting('app.api_key_id', true), ''))),
       %(response)s::jsonb,
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


def _json(value: Any) -> str:
    return orjson.dumps(storable_json(value)).decode()
