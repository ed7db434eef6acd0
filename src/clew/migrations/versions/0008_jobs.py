"""Jobs: what is to be done beside requests, who works on it, and what came of it; and who is told of changes."""

from clew.migrations import steps

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.upgrade(revision)


def downgrade() -> None:
    steps.downgrade(revision)
