"""Time series: points by the hour, roll-ups by the day, old days in files."""

from clew.migrations import steps

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.upgrade(revision)


def downgrade() -> None:
    steps.downgrade(revision)
