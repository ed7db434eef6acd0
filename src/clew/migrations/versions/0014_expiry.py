"""Expiry: a month of the trail is given up by what the sealer has seen, whatever transactions are open elsewhere."""

from clew.migrations import steps

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.upgrade(revision)


def downgrade() -> None:
    steps.downgrade(revision)
