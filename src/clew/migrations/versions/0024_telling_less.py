"""What is told of a case costs less: its state is what its history says, and an act is checked without a sub-select."""

from clew.migrations import steps

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.upgrade(revision)


def downgrade() -> None:
    steps.downgrade(revision)
