"""Exchange with peers: what is exchanged word for word, how far each is in step, conflicts, shares, ATT&CK."""

from clew.migrations import steps

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.upgrade(revision)


def downgrade() -> None:
    steps.downgrade(revision)
