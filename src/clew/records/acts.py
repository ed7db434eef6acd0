"""Acts as the audit trail keeps them, written in the transaction of the act: neither is ever there without the other.

Who acts, in which session or with which key, from which address and by which request, is what the transaction was
opened with.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import orjson
import psycopg
import sqlalchemy as sa

from clew.kernel.driver import DriverConnection, Prepared
from clew.kernel.stored_text import LONGEST_TOLD, storable_json
from clew.kernel.transactions import driver_connection
from clew.records.act import INSTALLATION, Act, Action, ConfigurationChange, told

__all__ = ["INSTALLATION", "Act", "Action", "ConfigurationChange", "record", "record_all", "record_configuration"]

_PARAMETER: Final = re.compile(r"%\((\w+)\)s")


class _Writing:
    """A statement that writes into the trail: within a transaction of ours in the trip of what comes next.

    There it needs none of its own, nor does anybody wait for it. A connection that psycopg began a transaction on, as
    the loader's are, carries it out at once.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._names = list(dict.fromkeys(_PARAMETER.findall(text)))
        self._prepared = Prepared(_PARAMETER.sub(lambda found: f"${self._names.index(found[1]) + 1}", text))

    def write(self, connection: sa.Connection | psycopg.Connection[Any], rows: list[Mapping[str, Any]]) -> None:
        driver = driver_connection(connection) if isinstance(connection, sa.Connection) else connection
        if isinstance(driver, DriverConnection) and driver.keeps_back:
            for row in rows:
                driver.write_later(self._prepared, [row[name] for name in self._names])
            return
        with driver.cursor() as cursor:
            cursor.executemany(self._text, rows)


_RECORD: Final = _Writing("""
INSERT INTO audit.events (organization_id, event_uuid, event_type, user_id, user_name, source_ip, user_agent,
                          session_id, action, resource_type, resource_id, resource_name, success, error_message,
                          request_data, response_data, processing_time_ms, "timestamp")
VALUES (nullif(current_setting('app.current_organization_id', true), '')::uuid, %(uuid)s, %(event_type)s,
        nullif(current_setting('app.current_user_id', true), '')::uuid,
        coalesce(%(user_name)s, nullif(current_setting('app.user_name', true), ''),
                 audit.name_of(nullif(current_setting('app.current_organization_id', true), '')::uuid,
                               nullif(current_setting('app.current_user_id', true), '')::uuid)),
        nullif(current_setting('app.client_ip', true), '')::inet,
        coalesce(%(user_agent)s, nullif(current_setting('app.user_agent', true), '')),
        nullif(current_setting('app.session_id', true), '')::uuid, %(action)s, %(resource_type)s, %(resource_id)s,
        %(resource_name)s, %(success)s::boolean, %(error_message)s,
        %(request)s::jsonb || jsonb_strip_nulls(jsonb_build_object(
            'request_id', nullif(current_setting('app.request_id', true), ''),
            'api_key_id', nullif(current_setting('app.api_key_id', true), ''))),
        %(response)s::jsonb, %(milliseconds)s::numeric, coalesce(least(%(at)s::timestamptz, now()), now()))
""")

_RECORD_CONFIGURATION: Final = _Writing("""
INSERT INTO audit.configuration_changes (organization_id, component, operation, resource_path, old_value, new_value,
                                         changed_by, change_reason, approved_by)
VALUES (nullif(current_setting('app.current_organization_id', true), '')::uuid, %(component)s, %(operation)s,
        %(resource_path)s, %(old_value)s::jsonb, %(new_value)s::jsonb,
        nullif(current_setting('app.current_user_id', true), '')::uuid, %(reason)s, %(approved_by)s)
""")


def record(connection: sa.Connection | psycopg.Connection[Any], act: Act) -> None:
    """Write an act into the audit trail, in the transaction that the connection is in.

    The transaction's context says for which organization and who acts. Raises what the database raises, as for a
    transaction without an organization: then the act must not be kept either. It is raised with the next statement, or
    instead of the commit.
    """
    _RECORD.write(connection, [_parameters(act)])


def record_all(connection: sa.Connection | psycopg.Connection[Any], acts: list[Act]) -> None:
    """Write several acts, likewise."""
    _RECORD.write(connection, [_parameters(act) for act in acts])


def record_configuration(connection: sa.Connection | psycopg.Connection[Any], change: ConfigurationChange) -> None:
    """Write a changed setting into the trail, in the transaction that changes it."""
    row = {
        "component": change.component,
        "operation": change.operation,
        "resource_path": change.resource_path,
        "old_value": None if change.old_value is None else _json(change.old_value),
        "new_value": None if change.new_value is None else _json(change.new_value),
        "reason": told(change.reason),
        "approved_by": change.approved_by,
    }
    _RECORD_CONFIGURATION.write(connection, [row])


def _parameters(act: Act) -> dict[str, Any]:
    return {
        "uuid": uuid4().hex,
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
    """The value as the trail keeps it. Nearly every value can be stored as it is, which its JSON shows."""
    try:
        plain = orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()
    except TypeError:  # halves of surrogate pairs, and what JSON does not know
        return orjson.dumps(storable_json(value)).decode()
    if len(plain) <= LONGEST_TOLD and "\\u0000" not in plain:
        return plain
    return orjson.dumps(storable_json(value)).decode()
