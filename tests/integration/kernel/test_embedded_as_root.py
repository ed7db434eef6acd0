"""What happens when root runs the product. Collected only for root: nobody else can hand processes over."""

import os
import pwd
import shutil
import stat
from pathlib import Path

import psutil
import psycopg
import pytest

from clew.kernel.directories import Owner, ensure_own_directory
from clew.kernel.embedded import EmbeddedServer, binaries
from clew.kernel.embedded.account import SERVICE_USER, choose_account
from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings

pytestmark = pytest.mark.same_everywhere


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def works(server: EmbeddedServer) -> bool:
    with psycopg.connect(server.dsn("clew_application")) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


@pytest.fixture
def hidden(base: Path) -> Path:
    """A directory that only root can enter, as /root is."""
    directory = base / "hidden"
    directory.mkdir(mode=0o700)
    return directory


def test_the_server_runs_without_root_rights(server: EmbeddedServer) -> None:
    information = server.ensure_running()
    process = psutil.Process(information.pid)
    assert process.uids().real == process.uids().effective == pwd.getpwnam(SERVICE_USER).pw_uid
    assert process.gids().effective == pwd.getpwnam(SERVICE_USER).pw_gid
    groups = Path(f"/proc/{information.pid}/status").read_text().partition("Groups:")[2].partition("\n")[0].split()
    assert groups == []


def test_a_data_directory_that_only_root_can_enter_works_and_its_parent_stays_closed(
    hidden: Path, settings: Settings
) -> None:
    inside = settings.model_copy(update={"data_dir": hidden / "clew"})
    server = EmbeddedServer(inside)
    with server.lease():
        assert works(server)
        assert settings.embedded_fallback_dir in server.status().data_directory.parents
    assert mode(hidden) == 0o700
    again = EmbeddedServer(inside)
    with again.lease():
        assert works(again)
    assert len(list(settings.embedded_fallback_dir.iterdir())) == 1


def test_a_data_directory_made_anew_does_not_find_the_old_data(hidden: Path, settings: Settings) -> None:
    inside = settings.model_copy(update={"data_dir": hidden / "clew"})
    with EmbeddedServer(inside).lease():
        first = EmbeddedServer(inside).status().data_directory
    shutil.rmtree(hidden / "clew")
    with EmbeddedServer(inside).lease():
        assert EmbeddedServer(inside).status().data_directory != first


def test_a_cluster_whose_place_is_gone_is_not_silently_replaced(hidden: Path, settings: Settings) -> None:
    inside = settings.model_copy(update={"data_dir": hidden / "clew"})
    with EmbeddedServer(inside).lease():
        pass
    shutil.rmtree(settings.embedded_fallback_dir)
    with pytest.raises(ConfigurationError, match="is gone"):
        EmbeddedServer(inside).ensure_running()


def test_a_record_whose_directory_was_closed_later_is_not_left_behind_for_an_empty_one(
    base: Path, settings: Settings
) -> None:
    (base / "open").mkdir()
    (base / "open").chmod(0o755)
    inside = settings.model_copy(update={"data_dir": base / "open" / "clew"})
    with EmbeddedServer(inside).lease():
        first = EmbeddedServer(inside).status().data_directory
    (base / "open").chmod(0o700)
    with pytest.raises(ConfigurationError, match="may no longer enter"):
        EmbeddedServer(inside).ensure_running()
    assert not settings.embedded_fallback_dir.exists()
    (base / "open").chmod(0o755)
    with EmbeddedServer(inside).lease():
        assert EmbeddedServer(inside).status().data_directory == first


def test_nowhere_to_put_the_cluster_names_the_directory_in_the_way(hidden: Path, settings: Settings) -> None:
    both_inside = settings.model_copy(
        update={"data_dir": hidden / "clew", "embedded_fallback_dir": hidden / "fallback"}
    )
    with pytest.raises(ConfigurationError, match="CLEW_DATA_DIR") as caught:
        EmbeddedServer(both_inside).ensure_running()
    assert str(hidden) in caught.value.message


def test_an_installation_that_only_root_can_enter_is_copied_once(
    hidden: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = binaries._package_directory()
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.is_dir():
            shutil.copytree(part, hidden / part.name, symlinks=True, ignore=shutil.ignore_patterns("include"))
    monkeypatch.setattr(binaries, "_package_directory", lambda: hidden / package.name)
    server = EmbeddedServer(settings)
    with server.lease() as information:
        assert works(server)
        program = Path(psutil.Process(information.pid).exe())
        assert settings.data_dir / "binaries" in program.parents
    copied = program.stat().st_mtime_ns, program.stat().st_ino
    with EmbeddedServer(settings).lease():
        assert (program.stat().st_mtime_ns, program.stat().st_ino) == copied
    assert mode(hidden) == 0o700


def test_in_a_users_data_directory_the_server_runs_as_that_user_and_leaves_them_all_files(
    base: Path, settings: Settings
) -> None:
    user = pwd.getpwnam("nobody")
    settings.data_dir.mkdir()
    os.chown(settings.data_dir, user.pw_uid, user.pw_gid)
    server = EmbeddedServer(settings)
    with server.lease() as information:
        assert psutil.Process(information.pid).uids().real == user.pw_uid
        assert works(server)
    assert {path.lstat().st_uid for path in settings.data_dir.rglob("*")} == {user.pw_uid}


def test_a_cluster_of_another_user_is_refused(settings: Settings) -> None:
    with EmbeddedServer(settings).lease():
        pass
    os.chown(settings.data_dir / "postgres", 4321, 4321)
    with pytest.raises(ConfigurationError, match="belongs to user 4321"):
        EmbeddedServer(settings).ensure_running()


def test_an_owner_without_a_name_is_passed_over_for_the_service_user(settings: Settings) -> None:
    settings.data_dir.mkdir()
    os.chown(settings.data_dir, 4321, 4321)
    assert choose_account(settings.data_dir).name == SERVICE_USER


def test_what_another_process_made_and_had_not_handed_over_is_handed_over(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    ensure_own_directory(tmp_path / "own", Owner(4711, 4711))
    assert (tmp_path / "own").stat().st_uid == 4711
