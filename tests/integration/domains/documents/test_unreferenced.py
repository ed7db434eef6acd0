"""Content that nothing refers to goes, in two steps; what something refers to never does, whatever happens beside."""

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from clew.domains.documents.unreferenced import collect
from clew.domains.documents.upkeep import check
from clew.ingest.filestore import FileStore, file_store
from clew.kernel.database import Database
from tests.support.loading import load, log
from tests.support.record import Tenant, migrated_database, new_organization

HEADER = b"username,name,url_main,url_user,exists,http_status,response_time_s"
HOURS = 48.0


def lines(site: str) -> list[bytes]:
    row = b"quietowl,%b,https://%b.example,https://%b.example/quietowl,Claimed,200,0.5" % ((site.encode(),) * 3)
    return [HEADER, row]


@pytest.fixture
def database() -> Iterator[Database]:
    with migrated_database() as opened:
        yield opened


@pytest.fixture
def tenant(database: Database) -> Tenant:
    return new_organization(database)


@pytest.fixture
def store(database: Database) -> FileStore:
    return file_store(database.settings)


def later(hours: float) -> float:
    return time.time() + hours * 3600


def test_what_nothing_refers_to_goes_in_two_steps(
    database: Database, tenant: Tenant, store: FileStore, tmp_path: Path
) -> None:
    load(database, tenant, log(tmp_path / "quietowl.csv", lines("siteone")))
    (kept,) = [each.digest for each in store.kept()]
    stray = store.put(io.BytesIO(b"of a load that died")).digest

    assert collect(database, store, hours=HOURS).young == 2
    first = collect(database, store, hours=HOURS, seconds=lambda: later(49))
    assert (first.discarded, first.removed) == (1, 0)
    assert store.open(stray).read() == b"of a load that died"
    assert check(store, contents=True).trash == 1

    assert collect(database, store, hours=HOURS, seconds=lambda: later(1)).removed == 0
    second = collect(database, store, hours=HOURS, seconds=lambda: later(98))
    assert (second.discarded, second.removed) == (0, 1)
    assert [each.digest for each in store.kept()] == [kept]
    assert store.verify(kept)


def test_what_is_loaded_while_it_is_in_the_trash_comes_back(
    database: Database, tenant: Tenant, store: FileStore, tmp_path: Path
) -> None:
    file = log(tmp_path / "quietowl.csv", lines("siteone"))
    digest = store.put(io.BytesIO(file.read_bytes())).digest
    collect(database, store, hours=HOURS, seconds=lambda: later(49))
    load(database, tenant, file)
    assert sorted(each.is_trash for each in store.kept()) == [False, True]
    done = collect(database, store, hours=HOURS, seconds=lambda: later(98))
    assert (done.restored, done.removed, done.discarded) == (1, 0, 0)
    assert [each.is_trash for each in store.kept()] == [False]
    assert store.verify(digest)


def test_what_another_organization_refers_to_stays_and_what_none_does_any_more_goes(
    database: Database, tenant: Tenant, store: FileStore, tmp_path: Path
) -> None:
    other = new_organization(database)
    file = log(tmp_path / "quietowl.csv", lines("siteone"))
    load(database, tenant, file)
    load(database, other, file)
    for owner, discarded in ((tenant, 0), (other, 1)):
        with database.transaction(owner.context) as connection:
            for table in ("ingest_files", "collection_items", "collection_item_hashes"):
                connection.execute(sa.text(f"DELETE FROM {table}"))
        assert collect(database, store, hours=HOURS, seconds=lambda: later(49)).discarded == discarded


def test_loads_lose_nothing_to_a_collector_that_is_at_work(
    database: Database, tenant: Tenant, store: FileStore, tmp_path: Path
) -> None:
    """Whatever a load stores is put into the trash at once, again and again: what is read is found there."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def discarding() -> None:
        try:
            while not stop.is_set():
                for kept in store.kept():
                    if not kept.is_trash:
                        store.discard(kept)
        except BaseException as error:  # noqa: BLE001  told below
            failures.append(error)

    collector = threading.Thread(target=discarding)
    collector.start()
    try:
        for number in range(4):
            report = load(database, tenant, log(tmp_path / f"{number}" / "quietowl.csv", lines(f"site{number}")))
            assert report.files[0].status == "loaded"
    finally:
        stop.set()
        collector.join()
    assert failures == []
    assert collect(database, store, hours=HOURS, seconds=lambda: later(49)).removed == 0
    with database.transaction(tenant.context) as connection:
        digests = connection.scalars(sa.text("SELECT digest FROM ingest_files")).all()
    assert len(digests) == 4
    assert all(store.verify(str(digest)) for digest in digests)
    assert not any(kept.is_trash for kept in store.kept())
