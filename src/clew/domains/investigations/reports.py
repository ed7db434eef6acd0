"""The report of a case: which items and targets it is about, handed to what gathers and writes reports."""

from collections.abc import Callable
from uuid import UUID

import sqlalchemy as sa

from clew import __version__
from clew.domains.investigations.cases import find_investigation
from clew.domains.investigations.tables import investigation_items, investigations
from clew.domains.investigations.targets import targets_of
from clew.kernel.clock import Clock, system_clock
from clew.records.acts import Act, record
from clew.reporting import assembly
from clew.reporting.document import Origin, Subject, Target

Sink = Callable[[str], object]


def write_html_report(
    connection: sa.Connection,
    organization_id: UUID,
    case: str | UUID,
    sink: Sink,
    *,
    organization: str,
    clock: Clock = system_clock,
) -> None:
    """Write the case's report as one HTML page. Raises NotFoundError.

    `organization` is the organization's name as the report shows it. Takes a connection inside the tenant's
    transaction, which should be REPEATABLE READ; commits nothing, and leaves only temporary tables that end with the
    transaction.
    """
    subject, targets, origin = _opened(connection, organization_id, case, organization, clock)
    _tell(connection, subject, "html")
    sink(assembly.page_of(connection, organization_id, subject, targets, origin))


def write_json_report(
    connection: sa.Connection,
    organization_id: UUID,
    case: str | UUID,
    sink: Sink,
    *,
    organization: str,
    clock: Clock = system_clock,
) -> None:
    """Likewise as one JSON document that holds everything, written piece by piece."""
    subject, targets, origin = _opened(connection, organization_id, case, organization, clock)
    _tell(connection, subject, "json")
    assembly.write_json(connection, organization_id, subject, targets, origin, sink)


def _tell(connection: sa.Connection, subject: Subject, form: str) -> None:
    record(
        connection, Act("report_written", "READ", "investigation", subject.id, subject.name, request={"format": form})
    )


def _opened(
    connection: sa.Connection, organization_id: UUID, case: str | UUID, organization: str, clock: Clock
) -> tuple[Subject, list[Target], Origin]:
    found = find_investigation(connection, organization_id, case)
    subject = _subject(connection, organization_id, found.id, organization)
    targets = [
        Target(each.target_type, each.value, each.entity_id)
        for each in targets_of(connection, organization_id, subject.id)
    ]
    items = connection.scalars(
        sa.select(investigation_items.c.collection_item_id).where(
            investigation_items.c.organization_id == organization_id,
            investigation_items.c.investigation_id == subject.id,
        )
    )
    assembly.open_case(connection, organization_id, items, targets)
    return subject, targets, Origin(clock(), __version__)


def _subject(connection: sa.Connection, organization_id: UUID, investigation_id: UUID, organization: str) -> Subject:
    statement = sa.select(investigations).where(
        investigations.c.organization_id == organization_id, investigations.c.id == investigation_id
    )
    row = connection.execute(statement).one()
    return Subject(
        id=row.id,
        name=row.name,
        description=row.description,
        investigation_type=row.investigation_type,
        priority=row.priority,
        status=row.status,
        lawful_basis=row.lawful_basis,
        classification_level=row.classification_level,
        scope=row.scope,
        created_at=row.created_at,
        organization=organization,
    )
