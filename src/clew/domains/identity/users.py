"""Users: add, find, list, change, deactivate. Each function works in its caller's transaction of one organization."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from sqlalchemy.dialects import postgresql as pg

from clew.domains.identity.pages import Place, after
from clew.domains.identity.passwords import UNUSABLE
from clew.domains.identity.permissions import BUILT_IN
from clew.domains.identity.sessions import revoke_sessions
from clew.domains.identity.tables import users
from clew.domains.identity.telling import USER, tell
from clew.kernel.clock import Clock, system_clock
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from clew.kernel.ids import IdMaker, new_id
from clew.kernel.stored_text import storable

_USERNAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_LONGEST_NAME: Final = 320
SORT_KINDS: Final[dict[str, type]] = {"username": str, "email": str, "created_at": datetime}
"""What users can be sorted by, and of what kind each is."""


@dataclass(frozen=True, slots=True)
class User:
    """A person of one organization, without anything secret."""

    id: UUID
    organization_id: UUID
    email: str
    username: str
    full_name: str | None
    role: str
    is_active: bool
    is_verified: bool
    mfa_enabled: bool
    last_login: datetime | None
    created_at: datetime

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def normal_email(email: str) -> str:
    """The address in the one form in which it is kept and compared. Raises InputError for what is no address."""
    try:
        checked = validate_email(email.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise InputError(f"this is no e-mail address: {error}", where="email", remedy="correct it") from None
    return checked.normalized.casefold()


def normal_username(username: str) -> str:
    """The user name in the one form in which it is kept and compared. Raises InputError.

    It holds no @, so that no user name can be another user's e-mail address.
    """
    name = username.strip().casefold()
    if not _USERNAME.fullmatch(name):
        raise InputError(
            f"{username[:80]!r} is no user name",
            where="username",
            remedy="write 1 to 64 letters a-z, digits, dots, hyphens and underscores, beginning and ending with a "
            "letter or digit",
        )
    return name


def add_user(
    connection: sa.Connection,
    organization_id: UUID,
    *,
    email: str,
    username: str,
    password_hash: str = UNUSABLE,
    full_name: str | None = None,
    role: str = "user",
    is_verified: bool = False,
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> User:
    """A new user; with no password, one who cannot sign in until a link let them choose one.

    Raises InputError, or ConflictError if somebody has the e-mail address or user name. Those are unique over all
    organizations, so only an administrator may learn of it: whoever registers by themselves must not be told.
    """
    now = clock()
    statement = (
        pg.insert(users)
        .values(
            organization_id=organization_id,
            id=ids(),
            email=normal_email(email),
            username=normal_username(username),
            password_hash=password_hash,
            password_changed_at=None if password_hash == UNUSABLE else now,
            full_name=_full_name(full_name),
            role=required_role(role),
            is_verified=is_verified,
            created_at=now,
            updated_at=now,
        )
        .on_conflict_do_nothing()
        .returning(*_SHOWN)
    )
    made = connection.execute(statement).one_or_none()
    if made is None:
        raise ConflictError(
            "this e-mail address or user name is taken", where=f"user {username[:80]}", remedy="choose another one"
        )
    user = User(*made)
    tell(connection, "user_added", "CREATE", USER, user.id, user.username, role=user.role)
    return user


def list_users(
    connection: sa.Connection, organization_id: UUID, *, after: str | None = None, limit: int = 1000
) -> list[User]:
    """Users of the organization by user name, from behind `after` on, at most `limit`."""
    query = sa.select(*_SHOWN).where(users.c.organization_id == organization_id).order_by(users.c.username)
    if after is not None:
        query = query.where(users.c.username > after)
    return [User(*row) for row in connection.execute(query.limit(limit))]


def page_of_users(
    connection: sa.Connection,
    organization_id: UUID,
    *,
    sort: str = "username",
    descending: bool = False,
    place: Place | None = None,
    limit: int = 50,
    role: str | None = None,
    is_active: bool | None = None,
    beginning: str | None = None,
) -> list[User]:
    """Users behind a place (value of the sort, id), at most `limit` + 1, sorted by one of SORT_KINDS.

    `beginning`: of the user name or the e-mail address.
    """
    query = sa.select(*_SHOWN).where(users.c.organization_id == organization_id)
    if role is not None:
        query = query.where(users.c.role == required_role(role))
    if is_active is not None:
        query = query.where(users.c.is_active == is_active)
    if beginning is not None:
        text = storable(beginning, _LONGEST_NAME).casefold()
        query = query.where(
            sa.or_(sa.func.starts_with(users.c.username, text), sa.func.starts_with(users.c.email, text))
        )
    ordered = after(query, (users.c[sort], users.c.id), place, limit, descending=descending)
    return [User(*row) for row in connection.execute(ordered)]


def find_user(connection: sa.Connection, organization_id: UUID, name: str | UUID) -> User:
    """The user with this id, user name or e-mail address. Raises NotFoundError, also for another organization's."""
    if isinstance(name, UUID):
        matches = users.c.id == name
    else:
        wanted = storable(name, _LONGEST_NAME).strip().casefold()
        matches = sa.or_(users.c.username == wanted, users.c.email == wanted)
    row = connection.execute(
        sa.select(*_SHOWN).where(users.c.organization_id == organization_id, matches)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"no user {str(name)[:80]!r}", remedy="see `clew user list`")
    return User(*row)


