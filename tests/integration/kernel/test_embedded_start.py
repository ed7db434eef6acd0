import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from clew.kernel.embedded import EmbeddedServer
from clew.kernel.embedded.layout import LONGEST_SOCKET_PATH, SOCKET_NAME, prepare_layout, socket_directory
from clew.kernel.errors import ConfigurationError, DatabaseUnavailableError, SchemaVersionError
from clew.kernel.roles import LOGIN_ROLES
from clew.kernel.settings import Settings
from tests.support.embedded import SOURCES, Holder, environment_with, small_settings, wait_until

pytestmark = pytest.mark.same_everywhere


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def value_of(server: EmbeddedServer, query: str, role: str = "clew_superuser") -> object:
    with psycopg.connect(server.dsn(role)) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_first_start_takes_less_than_five_seconds(base: Path) -> None:
    def seconds_of(attempt: int) -> float:
        begun = time.monotonic()
        with EmbeddedServer(small_settings(base / str(attempt))).lease():
            return time.monotonic() - begun

    assert any(seconds_of(attempt) < 5 for attempt in range(3)), "the machine may be busy, but not every time"


def test_every_login_works(server: EmbeddedServer) -> None:
    assert server.ensure_running().version == 18
    for role in LOGIN_ROLES:
        assert value_of(server, "SELECT current_user", role) == role


def test_the_cluster_is_utf8_with_checksums_and_scripts_of_the_world(server: EmbeddedServer) -> None:
    server.ensure_running()
    assert value_of(server, "SHOW server_encoding") == "UTF8"
    assert value_of(server, "SHOW data_checksums") == "on"
    assert value_of(server, "SELECT lower('ÄΣЖ')") == "äσж"
    assert value_of(server, "SHOW timezone") == "UTC"
    assert value_of(server, "SHOW synchronous_commit") == "on"


@pytest.mark.usefixtures("made_before")
def test_settings_take_effect_at_the_next_start(settings: Settings) -> None:
    larger = EmbeddedServer(settings.model_copy(update={"embedded_shared_buffers_mb": 24}))
    with larger.lease():
        assert value_of(larger, "SHOW shared_buffers") == "24MB"


@pytest.mark.usefixtures("made_before")
def test_nobody_gets_in_without_password_or_over_the_network(server: EmbeddedServer) -> None:
    information = server.ensure_running()
    assert value_of(server, "SHOW listen_addresses") == ""
    rules = "SELECT string_agg(type || ' ' || auth_method, ',') FROM pg_hba_file_rules"
    assert value_of(server, rules) == "local scram-sha-256,local scram-sha-256"
    host = str(information.socket_directory)
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(host=host, dbname="clew", user="clew_superuser")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host=host, dbname="clew", user="clew_application", password=server.password("clew_migrator"))


def test_all_that_is_made_is_private_and_the_parent_is_left_alone(base: Path, settings: Settings) -> None:
    base.chmod(0o775)
    outer = base / "made" / "on the way"
    before = os.umask(0)
    try:
        server = EmbeddedServer(settings.model_copy(update={"data_dir": outer / "data"}))
        with server.lease() as information:
            assert mode(base) == 0o775
            assert mode(information.socket_directory / SOCKET_NAME) == 0o700
            open_to_others = [
                path
                for path in [outer / "data", *(outer / "data").rglob("*")]
                if mode(path) & 0o077 and not stat.S_ISSOCK(path.lstat().st_mode)
            ]
    finally:
        os.umask(before)
    # For root, the server's own user has to pass through the data directory; it cannot list it.
    assert open_to_others == ([outer / "data"] if os.geteuid() == 0 else [])
    assert mode(outer / "data") == (0o711 if os.geteuid() == 0 else 0o700)


def test_an_existing_data_directory_keeps_its_mode(settings: Settings) -> None:
    settings.data_dir.mkdir()
    settings.data_dir.chmod(0o755)
    with EmbeddedServer(settings).lease():
        assert mode(settings.data_dir) == 0o755


def test_a_long_path_gets_a_short_private_socket_directory(base: Path, settings: Settings) -> None:
    long_directory = base / ("long" * 30) / "data"
    server = EmbeddedServer(settings.model_copy(update={"data_dir": long_directory}))
    with server.lease() as information:
        assert len(os.fsencode(information.socket_directory / SOCKET_NAME)) <= LONGEST_SOCKET_PATH
        assert long_directory not in information.socket_directory.parents
        assert mode(information.socket_directory) == 0o700
        assert value_of(server, "SELECT 1") == 1
    assert not information.socket_directory.exists()


def test_a_planted_socket_directory_is_refused(base: Path, settings: Settings) -> None:
    layout = prepare_layout(settings.model_copy(update={"data_dir": base / ("long" * 30)}))
    short = socket_directory(layout)
    short.rmdir()
    short.symlink_to(base)
    try:
        with pytest.raises(ConfigurationError, match="must be a directory"):
            socket_directory(layout)
        assert mode(base) == 0o755
    finally:
        short.unlink()


