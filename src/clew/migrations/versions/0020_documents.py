"""Documents: what enriches entities, raw documents as they were collected, analyses as documents."""

from clew.migrations import steps

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.upgrade(revision)


def downgrade() -> None:
    steps.downgrade(revision)
