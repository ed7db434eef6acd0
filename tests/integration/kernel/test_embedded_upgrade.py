from pathlib import Path

import psycopg
import pytest

from clew.kernel.embedded import EmbeddedServer
from clew.kernel.embedded.binaries import server_binaries
from clew.kernel.embedded.cluster import make_cluster, write_configuration
from clew.kernel.embedded.layout import Layout, prepare_layout, socket_directory
from clew.kernel.embedded.passwords import password_of
from clew.kernel.embedded.process import run_program, stop_postmaster
from clew.kernel.errors import ConfigurationError, DatabaseUnavailableError, NotFoundError, SchemaVersionError
from clew.kernel.settings import Settings
from tests.support.embedded import STARTED_BEFORE, DataDirectory, small_settings

pytestmark = pytest.mark.same_everywhere

OLD_VERSION = 16


def make_old_cluster(settings: Settings, *options: str) -> Layout:
    """A cluster of the older version with one row in it, stopped."""
    layout = prepare_layout(settings)
    binaries = server_binaries(layout, OLD_VERSION)
    make_cluster(layout, binaries, layout.cluster, options)
    write_configuration(layout, settings, binaries)
    started = layout.log / "old.log"
    with started.open("wb") as output:
        command = [str(binaries / "pg_ctl"), "start", "--wait"]
        result = run_program(layout.account, command, output=output, PGDATA=str(layout.cluster))
    assert result.returncode == 0, started.read_text()
    with psycopg.connect(
        host=str(socket_directory(layout)),
        user="clew_superuser",
        password=password_of(layout, "clew_superuser"),
        dbname="postgres",
        autocommit=True,
    ) as connection:
        connection.execute("CREATE DATABASE clew TEMPLATE template0")
    with psycopg.connect(
        host=str(socket_directory(layout)),
        user="clew_superuser",
        password=password_of(layout, "clew_superuser"),
        dbname="clew",
    ) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'Grüße 文'::text AS value")
    assert stop_postmaster(layout.cluster)
    return layout


OLD_BEFORE = DataDirectory(lambda base: make_old_cluster(small_settings(base)))


def old_cluster(base: Path) -> Layout:
    """The same without options, made once for all tests."""
    OLD_BEFORE.copy_to(base)
    return prepare_layout(small_settings(base))


@pytest.mark.parametrize("options", [(), ("--data-checksums",)], ids=["without checksums", "with checksums"])
def test_an_older_cluster_is_refused_then_upgraded_with_its_rows(
    base: Path, settings: Settings, options: tuple[str, ...]
) -> None:
    layout = make_old_cluster(settings, *options) if options else old_cluster(base)
    server = EmbeddedServer(settings)
    with pytest.raises(SchemaVersionError, match="clew db upgrade"):
        server.ensure_running()
    backup = server.upgrade()
    assert backup is not None
    assert (backup / "PG_VERSION").read_text().strip() == str(OLD_VERSION)
    with server.lease(), psycopg.connect(server.dsn()) as connection:
        assert connection.execute("SELECT value FROM kept").fetchone() == ("Grüße 文",)
        assert connection.info.server_version >= 180_000
        assert connection.execute("SHOW data_checksums").fetchone() == ("on" if options else "off",)
    assert server.upgrade() is None
    assert not [path for path in layout.place.iterdir() if path.name.startswith(".")]


def test_an_upgrade_cut_off_between_its_two_renames_is_finished_at_the_next_start(
    base: Path, settings: Settings
) -> None:
    layout = old_cluster(base)
    server = EmbeddedServer(settings)
    backup = server.upgrade()
    assert backup is not None
    layout.cluster.rename(layout.place / ".postgres-upgraded")
    with server.lease(), psycopg.connect(server.dsn()) as connection:
        assert connection.execute("SELECT value FROM kept").fetchone() == ("Grüße 文",)


def test_an_upgrade_that_fails_leaves_the_old_cluster_as_it_was(base: Path, settings: Settings) -> None:
    layout = old_cluster(base)
    control = layout.cluster / "global" / "pg_control"
    damaged = b"\x00" * control.stat().st_size
    sound = control.read_bytes()
    control.write_bytes(damaged)
    server = EmbeddedServer(settings)
    with pytest.raises(DatabaseUnavailableError, match="is as it was"):
        server.upgrade()
    assert control.read_bytes() == damaged
    control.write_bytes(sound)
    assert server.upgrade() is not None


def test_a_version_without_binaries_and_a_missing_cluster_are_said(base: Path, settings: Settings) -> None:
    server = EmbeddedServer(settings)
    with pytest.raises(NotFoundError, match="no cluster"):
        server.upgrade()
    STARTED_BEFORE.copy_to(base)
    (settings.data_dir / "postgres" / "PG_VERSION").write_text("14\n")
    with pytest.raises(ConfigurationError, match="pg_dump"):
        server.upgrade()
    assert (settings.data_dir / "postgres" / "base").is_dir()