def test_odd_characters_in_the_path_do_no_harm(base: Path, settings: Settings) -> None:
    directory = base / 'it\'s a "b" $(touch planted) `touch planted`, \\ ü-文'
    server = EmbeddedServer(settings.model_copy(update={"data_dir": directory}))
    with server.lease():
        assert value_of(server, "SELECT 1") == 1
    with server.lease():
        assert value_of(server, "SELECT 1") == 1
    assert not [path for path in base.rglob("planted") if path.name == "planted"]


def test_a_first_start_that_was_killed_midway_leaves_no_trace(settings: Settings, hold: Callable[[], Holder]) -> None:
    interrupted = hold()
    wait_until(lambda: list(settings.data_dir.glob(".postgres-unfinished-*/cluster/base")), "initdb to be at work")
    os.killpg(interrupted.process.pid, signal.SIGKILL)
    interrupted.kill()
    assert not (settings.data_dir / "postgres").exists()
    server = EmbeddedServer(settings)
    with server.lease():
        assert value_of(server, "SELECT 1") == 1
        assert not list(settings.data_dir.glob(".postgres-unfinished-*"))


def test_a_directory_that_is_no_cluster_is_refused_and_kept(settings: Settings, server: EmbeddedServer) -> None:
    precious = settings.data_dir / "postgres" / "precious"
    precious.parent.mkdir(parents=True)
    precious.write_text("kept")
    settings.data_dir.chmod(0o755)
    with pytest.raises(ConfigurationError, match="not a PostgreSQL cluster"):
        server.ensure_running()
    assert precious.read_text() == "kept"


@pytest.mark.usefixtures("made_before")
@pytest.mark.parametrize(("version", "advice"), [("17", "clew db upgrade"), ("19", "newer clew")])
def test_another_major_version_is_refused(settings: Settings, version: str, advice: str) -> None:
    (settings.data_dir / "postgres" / "PG_VERSION").write_text(f"{version}\n")
    with pytest.raises(SchemaVersionError, match=advice) as caught:
        EmbeddedServer(settings).ensure_running()
    assert version in str(caught.value)
    assert "18" in str(caught.value)


@pytest.mark.usefixtures("made_before")
def test_a_server_that_cannot_start_says_why(settings: Settings) -> None:
    with (settings.data_dir / "postgres" / "postgresql.conf").open("a") as configuration:
        configuration.write("nonsense_setting = 'x'\n")
    server = EmbeddedServer(settings)
    with pytest.raises(DatabaseUnavailableError, match="nonsense_setting"):
        server.ensure_running()
    assert not server.status().running


def test_a_disk_that_takes_no_more_is_said_and_leaves_a_sound_beginning(settings: Settings) -> None:
    script = """
import resource, sys
from pathlib import Path
from clew.kernel.embedded import EmbeddedServer
from clew.kernel.errors import DatabaseUnavailableError
from clew.kernel.settings import Settings
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    EmbeddedServer(Settings(data_dir=Path(sys.argv[1]), embedded_fallback_dir=Path(sys.argv[2]))).ensure_running()
except DatabaseUnavailableError as error:
    print(error.remedy)
"""
    # No file may grow beyond the limit, for the processes it starts either: first ours fail, then initdb's.
    for limit in ("10", "100000"):
        arguments = [str(settings.data_dir), str(settings.embedded_fallback_dir), limit]
        result = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            check=True,
            capture_output=True,
            text=True,
            env={**environment_with(SOURCES), "PYTHONDONTWRITEBYTECODE": "1"},
            timeout=60,
        )
        assert "free space" in result.stdout
    server = EmbeddedServer(settings)
    with server.lease():
        assert value_of(server, "SELECT 1") == 1


@pytest.mark.usefixtures("made_before")
def test_lost_passwords_are_renewed_at_the_next_start(settings: Settings) -> None:
    for secret in (settings.data_dir / "secrets").iterdir():
        secret.unlink()
    server = EmbeddedServer(settings)
    with server.lease():
        assert value_of(server, "SELECT 1") == 1
        assert value_of(server, "SELECT 1", "clew_application") == 1


@pytest.mark.usefixtures("made_before")
def test_the_shown_address_holds_no_password(server: EmbeddedServer) -> None:
    server.ensure_running()
    assert server.password("clew_application") in server.dsn("clew_application")
    assert server.password("clew_application") not in server.dsn("clew_application", password=False)


def test_status_before_during_and_after(settings: Settings, server: EmbeddedServer) -> None:
    assert not server.status().running
    assert not settings.data_dir.exists()
    information = server.ensure_running()
    status = server.status()
    assert (status.running, status.pid, status.version, status.pinned) == (True, information.pid, 18, False)
    assert status.users is None or os.getpid() in status.users
    assert status.size_bytes is not None
    assert status.size_bytes > 20_000_000
    assert status.log is not None
    assert "listening on Unix socket" in status.log.read_text()
    server.leave()
    assert not server.status().running
