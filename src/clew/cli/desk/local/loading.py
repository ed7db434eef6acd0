"""Loads files into the record of this machine."""

import os
from dataclasses import dataclass
from threading import Event
from zoneinfo import ZoneInfo

from clew.cli.desk.ports import Loading
from clew.cli.options import Invocation
from clew.cli.progress import observed_progress
from clew.cli.session import Record, changed_record
from clew.domains.exchange.after_loading import keep_loaded
from clew.domains.investigations.service import attach_items, ensure_investigation
from clew.ingest.service import IngestRequest, LoadReport, ingest
from clew.kernel.transactions import TenantContext


@dataclass(frozen=True, slots=True)
class LocalLoader:
    """See `ports.Loader`."""

    call: Invocation

    def load(self, loading: Loading, stop: Event) -> LoadReport:
        """Load those that are there, with progress on the terminal."""
        with changed_record(self.call) as record:
            return load(record, loading, stop)


def load(record: Record, loading: Loading, stop: Event | None = None) -> LoadReport:
    """Load the paths that are there, with progress on the terminal, and put what they hold into the case."""
    request = IngestRequest(
        record.organization_id,
        record.user_id,
        tuple(path for path in loading.paths if os.path.lexists(path)),
        loading.source,
        None if loading.zone is None else ZoneInfo(loading.zone),
        loading.region or record.settings.default_region,
        loading.mapping,
    )
    context = TenantContext(record.organization_id, record.user_id)
    opened = None
    if loading.case is not None:
        with record.transaction() as connection:
            opened = ensure_investigation(connection, record.organization_id, loading.case, owner_id=record.user_id)
    with observed_progress() as observe:
        report = ingest(record.database, record.settings, request, observe=observe, stop=stop)
    keep_loaded(record.database, record.settings, context, report.item_ids)
    if opened is not None:
        with record.transaction() as connection:
            attach_items(connection, record.organization_id, opened.id, report.item_ids)
    return report
