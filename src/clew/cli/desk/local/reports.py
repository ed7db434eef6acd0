"""Reports of cases in the record of this machine."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from clew.cli.options import Invocation
from clew.cli.session import Record, opened_record
from clew.domains.investigations.reports import write_html_report, write_json_report
from clew.kernel.database import TenantContext
from clew.kernel.transactions import transaction


@dataclass(frozen=True, slots=True)
class LocalReports:
    """See `ports.Reports`."""

    call: Invocation

    def write(self, case: str, kind: str, sink: Callable[[str], object]) -> None:
        """Give the report to the sink, piece by piece."""
        write = write_json_report if kind == "json" else write_html_report
        with opened_record(self.call) as record, _snapshot(record) as connection:
            write(connection, record.organization_id, case, sink, organization=record.organization.name)


@contextlib.contextmanager
def _snapshot(record: Record) -> Iterator[sa.Connection]:
    """One transaction in which everything is seen as it was at its start."""
    database = record.database
    engine = database.engine().execution_options(isolation_level="REPEATABLE READ")
    with transaction(engine, TenantContext(record.organization_id, record.user_id), database.address) as connection:
        yield connection
