"""Telling: what is told of a row costs its writer less, and the state of an investigation is told with its history."""

from clew.migrations import steps

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.upgrade(revision)


def downgrade() -> None:
    steps.downgrade(revision)
