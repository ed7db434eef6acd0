"""Measures of the graph as facts of the record, and what the graph view follows."""

from clew.migrations import steps

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.upgrade(revision)


def downgrade() -> None:
    steps.downgrade(revision)
