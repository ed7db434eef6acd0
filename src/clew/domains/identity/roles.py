"""Roles: the built-in ones, custom ones of an organization, and what a user may do in all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.domains.identity.access_tables import role_permissions, roles, user_roles
from clew.domains.identity.permissions import BUILT_IN, CODES
from clew.domains.identity.sessions import revoke_sessions
from clew.domains.identity.tables import AnyRow, users
from clew.domains.identity.telling import ROLE, USER, tell
from clew.kernel.clock import Clock, system_clock
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from clew.kernel.ids import IdMaker, new_id

_LONGEST_NAME: Final = 60
_LONGEST_DESCRIPTION: Final = 500


@dataclass(frozen=True, slots=True)
class Role:
    """What a role allows. Built-in roles belong to every organization and change with the program only."""

    id: UUID
    name: str
    description: str | None
    is_builtin: bool
    permissions: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def list_roles(connection: sa.Connection) -> list[Role]:
    """The built-in roles and those of the transaction's organization, built-in first, then by name."""
    return [Role(row.id, row.name, row.description, row.is_builtin, tuple(row.codes)) for row in _found(connection)]


def find_role(connection: sa.Connection, name: str) -> Role:
    """The role with this name. Raises NotFoundError that names those there are."""
    known = {role.name: role for role in list_roles(connection)}
    if name not in known:
        raise NotFoundError(f"no role {name[:80]!r}", remedy=f"there are: {', '.join(known)}")
    return known[name]


def find_role_by_id(connection: sa.Connection, role_id: UUID) -> Role:
    """The role with this id, a built-in one or one of the transaction's organization. Raises NotFoundError."""
    for role in list_roles(connection):
        if role.id == role_id:
            return role
    raise NotFoundError(f"no role {role_id}", remedy="list the roles")


