"""What a peer's version was is a column of its state; a new entity's first source needs no second row of the feed."""

from clew.migrations import steps

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.upgrade(revision)


def downgrade() -> None:
    steps.downgrade(revision)
