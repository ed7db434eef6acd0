"""Organizations and users."""

from typing import Any, Final

import sqlalchemy as sa

from clew.kernel.schema import flag, index, json_object, metadata, moment, now, one_of, required, text

AnyRow = sa.Row[*tuple[Any, ...]]
"""A row of whatever columns were asked for."""

ROLES: Final = ("admin", "analyst", "user", "readonly")

organizations: Final = sa.Table(
    "organizations",
    metadata,
    sa.Column("id", sa.Uuid, server_default=sa.text("gen_random_uuid()"), primary_key=True),
    required("name"),
    sa.Column("slug", sa.Text, nullable=False, unique=True),
    json_object("settings"),
    flag("is_active", default=True),
    now("created_at"),
    now("updated_at"),
)

# E-mail and username are what a person signs in with, so they are unique over all organizations.
users: Final = sa.Table(
    "users",
    metadata,
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    sa.Column("id", sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()")),
    sa.Column("email", sa.Text, nullable=False, unique=True),
    sa.Column("username", sa.Text, nullable=False, unique=True),
    required("password_hash"),
    text("full_name"),
    required("role", "user"),
    flag("is_active", default=True),
    flag("is_verified", default=False),
    flag("mfa_enabled", default=False),
    sa.Column("mfa_secret", sa.LargeBinary),  # encrypted
    sa.Column("mfa_last_step", sa.BigInteger),  # 30-second step of the last code taken: none is taken twice
    moment("password_changed_at"),
    moment("last_login"),
    now("created_at"),
    now("updated_at"),
    sa.PrimaryKeyConstraint("organization_id", "id"),
    one_of("role", ROLES),
    index("created_at"),
)
