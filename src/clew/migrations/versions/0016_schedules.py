"""Schedules: jobs that come again by themselves; and when a runner elsewhere was told of a job."""

from clew.migrations import steps

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.upgrade(revision)


def downgrade() -> None:
    steps.downgrade(revision)
