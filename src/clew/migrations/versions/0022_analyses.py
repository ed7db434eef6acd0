"""Analyses as a service: what their nodes leave, checkpoints, callbacks and what those are signed with."""

from clew.migrations import steps

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.upgrade(revision)


def downgrade() -> None:
    steps.downgrade(revision)
