"""Organizations, and in each the operator on whose behalf the command line works."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.domains.identity.operator import operator_id
from clew.domains.identity.tables import organizations, users
from clew.domains.identity.telling import ORGANIZATION, tell
from clew.kernel.database import Database
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from clew.kernel.ids import new_id
from clew.kernel.roles import DIRECTORY
from clew.kernel.statements import Statement

DEFAULT_SLUG: Final = "default"
DEFAULT_NAME: Final = "Default organization"

_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_MAXIMUM_NAME: Final = 200
_NAMED_IN_A_REMEDY: Final = 20


@dataclass(frozen=True, slots=True)
class Organization:
    """A tenant: whoever works for one sees nothing of another."""

    id: UUID
    slug: str
    name: str
    is_active: bool
    created_at: datetime

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": str(self.id),
            "slug": self.slug,
            "name": self.name,
            "is_active": self.is_active,
            "created_at": self.created_at.isoformat(),
        }


def create_organization(database: Database, slug: str, name: str, *, ids: Callable[[], UUID] = new_id) -> Organization:
    """A new organization with its operator and the act that tells of it, in one transaction.

    An organization that an older program left without operator is completed and returned. Raises InputError for a
    bad slug or name, ConflictError if the slug is taken.
    """
    _require_slug(slug)
    title = _required_name(name)
    with database.transaction(None, role=DIRECTORY) as connection:
        made = connection.execute(
            pg.insert(organizations)
            .values(id=ids(), slug=slug, name=title)
            .on_conflict_do_nothing(index_elements=["slug"])
            .returning(organizations.c.id)
        ).one_or_none()
        organization = _by_slug(connection, slug)
        if organization is None:
            raise NotFoundError("this organization was removed while it was being made", where=f"organization {slug}")
        completed = _install_operator(connection, organization.id)
    if made is None and not completed:
        raise ConflictError(
            "an organization with this slug exists",
            where=f"organization {slug}",
            remedy="choose another slug, or work in it with `--org`",
        )
    return organization


def list_organizations(database: Database) -> list[Organization]:
    """Every organization of this installation, by slug."""
    with database.transaction(None, role=DIRECTORY) as connection:
        rows = connection.execute(_SELECTED.order_by(organizations.c.slug)).all()
    return [Organization(*row) for row in rows]


def find_organization(database: Database, slug: str) -> Organization:
    """The organization with this slug. Raises NotFoundError that names those that exist."""
    with database.transaction(None, role=DIRECTORY) as connection:
        organization = _by_slug(connection, slug)
        if organization is not None:
            return organization
        known = list(
            connection.scalars(
                sa.select(organizations.c.slug).order_by(organizations.c.slug).limit(_NAMED_IN_A_REMEDY + 1)
            )
        )
    raise NotFoundError(f"no organization {slug!r}", remedy=_slug_remedy(slug, known))


def own_organization(connection: sa.Connection, organization_id: UUID) -> Organization:
    """The organization in whose transaction the connection is. Raises NotFoundError if it is gone."""
    row = _BY_ID.row(connection, {"id": organization_id})
    if row is None:
        raise NotFoundError(f"no organization {organization_id}")
    return Organization(*row)


def organization_words(connection: sa.Connection, organization_id: UUID) -> tuple[str, str]:
    """What everybody in the organization would think of: its name and slug. No password may hold them."""
    found = own_organization(connection, organization_id)
    return found.name, found.slug.replace("-", " ")


def rename_organization(connection: sa.Connection, organization_id: UUID, name: str) -> Organization:
    """Another name for the organization in whose transaction the connection is. Raises InputError, NotFoundError."""
    title = _required_name(name)
    before = own_organization(connection, organization_id)
    connection.execute(
        sa.update(organizations)
        .where(organizations.c.id == organization_id)
        .values(name=title, updated_at=sa.func.now())
    )
    if title != before.name:
        tell(connection, "organization_renamed", "UPDATE", ORGANIZATION, organization_id, title, before=before.name)
    return own_organization(connection, organization_id)


def ensure_default_organization(database: Database) -> Organization:
    """The organization that work goes to where none is named, made (or completed) if need be."""
    with database.transaction(None, role=DIRECTORY) as connection:
        organization = _by_slug(connection, DEFAULT_SLUG)
        if organization is not None:
            _install_operator(connection, organization.id)
            return organization
    try:
        return create_organization(database, DEFAULT_SLUG, DEFAULT_NAME)
    except ConflictError:  # another process made it in between
        return find_organization(database, DEFAULT_SLUG)


def operator_of(connection: sa.Connection, organization_id: UUID) -> UUID:
    """The user for whom the command line acts in this organization, in whose transaction `connection` is.

    Raises NotFoundError if the organization has none.
    """
    operator: UUID | None = connection.scalar(
        sa.select(users.c.id).where(
            users.c.organization_id == organization_id, users.c.id == operator_id(organization_id)
        )
    )
    if operator is None:
        raise NotFoundError(
            "this organization has no operator",
            where=f"organization {organization_id}",
            remedy="run `clew org new` with the same slug again, which completes it",
        )
    return operator


_SELECTED: Final = sa.select(
    organizations.c.id,
    organizations.c.slug,
    organizations.c.name,
    organizations.c.is_active,
    organizations.c.created_at,
)

_BY_ID: Final = Statement(_SELECTED.where(organizations.c.id == sa.bindparam("id")))


def _by_slug(connection: sa.Connection, slug: str) -> Organization | None:
    if not _SLUG.fullmatch(slug):
        return None
    row = connection.execute(_SELECTED.where(organizations.c.slug == slug)).one_or_none()
    return None if row is None else Organization(*row)


def _install_operator(connection: sa.Connection, organization_id: UUID) -> bool:
    """Make the operator unless it is there, and tell that the organization came about; whether it was missing."""
    installed = sa.func.install_operator(organization_id, operator_id(organization_id))
    return bool(connection.scalar(sa.select(installed)))


def _require_slug(slug: str) -> None:
    if not _SLUG.fullmatch(slug):
        raise InputError(
            f"{slug[:80]!r} is no slug",
            where="organization",
            remedy="write 1 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit",
        )


def _required_name(name: str) -> str:
    title = " ".join(name.split())
    if not title or len(title) > _MAXIMUM_NAME or not title.isprintable():
        raise InputError(
            "an organization needs a name",
            where="organization",
            remedy=f"write 1 to {_MAXIMUM_NAME} printable characters",
        )
    return title


def _slug_remedy(slug: str, known: list[str]) -> str:
    make = f"make it with `clew org new {slug}`" if _SLUG.fullmatch(slug) else "make one with `clew org new`"
    if not known:
        return make
    more = ", …" if len(known) > _NAMED_IN_A_REMEDY else ""
    return f"there are: {', '.join(known[:_NAMED_IN_A_REMEDY])}{more}; or {make}"
