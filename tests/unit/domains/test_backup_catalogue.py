"""Which backup leads to which second, and which lead to none that is still wanted."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clew.domains.backups.catalogue import Backup, backup_for, backups, describe, expired, new_name
from clew.kernel.embedded.account import choose_account
from clew.kernel.embedded.archive import Archive
from clew.kernel.embedded.base_backup import BaseBackup
from clew.kernel.errors import ConfigurationError, InputError, NotFoundError

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def add(archive: Archive, ended_at: datetime, *, with_log: bool = True) -> str:
    place = archive.base / new_name(ended_at)
    place.mkdir(parents=True)
    describe(place, BaseBackup(1, "0/1", "0/2", ended_at, 3), program="0.1", schema="0014", with_log=with_log)
    return place.name


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def test_the_newest_backup_before_a_second_is_chosen(archive: Archive) -> None:
    first, second = add(archive, NOON), add(archive, NOON + HOUR)
    assert [each.name for each in backups(archive)] == [first, second]
    assert backup_for(archive, None).name == second
    assert backup_for(archive, NOON + HOUR).name == second
    assert backup_for(archive, NOON + HOUR - timedelta(seconds=1)).name == first
    with pytest.raises(NotFoundError, match="no backup is that old"):
        backup_for(archive, NOON - timedelta(seconds=1))


def test_without_the_log_only_the_end_of_a_backup_can_be_restored(archive: Archive) -> None:
    name = add(archive, NOON, with_log=False)
    assert backup_for(archive, NOON).name == name
    with pytest.raises(InputError, match="was not archived"):
        backup_for(archive, NOON + HOUR)


def test_where_there_is_none_that_is_said(archive: Archive) -> None:
    assert backups(archive) == []
    with pytest.raises(NotFoundError, match="there is no backup"):
        backup_for(archive, None)


def test_unfinished_and_foreign_directories_are_no_backups(archive: Archive) -> None:
    name = add(archive, NOON)
    (archive.base / name).rename(archive.base / f".unfinished-{name}")
    (archive.base / "notes").mkdir()
    assert backups(archive) == []


def test_a_description_that_cannot_be_read_is_told_by_its_name(archive: Archive) -> None:
    name = add(archive, NOON)
    (archive.base / name / "backup.json").write_bytes(b'{"format": 1}')
    with pytest.raises(InputError, match="not the description of a backup") as refused:
        backups(archive)
    assert name in str(refused.value.where)


def test_one_of_a_newer_program_is_refused(archive: Archive) -> None:
    name = add(archive, NOON)
    (archive.base / name / "backup.json").write_bytes(b'{"format": 2}')
    with pytest.raises(InputError, match="newer program"):
        backups(archive)


def test_what_leads_to_no_wanted_second_expires_and_the_one_before_the_first_wanted_stays() -> None:
    every = [backup(days) for days in (40, 35, 31, 10, 0)]
    assert expired(every, 30, NOON) == every[:2]
    assert expired(every[2:], 30, NOON) == []
    assert expired([], 30, NOON) == []


def backup(days_ago: int) -> Backup:
    ended_at = NOON - timedelta(days=days_ago)
    return Backup(new_name(ended_at), Path("/"), BaseBackup(1, "0/1", "0/2", ended_at, 3), "0.1", "0014", with_log=True)


def test_a_directory_whose_name_would_break_the_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="letters, digits"):
        Archive(tmp_path / "it's").prepare(choose_account(tmp_path))


def test_the_archive_command_names_files_by_placeholders_only() -> None:
    command = Archive(Path("/mnt/with blank")).archive_command()
    assert "'/mnt/with blank/wal'/%f.gz" in command
    assert "%p" in command
