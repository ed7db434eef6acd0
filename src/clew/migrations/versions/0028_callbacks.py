"""Callbacks: since when one goes out, so that none is sent again whose answer nobody knows."""

from clew.migrations import steps

revision = "0028"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.upgrade(revision)


def downgrade() -> None:
    steps.downgrade(revision)
