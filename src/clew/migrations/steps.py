"""What every revision does: run the SQL files of its folder, in the order of their names."""

from pathlib import Path
from typing import Final

from alembic import op

SQL: Final = Path(__file__).parent / "sql"


def upgrade(revision: str) -> None:
    """Run the numbered steps of that revision."""
    for step in sorted((SQL / revision).glob("[0-9]*.sql")):
        op.get_bind().exec_driver_sql(step.read_text(encoding="utf-8").replace("%", "%%"))


def downgrade(revision: str) -> None:
    """Take that revision back."""
    op.get_bind().exec_driver_sql((SQL / revision / "down.sql").read_text(encoding="utf-8").replace("%", "%%"))
