"""Signing in: sessions, refresh tokens, signing keys, one-time tokens, recovery codes, failed attempts.

What a caller shows is kept as a SHA-256 digest only: it is 256 random bits, so there is nothing to guess.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.kernel.schema import (
    TIMESTAMP,
    belongs_to,
    flag,
    index,
    metadata,
    moment,
    now,
    number,
    one_of,
    reference,
    tenant_table,
    text,
)
from clew.kernel.schema import required as required_text

TOKEN_PURPOSES: Final = ("email_verification", "password_reset", "invitation")
KEY_STATES: Final = ("next", "current", "retired")
SUBJECT_KINDS: Final = ("account", "address")

# A session is also the family of its refresh tokens: revoking it ends them all.
sessions: Final = tenant_table(
    "sessions",
    reference("user_id"),
    required_text("token_hash"),
    required_text("username"),
    required_text("role"),
    now("last_activity"),
    sa.Column("expires_at", TIMESTAMP, nullable=False),
    moment("revoked_at"),
    text("revoked_reason"),
    flag("second_factor", default=False),
    sa.Column("client_ip", pg.INET),
    text("user_agent"),
    belongs_to("user_id", "users"),
    sa.UniqueConstraint("token_hash"),
    index("user_id", "created_at"),
    changing=False,
)

refresh_tokens: Final = tenant_table(
    "refresh_tokens",
    reference("session_id"),
    required_text("token_hash"),
    sa.Column("expires_at", TIMESTAMP, nullable=False),
    moment("used_at"),
    reference("replaced_by", optional=True),
    belongs_to("session_id", "sessions"),
    sa.UniqueConstraint("token_hash"),
    index("session_id"),
    changing=False,
)

one_time_tokens: Final = tenant_table(
    "one_time_tokens",
    required_text("purpose"),
    reference("user_id", optional=True),
    reference("invitation_id", optional=True),
    required_text("token_hash"),
    required_text("email"),
    sa.Column("expires_at", TIMESTAMP, nullable=False),
    moment("used_at"),
    one_of("purpose", TOKEN_PURPOSES),
    sa.CheckConstraint("num_nonnulls(user_id, invitation_id) = 1", name="subject"),
    belongs_to("user_id", "users"),
    belongs_to("invitation_id", "invitations"),
    sa.UniqueConstraint("token_hash"),
    index("user_id"),
    index("invitation_id"),
    changing=False,
)

mfa_recovery_codes: Final = tenant_table(
    "mfa_recovery_codes",
    reference("user_id"),
    required_text("code_hash"),
    moment("used_at"),
    belongs_to("user_id", "users"),
    sa.UniqueConstraint("organization_id", "user_id", "code_hash"),
    changing=False,
)

# Of the whole installation, and open to clew_authenticator only. private_key is encrypted with a key that is not here.
signing_keys: Final = sa.Table(
    "signing_keys",
    metadata,
    sa.Column("kid", sa.Text, nullable=False),
    required_text("algorithm"),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("private_key", sa.LargeBinary, nullable=False),
    required_text("state"),
    now("created_at"),
    moment("activated_at"),
    moment("retired_at"),
    sa.PrimaryKeyConstraint("kid"),
    one_of("state", KEY_STATES),
    sa.Index("signing_keys_state_idx", "state", unique=True, postgresql_where=sa.text("state <> 'retired'::text")),
)

# Likewise. Whom an attempt was about is kept as a keyed digest: people type passwords where names belong.
sign_in_failures: Final = sa.Table(
    "sign_in_failures",
    metadata,
    required_text("kind"),
    sa.Column("subject", sa.LargeBinary, nullable=False),
    number("failures", 0),
    now("last_failed_at"),
    sa.PrimaryKeyConstraint("kind", "subject"),
    one_of("kind", SUBJECT_KINDS),
    sa.Index("sign_in_failures_last_failed_at_idx", "last_failed_at"),
)
