"""What an organization configures, and what a user prefers: values of JSON under names."""

import json
import re
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.domains.identity.access_tables import system_configuration, user_settings
from clew.kernel.clock import Clock, system_clock
from clew.kernel.errors import InputError, NotFoundError
from clew.kernel.ids import IdMaker, new_id

_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,99}")
_MOST_BYTES: Final = 65_536


def read_configuration(connection: sa.Connection, organization_id: UUID) -> dict[str, Any]:
    """Everything the organization configured, by key."""
    query = sa.select(system_configuration.c.key, system_configuration.c.value).where(
        system_configuration.c.organization_id == organization_id
    )
    return {row.key: row.value for row in connection.execute(query.order_by(system_configuration.c.key))}


def set_configuration(
    connection: sa.Connection,
    organization_id: UUID,
    key: str,
    value: Any,
    *,
    updated_by: UUID | None = None,
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> Any:
    """Configure one key; the value it had before, None if it had none. Raises InputError."""
    _require(key, value)
    known = sa.select(system_configuration.c.value).where(
        system_configuration.c.organization_id == organization_id, system_configuration.c.key == key
    )
    before = connection.scalar(known.with_for_update())
    now = clock()
    statement = pg.insert(system_configuration).values(
        organization_id=organization_id, id=ids(), key=key, value=value, updated_by=updated_by, updated_at=now
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["organization_id", "key"],
            set_={"value": statement.excluded.value, "updated_by": updated_by, "updated_at": now},
        )
    )
    return before


def remove_configuration(connection: sa.Connection, organization_id: UUID, key: str) -> None:
    """Forget one key. Raises NotFoundError if it is not configured."""
    removed = sa.delete(system_configuration).where(
        system_configuration.c.organization_id == organization_id, system_configuration.c.key == key
    )
    if connection.execute(removed).rowcount == 0:
        raise NotFoundError(f"{key[:100]!r} is not configured", remedy="list the configuration")


def read_user_settings(connection: sa.Connection, organization_id: UUID, user_id: UUID) -> dict[str, Any]:
    """Everything a user set, by key."""
    query = sa.select(user_settings.c.key, user_settings.c.value).where(
        user_settings.c.organization_id == organization_id, user_settings.c.user_id == user_id
    )
    return {row.key: row.value for row in connection.execute(query.order_by(user_settings.c.key))}


def set_user_setting(
    connection: sa.Connection,
    organization_id: UUID,
    user_id: UUID,
    key: str,
    value: Any,
    *,
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> None:
    """Set one key of a user's. Raises InputError; NotFoundError without the user."""
    _require(key, value)
    now = clock()
    statement = pg.insert(user_settings).values(
        organization_id=organization_id, id=ids(), user_id=user_id, key=key, value=value, updated_at=now
    )
    try:
        with connection.begin_nested():
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["organization_id", "user_id", "key"],
                    set_={"value": statement.excluded.value, "updated_at": now},
                )
            )
    except sa.exc.IntegrityError as error:
        raise NotFoundError(f"no user {user_id}", remedy="see `clew user list`") from error


def remove_user_setting(connection: sa.Connection, organization_id: UUID, user_id: UUID, key: str) -> None:
    """Forget one key of a user's. Raises NotFoundError if it is not set."""
    removed = sa.delete(user_settings).where(
        user_settings.c.organization_id == organization_id,
        user_settings.c.user_id == user_id,
        user_settings.c.key == key,
    )
    if connection.execute(removed).rowcount == 0:
        raise NotFoundError(f"{key[:100]!r} is not set", remedy="list the settings")


def _require(key: str, value: Any) -> None:
    if not _KEY.fullmatch(key):
        raise InputError(
            f"{key[:100]!r} is no key",
            where="key",
            remedy="write 1 to 100 lower-case letters, digits and _ . : -, beginning with a letter or digit",
        )
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (TypeError, ValueError):  # the latter also for halves of surrogate pairs
        raise InputError("this value is no JSON", where=key, remedy="write text, numbers, lists and objects") from None
    if size > _MOST_BYTES or "\\u0000" in text.replace("\\\\", ""):
        raise InputError(
            "this value is too long or holds a NUL character",
            where=key,
            remedy=f"write at most {_MOST_BYTES} bytes of JSON",
        )
