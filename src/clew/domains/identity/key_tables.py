"""API keys, what each has used of its limits, and the log of requests made with them."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.kernel.schema import (
    belongs_to,
    flag,
    index,
    metadata,
    moment,
    now,
    number,
    reference,
    required,
    tenant_table,
    text,
)

_EPOCH: Final = sa.text("'1970-01-01 00:00:00+00'::timestamp with time zone")

# A limit of 0 is none. key_hash is what a program signs in with, so it is unique over all organizations.
api_keys: Final = tenant_table(
    "api_keys",
    reference("user_id"),
    required("key_hash"),
    required("prefix"),
    text("name"),
    text("description"),
    sa.Column("scopes", pg.ARRAY(sa.Text), nullable=False, server_default=sa.text("'{read,write}'::text[]")),
    number("rate_limit_per_minute", 10),
    number("rate_limit_per_hour", 100),
    number("rate_limit_per_day", 1000),
    number("quota_analyses_per_month", 10000),
    number("analyses_used_this_month", 0),
    sa.Column("analyses_month", sa.Date, nullable=False, server_default=sa.text("'2000-01-01'::date")),
    flag("is_active", default=True),
    moment("expires_at"),
    moment("last_used_at"),
    sa.Column("last_used_ip", pg.INET),
    moment("revoked_at"),
    belongs_to("user_id", "users"),
    sa.UniqueConstraint("key_hash"),
    index("user_id"),
    sa.CheckConstraint(
        "LEAST(rate_limit_per_minute, rate_limit_per_hour, rate_limit_per_day, quota_analyses_per_month) >= 0",
        name="limits",
    ),
)

# Apart from api_keys, because this row is written by every request: it stays small, and no index mentions what changes.
api_key_counters: Final = sa.Table(
    "api_key_counters",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    reference("api_key_id"),
    sa.Column("minute_starts", sa.TIMESTAMP(timezone=True), nullable=False, server_default=_EPOCH),
    number("minute_used", 0),
    sa.Column("hour_starts", sa.TIMESTAMP(timezone=True), nullable=False, server_default=_EPOCH),
    number("hour_used", 0),
    sa.Column("day_starts", sa.TIMESTAMP(timezone=True), nullable=False, server_default=_EPOCH),
    number("day_used", 0),
    sa.PrimaryKeyConstraint("organization_id", "api_key_id"),
    belongs_to("api_key_id", "api_keys"),
)

api_usage_logs: Final = tenant_table(
    "api_usage_logs",
    reference("api_key_id"),
    required("endpoint"),
    required("method"),
    now("request_timestamp"),
    number("response_status"),
    number("response_time_ms"),
    number("request_size_bytes", big=True),
    number("response_size_bytes", big=True),
    sa.Column("client_ip", pg.INET),
    text("user_agent"),
    index("api_key_id", sa.text("request_timestamp DESC")),
    index("endpoint"),
    partition_by="request_timestamp",
    changing=False,
    bulk=True,
)
