"""The shared metadata of every table, and the shapes that all tenant tables have in common.

Every row of a tenant belongs to one organization, and primary keys, unique constraints, foreign keys and indexes
all lead with `organization_id`: row-level security then never needs a scan, and no unique violation can tell one
organization what another holds.
"""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

metadata: Final = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)

TIMESTAMP: Final = sa.TIMESTAMP(timezone=True)


def text(name: str, *arguments: Any, **options: Any) -> sa.Column[Any]:
    """A text column; nullable unless said otherwise."""
    return sa.Column(name, sa.Text, *arguments, **options)


def required(name: str, default: str | None = None) -> sa.Column[Any]:
    """A text column that must be given, or has a default."""
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def moment(name: str, **options: Any) -> sa.Column[Any]:
    """A point in time, UTC."""
    return sa.Column(name, TIMESTAMP, **options)


def now(name: str) -> sa.Column[Any]:
    """A point in time that defaults to the transaction's start."""
    return sa.Column(name, TIMESTAMP, nullable=False, server_default=sa.func.now())


def json_object(name: str, *, empty: bool = True) -> sa.Column[Any]:
    """A jsonb column: `{}` by default, or nullable."""
    if not empty:
        return sa.Column(name, pg.JSONB)
    return sa.Column(name, pg.JSONB, nullable=False, server_default=sa.text("'{}'::jsonb"))


def text_array(name: str) -> sa.Column[Any]:
    """A text[] column, empty by default."""
    return sa.Column(name, pg.ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'::text[]"))


def number(name: str, default: int | None = None, *, big: bool = False) -> sa.Column[Any]:
    """An integer; with a default it is never null."""
    kind = sa.BigInteger if big else sa.Integer
    server_default = None if default is None else sa.text(str(default))
    return sa.Column(name, kind, nullable=default is None, server_default=server_default)


def fraction(name: str, default: str | None = None) -> sa.Column[Any]:
    """A numeric(3,2), such as a confidence from 0 to 1."""
    server_default = None if default is None else sa.text(default)
    return sa.Column(name, sa.Numeric(3, 2), nullable=default is None, server_default=server_default)


def reference(name: str, *, optional: bool = False) -> sa.Column[Any]:
    """The uuid of another row of the same organization."""
    return sa.Column(name, sa.Uuid, nullable=optional)


def flag(name: str, *, default: bool) -> sa.Column[Any]:
    """A boolean with a default."""
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.true() if default else sa.false())


def one_of(column: str, values: Sequence[str]) -> sa.CheckConstraint:
    """A check that the column holds one of the values (or null where it may be null)."""
    listed = ", ".join(f"'{value}'::text" for value in values)
    return sa.CheckConstraint(f"{column} = ANY (ARRAY[{listed}])", name=column)


def belongs_to(column: str, table: str, *, on_delete: str = "CASCADE", target: str = "id") -> sa.ForeignKeyConstraint:
    """A foreign key within the organization. SET NULL clears the column only, never organization_id."""
    action = f"SET NULL ({column})" if on_delete == "SET NULL" else on_delete
    return sa.ForeignKeyConstraint(
        ["organization_id", column], [f"{table}.organization_id", f"{table}.{target}"], ondelete=action
    )


def index(*columns: str | sa.ColumnElement[Any] | sa.TextClause, **options: Any) -> sa.Index:
    """An index that leads with organization_id."""
    return sa.Index(None, "organization_id", *columns, **options)


def tenant_table(
    name: str,
    *items: sa.Column[Any] | sa.Constraint | sa.Index,
    partition_by: str | None = None,
    changing: bool = True,
    bulk: bool = False,
) -> sa.Table:
    """A table of an organization's rows: organization_id, id, created_at (and updated_at where rows change).

    With `partition_by` it is range-partitioned by month on that column, and its key includes it. A `bulk` table has
    no foreign key to organizations: the check per row costs as much as the row, and row-level security already
    binds the column to the organization of the transaction.
    """
    tenancy: list[Any] = [] if bulk else [sa.ForeignKey("organizations.id", ondelete="CASCADE")]
    columns: list[Any] = [
        sa.Column("organization_id", sa.Uuid, *tenancy, nullable=False),
        sa.Column("id", sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()")),
        *(item for item in items if isinstance(item, sa.Column)),
    ]
    if partition_by != "created_at":
        columns.append(now("created_at"))
    if changing:
        columns.append(now("updated_at"))
    key = ("organization_id", partition_by, "id") if partition_by else ("organization_id", "id")
    columns.append(sa.PrimaryKeyConstraint(*key))
    columns.extend(item for item in items if not isinstance(item, sa.Column))
    if partition_by:
        return sa.Table(name, metadata, *columns, postgresql_partition_by=f"RANGE ({partition_by})")
    return sa.Table(name, metadata, *columns)
