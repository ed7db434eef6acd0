"""A record of the quarantine that several retries take up at once is recovered once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import ByteSize

from clew.ingest.quarantine import retry
from clew.kernel.database import Database
from tests.support.loading import count, held, line, load, log, rows
from tests.support.record import Tenant


def test_retries_at_once_recover_each_record_once(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    lines = [line("session.connect"), *(line("command.input", n, input=f"{n}" * 3000) for n in range(1, 9))]
    strict = database.settings.model_copy(update={"max_record_bytes": ByteSize(2048)})
    load(database, tenant, log(tmp_path / "cowrie.json", lines), settings=strict)
    assert len(held(database, tenant)) == 8

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(retry, database, database.settings, tenant.id, tenant.operator) for _ in range(3)]
        reports = [attempt.result() for attempt in running]

    assert sum(report.recovered for report in reports) == 8
    assert held(database, tenant) == []
    assert count(database, tenant, "events") == 9
    ((counts,),) = rows(database, tenant, "SELECT counts FROM ingest_files")
    assert (counts["read"], counts["new"], counts["duplicate"], counts["rejected"]) == (9, 9, 0, 0)
