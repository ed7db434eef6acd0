"""The record: organizations, items, entities, events, investigations, operations."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STEPS = Path(__file__).parent.parent / "sql" / "0001"


def upgrade() -> None:
    for step in sorted(STEPS.glob("[0-9]*.sql")):
        op.get_bind().exec_driver_sql(step.read_text(encoding="utf-8").replace("%", "%%"))


def downgrade() -> None:
    op.get_bind().exec_driver_sql((STEPS / "down.sql").read_text(encoding="utf-8"))