def update_user(
    connection: sa.Connection,
    organization_id: UUID,
    user_id: UUID,
    *,
    email: str | None = None,
    full_name: str | None = None,
    clock: Clock = system_clock,
) -> User:
    """Change what is given. A new e-mail address is unverified until its owner follows a link.

    Raises NotFoundError, InputError, ConflictError.
    """
    before = find_user(connection, organization_id, user_id)
    values: dict[str, Any] = {}
    if full_name is not None:
        values["full_name"] = _full_name(full_name)
    if email is not None and normal_email(email) != before.email:
        values |= {"email": normal_email(email), "is_verified": False}
    try:
        with connection.begin_nested():
            changed = _changed(connection, organization_id, user_id, values | {"updated_at": clock()})
    except sa.exc.IntegrityError as error:
        raise ConflictError(
            "this e-mail address is taken", where=f"user {before.username}", remedy="choose another one"
        ) from error
    different = [name for name in ("email", "full_name") if getattr(changed, name) != getattr(before, name)]
    if different:
        tell(connection, "user_changed", "UPDATE", USER, user_id, changed.username, changed=different)
    return changed


def set_built_in_role(
    connection: sa.Connection, organization_id: UUID, user_id: UUID, role: str, *, clock: Clock = system_clock
) -> User:
    """Give the user that built-in role in place of the one they have.

    Their sessions end, so that no old one goes on with what it was allowed. Raises NotFoundError, InputError.
    """
    now = clock()
    changed = _changed(connection, organization_id, user_id, {"role": required_role(role), "updated_at": now})
    tell(connection, "user_role_set", "UPDATE", USER, user_id, changed.username, role=role)
    revoke_sessions(connection, organization_id, user_id, reason="role changed", clock=clock)
    return changed


def set_active(
    connection: sa.Connection, organization_id: UUID, user_id: UUID, *, active: bool, clock: Clock = system_clock
) -> User:
    """Let the user in again, or shut them out: sessions end at once, API keys rest as long as their owner does."""
    changed = _changed(connection, organization_id, user_id, {"is_active": active, "updated_at": clock()})
    tell(connection, "user_activated" if active else "user_deactivated", "UPDATE", USER, user_id, changed.username)
    if not active:
        revoke_sessions(connection, organization_id, user_id, reason="user deactivated", clock=clock)
    return changed


def set_password(
    connection: sa.Connection,
    organization_id: UUID,
    user_id: UUID,
    password_hash: str,
    *,
    keep_session: UUID | None = None,
    clock: Clock = system_clock,
) -> User:
    """Keep the hash of a password that the policy took. All sessions end but the one that is named."""
    now = clock()
    values = {"password_hash": password_hash, "password_changed_at": now, "updated_at": now}
    changed = _changed(connection, organization_id, user_id, values)
    tell(connection, "password_set", "UPDATE", USER, user_id, changed.username)
    revoke_sessions(connection, organization_id, user_id, reason="password changed", keep=keep_session, clock=clock)
    return changed


def required_role(role: str) -> str:
    """The name of a built-in role. Raises InputError that names them."""
    if role not in BUILT_IN:
        raise InputError(
            f"no built-in role {role[:80]!r}", where="role", remedy=f"choose one of: {', '.join(BUILT_IN)}"
        )
    return role


_SHOWN: Final = tuple(users.c[name] for name in User.__slots__)


def _changed(connection: sa.Connection, organization_id: UUID, user_id: UUID, values: dict[str, Any]) -> User:
    statement = (
        sa.update(users)
        .where(users.c.organization_id == organization_id, users.c.id == user_id)
        .values(**values)
        .returning(*_SHOWN)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFoundError(f"no user {user_id}", remedy="see `clew user list`")
    return User(*row)


def _full_name(full_name: str | None) -> str | None:
    name = " ".join((full_name or "").split())
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise InputError(
            "this is no name", where="full name", remedy=f"write at most {_LONGEST_NAME} printable characters"
        )
    return name or None
