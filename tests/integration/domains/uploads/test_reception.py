"""Receiving and sweeping without a network between: what is on the disk, what is promised, what is given up."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from pydantic import ByteSize

from clew.domains.jobs.service import find_job
from clew.domains.uploads import reception as receiving
from clew.domains.uploads.reception import Digests, Reception, UploadOverError
from clew.domains.uploads.service import NewUpload, Upload, cancel_upload, create_upload, find_upload
from clew.domains.uploads.staging import Staging, StorageFullError, UploadBusyError
from clew.domains.uploads.sweeping import sweep
from clew.kernel.database import Database
from clew.kernel.errors import LimitError, NotFoundError
from tests.support.record import Tenant, new_organization


def begin(database: Database, tenant: Tenant, **more: object) -> UUID:
    with database.transaction(tenant.context) as connection:
        new = NewUpload("a.json", **more)  # type: ignore[arg-type]
        return create_upload(connection, tenant.id, new, settings=database.settings).id


def found(database: Database, tenant: Tenant, upload: UUID) -> Upload:
    with database.transaction(tenant.context) as connection:
        return find_upload(connection, tenant.id, upload)


def place(database: Database, tenant: Tenant, upload: UUID) -> Path:
    return Staging.of(database.settings).path(tenant.id, upload)


def at(database: Database, tenant: Tenant, upload: UUID, offset: int, digests: Digests | None = None) -> Reception:
    return Reception(database, tenant.context, upload, offset=offset, digests=digests)


def test_what_is_beyond_the_acknowledged_offset_is_cut_off(database: Database, tenant: Tenant) -> None:
    upload = begin(database, tenant)
    with at(database, tenant, upload, 0) as first:
        first.add(b"acknowledged")
    with place(database, tenant, upload).open("ab") as file:
        file.write(b" and what a crash left")
    with at(database, tenant, upload, 12) as second:
        second.add(b"!")
        done = second.finish(complete=True)
    assert place(database, tenant, upload).read_bytes() == b"acknowledged!"
    assert done.received_bytes == done.size_bytes == 13
    with database.transaction(tenant.context) as connection:
        assert done.job_id is not None
        job = find_job(connection, tenant.id, done.job_id)
    assert (job.kind, job.parameters["upload_id"]) == ("ingest", str(upload))


def test_an_offset_is_acknowledged_while_a_request_still_runs(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "CHECKPOINT_BYTES", 1000)
    upload = begin(database, tenant)
    with at(database, tenant, upload, 0) as open_one:
        open_one.add(bytes(999))
        assert found(database, tenant, upload).received_bytes == 0
        open_one.add(bytes(1))
        assert found(database, tenant, upload).received_bytes == 1000


def test_one_at_a_time(database: Database, tenant: Tenant) -> None:
    upload = begin(database, tenant)
    with at(database, tenant, upload, 0), pytest.raises(UploadBusyError), at(database, tenant, upload, 0):
        pass
    with at(database, tenant, upload, 0) as again:
        again.add(b"x")


def test_the_digest_is_right_whether_remembered_or_read_again(database: Database, tenant: Tenant) -> None:
    for digests in (Digests(), None):
        upload = begin(database, tenant)
        for offset, part in ((0, b"one"), (3, b"two")):
            with at(database, tenant, upload, offset, digests) as open_one:
                open_one.add(part)
        with at(database, tenant, upload, 6, digests) as last:
            done = last.finish(complete=True)
        assert done.sha256 == "25b6746d5172ed6352966a013d93ac846e1110d5a25e8f183b5931f4688842a1"


def test_an_upload_that_is_given_up_meanwhile_ends_its_request(database: Database, tenant: Tenant) -> None:
    upload = begin(database, tenant)
    with at(database, tenant, upload, 0) as open_one:
        open_one.add(b"x")
        with database.transaction(tenant.context) as connection:
            cancel_upload(connection, tenant.id, upload)
        with pytest.raises(UploadOverError):
            open_one.finish(complete=True)
    assert found(database, tenant, upload).status == "cancelled"


def test_space_and_number_are_bounded(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        little = database.settings.model_copy(update={"upload_keep_free_bytes": ByteSize(1 << 60)})
        with pytest.raises(StorageFullError):
            create_upload(connection, tenant.id, NewUpload("x", 1), settings=little)
        few = database.settings.model_copy(update={"upload_maximum_open": 2})
        for _ in range(2):
            create_upload(connection, tenant.id, NewUpload("x"), settings=few)
        with pytest.raises(LimitError, match="2 uploads are unfinished"):
            create_upload(connection, tenant.id, NewUpload("x"), settings=few)


def test_the_uploads_of_others_are_not_found(database: Database, tenant: Tenant) -> None:
    upload = begin(database, tenant)
    other = new_organization(database)
    for identifier in (upload, uuid4()):
        with pytest.raises(NotFoundError), at(database, other, identifier, 0):
            pass


def test_sweeping_gives_up_what_nobody_wants_and_nothing_else(database: Database, tenant: Tenant) -> None:
    later = datetime.now(UTC) + timedelta(days=3)
    open_one, abandoned, cancelled, loaded, failed = (begin(database, tenant) for _ in range(5))
    for upload in (loaded, failed):
        with at(database, tenant, upload, 0) as whole:
            whole.add(b"x")
            whole.finish(complete=True)
    with database.transaction(tenant.context) as connection:
        cancel_upload(connection, tenant.id, cancelled)
        for upload, status in ((loaded, "completed"), (failed, "failed")):
            connection.execute(
                sa.text("UPDATE jobs SET status = :status WHERE parameters ->> 'upload_id' = :upload"),
                {"status": status, "upload": str(upload)},
            )
    sweep(database)
    present = {upload for upload in (open_one, abandoned, loaded, failed) if place(database, tenant, upload).exists()}
    assert present == {open_one, abandoned, failed}
    assert not place(database, tenant, cancelled).exists()

    with at(database, tenant, open_one, 0) as still_at_it:
        sweep(database, clock=lambda: later)
        assert place(database, tenant, open_one).exists()
        with pytest.raises(UploadOverError):
            still_at_it.finish(complete=True)
    assert not place(database, tenant, abandoned).exists()
    assert not place(database, tenant, failed).exists()
    assert found(database, tenant, abandoned).status == "expired"
    sweep(database, clock=lambda: later)
    assert not place(database, tenant, open_one).exists()


def test_files_of_no_upload_are_removed_once_they_are_old(database: Database, tenant: Tenant) -> None:
    staging = Staging.of(database.settings)
    orphan, young = uuid4(), begin(database, tenant)
    staging.create(tenant.id, orphan)
    assert sweep(database).orphans == 0
    assert sweep(database, orphan_seconds=-1.0).orphans >= 1
    assert not staging.path(tenant.id, orphan).exists()
    assert staging.path(tenant.id, young).exists()
