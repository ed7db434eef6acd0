"""Listings: what is listed page by page is read from an index in the order of the list."""

from clew.migrations import steps

revision = "0011"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.upgrade(revision)


def downgrade() -> None:
    steps.downgrade(revision)
