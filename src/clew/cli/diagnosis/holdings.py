"""What an organization's record holds that somebody should look after."""

from collections.abc import Iterator

import sqlalchemy as sa

from clew.cli.diagnosis.finding import Finding, Status, checked
from clew.cli.session import record_of
from clew.domains.identity.service import find_organization
from clew.kernel.database import Database
from clew.records.tables.items import ingest_files
from clew.records.tables.operations import quarantine

LISTED = 5


def examine_record(database: Database, slug: str) -> Iterator[Finding]:
    """Records in quarantine and loads that did not come to their end. Raises NotFoundError."""
    record = record_of(database, find_organization(database, slug))
    organization = record.organization_id
    unfinished = sa.select(ingest_files.c.file_name).where(
        ingest_files.c.organization_id == organization, ingest_files.c.status == "running"
    )
    held = (
        sa.select(quarantine.c.reason, sa.func.count())
        .where(quarantine.c.organization_id == organization, quarantine.c.status == "held")
        .group_by(quarantine.c.reason)
        .order_by(quarantine.c.reason)
    )
    with record.transaction() as connection:
        files = list(connection.scalars(unfinished.order_by(ingest_files.c.updated_at.desc())))
        reasons: dict[str, int] = dict(connection.execute(held).tuples().all())
    yield Finding("organization", f"{record.organization.slug} ({record.organization.name})")
    yield checked(
        "quarantine",
        ", ".join(f"{count:,} {reason}" for reason, count in reasons.items()) or "empty",
        Status.WARN,
        "look at them with `clew quarantine list`; retry or drop them",
        well=not reasons,
    )
    more = f" and {len(files) - LISTED} more" if len(files) > LISTED else ""
    yield checked(
        "unfinished loads",
        f"{', '.join(files[:LISTED])}{more}" if files else "none",
        Status.WARN,
        "unless they are at work now, run the same `clew ingest` again: it goes on where they ended",
        well=not files,
    )
