"""An audit trail to seal, to prove and to tamper with, as somebody could who has the owner's power over the tables."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from clew.domains.audit.checkpoints import CheckpointFile
from clew.domains.audit.service import Act, Sealer, Verified, record, seal_now, verify
from clew.kernel.database import Database
from clew.kernel.roles import AUDITOR, MIGRATOR
from tests.support.record import Tenant, migrated_database, new_organization

TAMPERED = ("events", "row_history", "seals")


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail of two organizations, in a database of its own."""

    database: Database
    ours: Tenant
    theirs: Tenant

    @property
    def file(self) -> CheckpointFile:
        return CheckpointFile.of(self.database.settings)

    def act(self, tenant: Tenant, *names: str) -> list[int]:
        """One transaction with an act for each name; the numbers of the rows."""
        with self.database.transaction(tenant.context) as connection:
            for name in names:
                record(connection, Act("investigation_start", "CREATE", "investigation", name, name))
        return [self.row(name) for name in names]

    def row(self, name: str) -> int:
        return int(self.read("SELECT id FROM audit.events WHERE resource_name = :name", name=name)[0][0])

    def read(self, statement: str, **parameters: Any) -> list[Any]:
        """Rows of the trail, as the auditor reads them: waits for nobody."""
        with self.database.transaction(None, AUDITOR) as connection:
            return list(connection.execute(sa.text(statement), parameters).all())

    def seal(self, rows_at_once: int = 10_000) -> int:
        with Sealer(self.database) as sealer:
            return sealer.catch_up(rows_at_once=rows_at_once)

    def verify(self) -> Verified:
        return verify(self.database)

    def owner(self, *statements: str, **parameters: Any) -> list[Any]:
        """Run statements with triggers and row-level security laid down; the rows of the last one."""
        rows: list[Any] = []
        with self.database.transaction(None, MIGRATOR) as connection:
            for table in TAMPERED:
                connection.execute(sa.text(f"ALTER TABLE audit.{table} NO FORCE ROW LEVEL SECURITY"))
                connection.execute(sa.text(f"ALTER TABLE audit.{table} DISABLE TRIGGER USER"))
            for statement in statements:
                done = connection.execute(sa.text(statement), parameters)
                rows = list(done.all()) if done.returns_rows else []
            for table in TAMPERED:
                connection.execute(sa.text(f"ALTER TABLE audit.{table} ENABLE TRIGGER USER"))
                connection.execute(sa.text(f"ALTER TABLE audit.{table} FORCE ROW LEVEL SECURITY"))
        return rows

    @contextlib.contextmanager
    def tampering(self) -> Iterator[None]:
        """Whatever is done to tables and file within the block is undone after it."""
        for table in TAMPERED:
            self.owner(f"CREATE TABLE public.kept_{table} AS TABLE audit.{table}")
        self.owner("CREATE TABLE public.kept_sealing AS TABLE audit.sealing")
        content = self.file.path.read_bytes()
        try:
            yield
        finally:
            self.file.path.write_bytes(content)
            for table in TAMPERED:
                copied = f"INSERT INTO audit.{table} SELECT * FROM public.kept_{table}"
                self.owner(f"DELETE FROM audit.{table}", copied, f"DROP TABLE public.kept_{table}")
            back = "INSERT INTO audit.sealing SELECT * FROM public.kept_sealing"
            self.owner("DELETE FROM audit.sealing", back, "DROP TABLE public.kept_sealing")


@contextlib.contextmanager
def new_trail() -> Iterator[Trail]:
    with migrated_database() as database:
        yield Trail(database, new_organization(database), new_organization(database))


def found(trail: Trail) -> tuple[str, UUID | None, int | None]:
    """The first thing that a verification names: what, of which organization, and which row."""
    bad = trail.verify().first_bad
    assert bad is not None, "nothing was found"
    return bad.problem, bad.organization_id, bad.row


__all__ = ["Trail", "found", "new_trail", "seal_now"]
