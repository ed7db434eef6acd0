"""Demands: organizations demand a second factor, and come about in one transaction with the act that tells of it."""

from clew.migrations import steps

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.upgrade(revision)


def downgrade() -> None:
    steps.downgrade(revision)
