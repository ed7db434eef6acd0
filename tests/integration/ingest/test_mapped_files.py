"""Somebody's own table in the record: loaded once, loaded again by another mapping, retried by the one it had."""

from pathlib import Path

import pytest
from pydantic import ByteSize

from clew.ingest.quarantine import retry
from clew.ingest.service import IngestRequest, LoadReport, ingest
from clew.kernel.database import Database
from clew.kernel.errors import InputError
from clew.kernel.settings import Settings
from tests.support.loading import check_accounting, rows
from tests.support.record import Tenant

HEAD = 'format = "csv"\n'
MAILBOX = '[entities.mailbox]\ntype = "email"\nvalue = "mail"\nrequired = true\n'
SITE = '[entities.site]\ntype = "domain"\nvalue = "site"\n'
LINK = '[[links]]\nsource = "mailbox"\ntype = "REGISTERED_WITH"\ntarget = "site"\n'
TABLE = "mail,site\nheron@example.org,one.example.com\nno address,two.example.com\n"


def load(
    database: Database,
    tenant: Tenant,
    path: Path,
    mapping: str | None,
    source: str | None = None,
    settings: Settings | None = None,
) -> LoadReport:
    request = IngestRequest(tenant.id, tenant.operator, (path,), source=source, mapping=mapping)
    report = ingest(database, settings or database.settings, request)
    check_accounting(report)
    return report


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    path.write_text(TABLE)
    return path


def entities(database: Database, tenant: Tenant) -> set[str]:
    return {name for (name,) in rows(database, tenant, "SELECT normalized_name FROM entities")}


def test_a_table_is_loaded_and_known_the_second_time(database: Database, tenant: Tenant, table: Path) -> None:
    report = load(database, tenant, table, HEAD + MAILBOX + SITE + LINK)
    assert (report.counts.new, report.counts.rejected) == (1, 1)
    assert entities(database, tenant) == {"heron@example.org", "one.example.com"}
    assert rows(database, tenant, "SELECT relationship_type FROM relationships") == [("REGISTERED_WITH",)]
    again = load(database, tenant, table, HEAD + MAILBOX + SITE + LINK)
    assert again.files[0].status == "known"


def test_another_mapping_is_another_reading(database: Database, tenant: Tenant, table: Path) -> None:
    load(database, tenant, table, HEAD + MAILBOX)
    report = load(database, tenant, table, HEAD + SITE)
    assert report.files[0].status == "loaded"
    assert entities(database, tenant) == {"heron@example.org", "one.example.com", "two.example.com"}
    settings = [text for (text,) in rows(database, tenant, "SELECT settings::text FROM ingest_files")]
    assert len(settings) == 2
    assert all('"mapping"' in text for text in settings)


def test_rejected_rows_are_tried_again_by_the_mapping_they_had(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    path = tmp_path / "customers.jsonl"
    path.write_text('{"mail": "crane@example.org"}\n{"mail": "heron@example.org", "note": "%s"}\n' % ("x" * 4000))
    mapping = HEAD.replace("csv", "json-lines") + MAILBOX
    strict = database.settings.model_copy(update={"max_record_bytes": ByteSize(2048)})
    load(database, tenant, path, mapping, settings=strict)
    assert entities(database, tenant) == {"crane@example.org"}
    report = retry(database, database.settings, tenant.id, tenant.operator)
    assert (report.tried, report.recovered) == (1, 1)
    assert entities(database, tenant) == {"crane@example.org", "heron@example.org"}


def test_a_missing_column_fails_the_file_before_anything_is_loaded(
    database: Database, tenant: Tenant, table: Path
) -> None:
    report = load(database, tenant, table, HEAD + MAILBOX.replace('"mail"', '"male"'))
    assert report.files[0].status == "failed"
    assert "did you mean 'mail'" in report.files[0].detail
    assert entities(database, tenant) == set()


@pytest.mark.parametrize(("mapping", "source"), [(None, "mapped"), (HEAD + MAILBOX, "cowrie")])
def test_a_mapping_and_a_source_that_do_not_fit(
    database: Database, tenant: Tenant, table: Path, mapping: str | None, source: str
) -> None:
    with pytest.raises(InputError):
        load(database, tenant, table, mapping, source)
