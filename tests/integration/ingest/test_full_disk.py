"""A full disk under the database: said clearly, and the same command goes on once there is room. Needs to mount."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.generate import Plan, write
from clew.ingest.service import Progress
from clew.kernel.database import Database
from clew.kernel.errors import DatabaseUnavailableError
from tests.support.embedded import small_settings, stop_servers_beneath, temporary_base
from tests.support.loading import facts_without_ids, load, small_batches
from tests.support.postgres import upgrade
from tests.support.record import new_organization

pytestmark = pytest.mark.same_everywhere

EVENTS = 8_000


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    with temporary_base() as base:
        disk = base / "d"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "clew-test", disk], check=True)
        try:
            yield disk
        finally:
            stop_servers_beneath(disk)
            subprocess.run(["umount", disk], check=True)


def test_a_full_disk_under_the_database_is_said_and_the_same_call_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "cowrie.json"
    write(Plan(events=EVENTS, seed=3), path)
    with small_disk(700) as disk:
        filler = disk / "filler"
        files = small_batches(small_settings(disk), data_dir=disk / "data")
        with Database(files) as database:
            database.bootstrap()
            upgrade(database)
            peaceful = new_organization(database)
            load(database, peaceful, path, settings=files)
            expected = facts_without_ids(database, peaceful)
            tenant = new_organization(database)

            def fill(progress: Progress) -> None:
                if progress.records > EVENTS // 3 and not filler.exists():
                    with filler.open("wb") as file, contextlib.suppress(OSError):
                        file.truncate(0)
                        while True:
                            file.write(b"\0" * (1 << 20))
                    assert shutil.disk_usage(disk).free < 1 << 20

            with pytest.raises(DatabaseUnavailableError, match="again"):
                load(database, tenant, path, settings=files, observe=fill)

        filler.unlink()
        with Database(files) as database:
            database.bootstrap()
            report = load(database, tenant, path, settings=files)
            assert 0 < report.resumed < EVENTS
            assert facts_without_ids(database, tenant) == expected
