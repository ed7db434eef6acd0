"""The history of a new case, told without looking for what it cannot have yet."""

from clew.migrations import steps

revision = "0031"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.upgrade(revision)


def downgrade() -> None:
    steps.downgrade(revision)
