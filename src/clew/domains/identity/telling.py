"""What the audit trail is told of people, roles, keys and sessions, in the transaction that changes them."""

from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.records.acts import Act, Action, record

USER: Final = "user"
ROLE: Final = "role"
KEY: Final = "api_key"
SESSION: Final = "session"
INVITATION: Final = "invitation"
ORGANIZATION: Final = "organization"


def tell(
    connection: sa.Connection,
    event_type: str,
    action: Action,
    resource_type: str,
    resource_id: UUID | None,
    resource_name: str | None = None,
    **details: Any,
) -> None:
    """Write one act. Details that are None are left out; passwords, tokens and keys never belong into them."""
    request = {name: value for name, value in details.items() if value is not None}
    record(connection, Act(event_type, action, resource_type, resource_id, resource_name, request=request))


def tell_failure(
    connection: sa.Connection,
    event_type: str,
    resource_type: str,
    resource_id: UUID | None,
    *,
    why: str,
    user_agent: str | None = None,
    **details: Any,
) -> None:
    """Write an act that was tried and refused. `why` is for administrators: whoever was refused is not told."""
    record(
        connection,
        Act(
            event_type,
            "EXECUTE",
            resource_type,
            resource_id,
            success=False,
            error_message=why,
            request=details,
            user_agent=user_agent,
        ),
    )