def create_role(
    connection: sa.Connection,
    organization_id: UUID,
    name: str,
    *,
    description: str | None = None,
    permissions: Iterable[str] = (),
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> Role:
    """A custom role. Raises InputError, or ConflictError if a role of that name exists."""
    title = _role_name(name)
    codes = _known_codes(permissions)
    now = clock()
    if title in BUILT_IN:
        raise _taken(title)
    made = connection.execute(
        pg.insert(roles)
        .values(
            organization_id=organization_id,
            id=ids(),
            name=title,
            description=(description or "")[:_LONGEST_DESCRIPTION] or None,
            created_at=now,
            updated_at=now,
        )
        .on_conflict_do_nothing()
        .returning(roles.c.id)
    ).one_or_none()
    if made is None:
        raise _taken(title)
    _allow(connection, organization_id, made.id, codes)
    tell(connection, "role_created", "CREATE", ROLE, made.id, title, permissions=codes)
    return find_role(connection, title)


def grant_permissions(
    connection: sa.Connection,
    organization_id: UUID,
    name: str,
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
    clock: Clock = system_clock,
) -> Role:
    """Allow a custom role more, or less. Sessions go on: what they may do is asked anew with every request.

    Raises NotFoundError, InputError for unknown codes, ConflictError for a built-in role.
    """
    role = _custom(connection, name)
    more, less = _known_codes(add), _known_codes(remove)
    _allow(connection, organization_id, role.id, more)
    connection.execute(
        sa.delete(role_permissions).where(
            role_permissions.c.organization_id == organization_id,
            role_permissions.c.role_id == role.id,
            role_permissions.c.permission.in_(less),
        )
    )
    connection.execute(
        sa.update(roles)
        .where(roles.c.organization_id == organization_id, roles.c.id == role.id)
        .values(updated_at=clock())
    )
    tell(connection, "role_changed", "UPDATE", ROLE, role.id, role.name, allowed=more or None, refused=less or None)
    return find_role(connection, name)


def delete_role(connection: sa.Connection, organization_id: UUID, name: str) -> None:
    """Delete a custom role; whoever had it has it no more. Raises NotFoundError, ConflictError for a built-in one."""
    role = _custom(connection, name)
    connection.execute(sa.delete(roles).where(roles.c.organization_id == organization_id, roles.c.id == role.id))
    tell(connection, "role_deleted", "DELETE", ROLE, role.id, role.name)


def add_role(
    connection: sa.Connection,
    organization_id: UUID,
    user_id: UUID,
    name: str,
    *,
    granted_by: UUID | None = None,
    clock: Clock = system_clock,
) -> None:
    """Give a user a custom role beside what they have; their sessions end. Raises NotFoundError, ConflictError."""
    role = _custom(connection, name)
    _require_user(connection, organization_id, user_id)
    connection.execute(
        pg.insert(user_roles)
        .values(
            organization_id=organization_id,
            user_id=user_id,
            role_id=role.id,
            granted_by=granted_by,
            granted_at=clock(),
        )
        .on_conflict_do_nothing()
    )
    tell(connection, "role_given", "UPDATE", USER, user_id, role=role.name)
    revoke_sessions(connection, organization_id, user_id, reason="role changed", clock=clock)


def remove_role(
    connection: sa.Connection, organization_id: UUID, user_id: UUID, name: str, *, clock: Clock = system_clock
) -> None:
    """Take a custom role from a user; their sessions end. Raises NotFoundError if they do not have it."""
    role = _custom(connection, name)
    taken = sa.delete(user_roles).where(
        user_roles.c.organization_id == organization_id,
        user_roles.c.user_id == user_id,
        user_roles.c.role_id == role.id,
    )
    if connection.execute(taken).rowcount == 0:
        raise NotFoundError(f"this user does not have the role {name!r}", remedy="see `clew user show`")
    tell(connection, "role_taken", "UPDATE", USER, user_id, role=role.name)
    revoke_sessions(connection, organization_id, user_id, reason="role changed", clock=clock)


def custom_roles_of(connection: sa.Connection, organization_id: UUID, user_id: UUID) -> list[str]:
    """Names of the custom roles a user has."""
    query = (
        sa.select(roles.c.name)
        .join(user_roles, sa.and_(_same_organization(), user_roles.c.role_id == roles.c.id))
        .where(user_roles.c.organization_id == organization_id, user_roles.c.user_id == user_id)
        .order_by(roles.c.name)
    )
    return list(connection.scalars(query))


def custom_permissions() -> sa.ScalarSelect[list[str]]:
    """A part of a statement about `users`: what each user's custom roles allow, as text[], null for nothing."""
    same_role = sa.and_(
        role_permissions.c.organization_id == user_roles.c.organization_id,
        role_permissions.c.role_id == user_roles.c.role_id,
    )
    return (
        sa.select(sa.func.array_agg(role_permissions.c.permission))
        .select_from(user_roles)
        .join(role_permissions, same_role)
        .where(user_roles.c.organization_id == users.c.organization_id, user_roles.c.user_id == users.c.id)
        .correlate(users)
        .scalar_subquery()
    )


def all_permissions(role: str, custom: Sequence[str] | None) -> frozenset[str]:
    """What a user may do in all: by the built-in role, and by what `custom_permissions` found.

    Codes that this program does not know any more count for nothing.
    """
    return BUILT_IN.get(role, frozenset()) | (frozenset(custom or ()) & CODES)


def _found(connection: sa.Connection) -> list[AnyRow]:
    ordered = pg.aggregate_order_by(role_permissions.c.permission, role_permissions.c.permission)
    codes = sa.func.array_remove(sa.func.array_agg(ordered), None).label("codes")
    query = (
        sa.select(roles.c.id, roles.c.name, roles.c.description, roles.c.is_builtin, codes)
        .select_from(roles)
        .outerjoin(
            role_permissions,
            sa.and_(
                role_permissions.c.role_id == roles.c.id,
                role_permissions.c.organization_id.is_not_distinct_from(roles.c.organization_id),
            ),
        )
        .group_by(roles.c.id, roles.c.name, roles.c.description, roles.c.is_builtin)
        .order_by(roles.c.is_builtin.desc(), roles.c.name)
    )
    return list(connection.execute(query))


def _same_organization() -> sa.ColumnElement[bool]:
    return user_roles.c.organization_id == roles.c.organization_id


def _custom(connection: sa.Connection, name: str) -> Role:
    role = find_role(connection, name)
    if role.is_builtin:
        raise ConflictError(
            f"{name} is a built-in role", where="role", remedy="built-in roles are given with `clew user set-role`"
        )
    return role


def _allow(connection: sa.Connection, organization_id: UUID, role_id: UUID, codes: list[str]) -> None:
    if codes:
        rows = [{"organization_id": organization_id, "role_id": role_id, "permission": code} for code in codes]
        connection.execute(pg.insert(role_permissions).values(rows).on_conflict_do_nothing())


def _known_codes(permissions: Iterable[str]) -> list[str]:
    codes = sorted(set(permissions))
    unknown = [code for code in codes if code not in CODES]
    if unknown:
        raise InputError(
            f"no such permission: {', '.join(unknown)[:200]}",
            where="permissions",
            remedy=f"there are: {', '.join(sorted(CODES))}",
        )
    return codes


def _role_name(name: str) -> str:
    title = " ".join(name.split())
    if not title or len(title) > _LONGEST_NAME or not title.isprintable():
        raise InputError("a role needs a name", where="role", remedy=f"write 1 to {_LONGEST_NAME} printable characters")
    return title


def _require_user(connection: sa.Connection, organization_id: UUID, user_id: UUID) -> None:
    found = sa.select(users.c.id).where(users.c.organization_id == organization_id, users.c.id == user_id)
    if connection.scalar(found) is None:
        raise NotFoundError(f"no user {user_id}", remedy="see `clew user list`")


def _taken(name: str) -> ConflictError:
    return ConflictError("there is a role of this name", where=f"role {name}", remedy="choose another name")
