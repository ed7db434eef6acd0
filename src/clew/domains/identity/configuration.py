"""What an organization configures, and what a user prefers: values of JSON under names."""

import json
import re
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.domains.identity import second_factor_demand
from clew.domains.identity.access_tables import system_configuration, user_settings
from clew.kernel.clock import Clock, system_clock
from clew.kernel.errors import InputError, NotFoundError
from clew.kernel.ids import IdMaker, new_id
from clew.kernel.outside_url import require_outside_url
from clew.records.acts import Action, ConfigurationChange, record_configuration

_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,99}")
_MOST_BYTES: Final = 65_536
_SECRET: Final = re.compile(r"secret|password|passwd|token|credential|private|api_?key", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"(?:^|[_.:-])(?:urls?|uris?|webhooks?|endpoints?)$", re.IGNORECASE)
_CONFIGURATION: Final = "system_configuration"
_USER_SETTINGS: Final = "user_settings"


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
    if key == second_factor_demand.KEY:
        second_factor_demand.require_demand(connection, organization_id, value)
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
    _tell(connection, _CONFIGURATION, key, key, before, value)
    return before


def remove_configuration(connection: sa.Connection, organization_id: UUID, key: str) -> None:
    """Forget one key. Raises NotFoundError if it is not configured."""
    removed = (
        sa.delete(system_configuration)
        .where(system_configuration.c.organization_id == organization_id, system_configuration.c.key == key)
        .returning(system_configuration.c.value)
    )
    row = connection.execute(removed).one_or_none()
    if row is None:
        raise NotFoundError(f"{key[:100]!r} is not configured", remedy="list the configuration")
    _tell(connection, _CONFIGURATION, key, key, row.value, None, "DELETE")


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
    own = (
        user_settings.c.organization_id == organization_id,
        user_settings.c.user_id == user_id,
        user_settings.c.key == key,
    )
    before = connection.scalar(sa.select(user_settings.c.value).where(*own).with_for_update())
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
    _tell(connection, _USER_SETTINGS, f"{user_id}/{key}", key, before, value)


def remove_user_setting(connection: sa.Connection, organization_id: UUID, user_id: UUID, key: str) -> None:
    """Forget one key of a user's. Raises NotFoundError if it is not set."""
    removed = (
        sa.delete(user_settings)
        .where(
            user_settings.c.organization_id == organization_id,
            user_settings.c.user_id == user_id,
            user_settings.c.key == key,
        )
        .returning(user_settings.c.value)
    )
    row = connection.execute(removed).one_or_none()
    if row is None:
        raise NotFoundError(f"{key[:100]!r} is not set", remedy="list the settings")
    _tell(connection, _USER_SETTINGS, f"{user_id}/{key}", key, row.value, None, "DELETE")


def _tell(
    connection: sa.Connection,
    component: str,
    path: str,
    key: str,
    before: Any,
    after: Any,
    action: Action | None = None,
) -> None:
    known: Action = "CREATE" if before is None else "UPDATE"
    old, new = (None if value is None else _told(key, value) for value in (before, after))
    record_configuration(connection, ConfigurationChange(component, action or known, path, old, new))


def _told(name: str, value: Any) -> Any:
    """The value as the trail may keep it for good: what its name calls a secret is not repeated."""
    if _SECRET.search(name):
        return "(secret)"
    if isinstance(value, dict):
        return {key: _told(str(key), inner) for key, inner in value.items()}
    return [_told("", inner) for inner in value] if isinstance(value, list) else value


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
    _require_outside(key, value)


def _require_outside(name: str, value: Any) -> None:
    """Raises InputError if what its name calls an address leads into this machine or its network."""
    if isinstance(value, dict):
        for key, inner in value.items():
            _require_outside(str(key), inner)
    elif isinstance(value, list):
        for inner in value:
            _require_outside(name, inner)
    elif isinstance(value, str) and _ADDRESS.search(name):
        require_outside_url(value, name[:100])
