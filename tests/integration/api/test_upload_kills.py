"""A server that is killed or ended in the middle of an upload, and in the middle of a load."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.generate import Plan, write
from clew.domains.uploads.staging import Staging
from clew.kernel.database import Database
from tests.support.embedded import wait_until
from tests.support.loading import count, facts_without_ids, load, rows
from tests.support.record import Tenant, migrated_database, new_organization
from tests.support.serving import served_from
from tests.support.uploading import client_of

pytestmark = [pytest.mark.same_everywhere, pytest.mark.slow]

RECEIVED = "SELECT received_bytes FROM uploads"


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """A record without any server but those that are killed: another one would do their jobs."""
    with migrated_database() as opened:
        yield opened


def test_kill_9_in_the_middle_of_an_upload_loses_nothing_that_was_acknowledged(
    database: Database, tenant: Tenant
) -> None:
    content = os.urandom(48 << 20)
    acknowledged = 0
    upload = None
    for _ in range(3):
        with served_from(database) as server:
            client = client_of(server, database, tenant)
            upload = upload or client.begin("big.bin", len(content))
            resumed = client.offset(upload)
            assert resumed >= acknowledged
            kept = client.append(upload, resumed, content[resumed : resumed + 300_000])
            acknowledged = kept.offset
            assert acknowledged == resumed + 300_000
            # And a request that is cut off while its bytes are being written.
            rest = content[acknowledged : acknowledged + (17 << 20)]
            with client.half_sent(upload, acknowledged, rest, len(content) - acknowledged):
                before = acknowledged
                while (acknowledged := rows(database, tenant, RECEIVED)[0][0]) == before:
                    assert server.process.poll() is None
                server.kill()
    with served_from(database) as server:
        client = client_of(server, database, tenant)
        assert upload is not None
        resumed = client.offset(upload)
        assert resumed >= acknowledged > 0
        assert Staging.of(database.settings).path(tenant.id, upload).read_bytes()[:resumed] == content[:resumed]
        last = client.append(upload, resumed, content[resumed:], complete=True)
        assert last.document["sha256"] == hashlib.sha256(content).hexdigest()


def test_kill_9_in_the_middle_of_a_load_loses_and_doubles_nothing(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    log = tmp_path / "cowrie.json"
    write(Plan(events=20_000, seed=3), log)
    peaceful = new_organization(database)
    expected = load(database, peaceful, log)
    job = None
    small = {"CLEW_BATCH_BYTES": "64KiB"}
    with served_from(database, **small) as server:
        client = client_of(server, database, tenant)
        job = client.send_whole(log.read_bytes()).document["job_id"]
        wait_until(lambda: count(database, tenant, "events") > 500, "the load to be under way")
        server.kill()
    begun = count(database, tenant, "events")
    assert begun < 20_000
    with served_from(database, **small) as server:
        done = client_of(server, database, tenant).await_job(job)
    assert done["status"] == "completed", done
    assert done["attempts"] == 2
    assert done["result"]["resumed"] > 0
    names = ("read", "new", "merged", "duplicate", "rejected", "events", "entities", "relationships")
    assert {name: done["result"][name] for name in names} == {name: expected.as_dict()[name] for name in names}
    assert facts_without_ids(database, tenant) == facts_without_ids(database, peaceful)


def test_sigterm_in_the_middle_of_a_load_gives_it_back(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    log = tmp_path / "cowrie.json"
    write(Plan(events=20_000, seed=4), log)
    with served_from(database, CLEW_BATCH_BYTES="64KiB") as server:
        job = client_of(server, database, tenant).send_whole(log.read_bytes()).document["job_id"]
        wait_until(lambda: count(database, tenant, "events") > 0, "the load to be under way")
    left = rows(database, tenant, "SELECT status, attempts FROM jobs")[0]
    assert left in {("pending", 0), ("completed", 1)}
    with served_from(database) as server:
        assert client_of(server, database, tenant).await_job(job)["status"] == "completed"
    assert count(database, tenant, "events") == 20_000
