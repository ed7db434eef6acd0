"""The audit trail: what was done, by whom, chained so that nothing is taken out or altered unnoticed."""

from clew.migrations import steps

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.upgrade(revision)


def downgrade() -> None:
    steps.downgrade(revision)
