"""Who may do what: permissions, roles, what users prefer, how an organization is configured, invitations."""

from typing import Final

import sqlalchemy as sa

from clew.domains.identity.tables import ROLES
from clew.kernel.schema import (
    belongs_to,
    flag,
    index,
    json_object,
    metadata,
    moment,
    now,
    one_of,
    reference,
    required,
    tenant_table,
    text,
)

# Of the installation: what can be allowed is the same for everybody. Filled by migrations from permissions.py.
permissions: Final = sa.Table(
    "permissions",
    metadata,
    sa.Column("id", sa.Uuid, server_default=sa.text("gen_random_uuid()"), primary_key=True),
    sa.Column("code", sa.Text, nullable=False, unique=True),
    required("description"),
    now("created_at"),
)

# Built-in roles belong to no organization; everybody sees them and nobody can change them.
roles: Final = sa.Table(
    "roles",
    metadata,
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id", ondelete="CASCADE")),
    sa.Column("id", sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()")),
    required("name"),
    text("description"),
    flag("is_builtin", default=False),
    now("created_at"),
    now("updated_at"),
    sa.UniqueConstraint("organization_id", "id", postgresql_nulls_not_distinct=True),
    sa.UniqueConstraint("organization_id", "name", postgresql_nulls_not_distinct=True),
    sa.CheckConstraint("is_builtin = (organization_id IS NULL)", name="is_builtin"),
)

role_permissions: Final = sa.Table(
    "role_permissions",
    metadata,
    sa.Column("organization_id", sa.Uuid),
    reference("role_id"),
    sa.Column("permission", sa.Text, sa.ForeignKey("permissions.code", ondelete="CASCADE"), nullable=False),
    sa.UniqueConstraint("organization_id", "role_id", "permission", postgresql_nulls_not_distinct=True),
    belongs_to("role_id", "roles"),
)

# Custom roles only: which built-in role a user has stands in users.role.
user_roles: Final = sa.Table(
    "user_roles",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    reference("user_id"),
    reference("role_id"),
    reference("granted_by", optional=True),
    now("granted_at"),
    sa.PrimaryKeyConstraint("organization_id", "user_id", "role_id"),
    belongs_to("user_id", "users"),
    belongs_to("role_id", "roles"),
    belongs_to("granted_by", "users", on_delete="SET NULL"),
    index("role_id"),
)

user_settings: Final = tenant_table(
    "user_settings",
    reference("user_id"),
    required("key"),
    json_object("value"),
    belongs_to("user_id", "users"),
    sa.UniqueConstraint("organization_id", "user_id", "key"),
)

system_configuration: Final = tenant_table(
    "system_configuration",
    required("key"),
    json_object("value"),
    reference("updated_by", optional=True),
    belongs_to("updated_by", "users", on_delete="SET NULL"),
    sa.UniqueConstraint("organization_id", "key"),
)

invitations: Final = tenant_table(
    "invitations",
    required("email"),
    required("role", "user"),
    reference("invited_by", optional=True),
    sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
    moment("accepted_at"),
    reference("accepted_by", optional=True),
    moment("revoked_at"),
    one_of("role", ROLES),
    belongs_to("invited_by", "users", on_delete="SET NULL"),
    belongs_to("accepted_by", "users", on_delete="SET NULL"),
    index("email"),
)
