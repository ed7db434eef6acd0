"""The audit trail of this machine's record."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from clew.cli.options import Invocation
from clew.cli.session import opened_current_database, opened_record
from clew.domains.audit import service
from clew.domains.audit.export import Exported, export
from clew.domains.audit.search import AuditPage, AuditQuery, search
from clew.kernel.transactions import TenantContext
from clew.records.acts import INSTALLATION


@dataclass(frozen=True, slots=True)
class LocalAudit:
    """See `ports.Audit`."""

    call: Invocation

    def export(self, file_name: str, sink: Callable[[bytes], object]) -> Exported:
        """Give the trail to the sink, piece by piece."""
        with opened_record(self.call) as record:
            with record.transaction() as connection:
                act = service.Act("audit_export", "READ", "audit_trail", request={"file": file_name})
                service.record(connection, act)
            service.hand_over_reads(record.database)
            service.seal_now(record.database)
            return export(record.database, record.organization_id, sink)

    def search(self, query: AuditQuery) -> AuditPage:
        """One page of what was done."""
        asked = {name: value for name, value in asdict(query).items() if value is not None}
        with opened_record(self.call) as record:
            service.hand_over_reads(record.database)
            with record.transaction() as connection:
                page = search(connection, record.organization_id, query)
                service.record(connection, service.Act("audit_search", "READ", "audit_trail", request=asked))
        return page


def search_installation(call: Invocation, query: AuditQuery) -> AuditPage:
    """One page of what is of no organization; for whoever works on the machine of the record."""
    with opened_current_database(call) as database, database.transaction(TenantContext(INSTALLATION)) as connection:
        page = search(connection, INSTALLATION, query)
        service.record(connection, service.Act("audit_search", "READ", "audit_trail"))
    return page
