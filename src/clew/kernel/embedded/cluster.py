"""Making, checking and starting the cluster; all of it under the start lock."""

import contextlib
import itertools
import os
import secrets
import shutil
from pathlib import Path

from clew.kernel.directories import ensure_own_directory, owner_of, sync_directory, write_privately
from clew.kernel.embedded.archive import Archive
from clew.kernel.embedded.binaries import MAJOR_VERSION, server_binaries
from clew.kernel.embedded.configuration import (
    CONFIGURATION_NAME,
    HOST_BASED_ACCESS,
    best_wal_compression,
    server_configuration,
)
from clew.kernel.embedded.layout import SOCKET_NAME, Layout, socket_directory
from clew.kernel.embedded.passwords import ensure_password, password_file
from clew.kernel.embedded.process import (
    Postmaster,
    clear_away_dead_server,
    end_processes_of,
    run_program,
    wait_until_ready,
)
from clew.kernel.errors import ConfigurationError, DatabaseUnavailableError, SchemaVersionError
from clew.kernel.settings import Settings

SUPERUSER = "clew_superuser"
UNFINISHED = ".postgres-unfinished-"
UPGRADED_NAME = ".postgres-upgraded"
# Letters and case of all scripts, ordered by code point: the same on every machine, whatever its libraries.
LOCALE = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--data-checksums")
KEPT_LOGS = 5
LOG_TAIL_LINES = 12
REMOVALS = 5


def ensure_cluster(layout: Layout) -> None:
    """Make the cluster unless there is one; refuse one of another owner or another major version."""
    _remove_unfinished(layout.place)
    finish_upgrade(layout)
    if not (layout.cluster / "PG_VERSION").is_file():
        if layout.cluster.exists():
            raise ConfigurationError(
                "this directory is not a PostgreSQL cluster", where=str(layout.cluster), remedy="move it away"
            )
        make_cluster(layout, server_binaries(layout), layout.cluster)
    refuse_foreign(layout)
    found = cluster_version(layout.cluster)
    if found != MAJOR_VERSION:
        raise SchemaVersionError(
            f"this cluster was made by PostgreSQL {found}, the embedded server is PostgreSQL {MAJOR_VERSION}",
            where=str(layout.cluster),
            remedy="run `clew db upgrade`" if found < MAJOR_VERSION else "install the newer clew that made it",
        )


def cluster_version(cluster: Path) -> int:
    """Major version of PostgreSQL that made the cluster."""
    return int((cluster / "PG_VERSION").read_text(encoding="ascii").strip().partition(".")[0])


def refuse_foreign(layout: Layout) -> None:
    """Raise ConfigurationError if the cluster belongs to a user other than the one the server would run as."""
    holder = owner_of(layout.cluster).uid
    if holder != layout.account.owner.uid:
        raise ConfigurationError(
            f"this cluster belongs to user {holder}, but the server would run as user {layout.account.owner.uid}",
            where=str(layout.cluster),
            remedy="run clew as the user who made it, or choose another CLEW_DATA_DIR",
        )


def old_cluster_path(layout: Layout, version: int) -> Path:
    """Where a cluster of an older version is kept after its upgrade."""
    return layout.place / f"postgres-{version}-before-upgrade"


def finish_upgrade(layout: Layout) -> None:
    """Let a completely upgraded cluster take the old one's place; also after a crash between the two renames."""
    upgraded = layout.place / UPGRADED_NAME
    if not upgraded.is_dir():
        return
    if layout.cluster.is_dir():
        layout.cluster.rename(old_cluster_path(layout, cluster_version(layout.cluster)))
    upgraded.rename(layout.cluster)
    sync_directory(layout.place)


def make_cluster(layout: Layout, binaries: Path, target: Path, options: tuple[str, ...] = LOCALE) -> None:
    """Make a cluster under a name of its own and rename it when it is complete: a crash leaves no half of one."""
    workspace = layout.place / f"{UNFINISHED}{secrets.token_hex(8)}"
    ensure_own_directory(workspace, layout.account.owner)
    password = workspace / "password"
    write_privately(password, ensure_password(layout, SUPERUSER).encode("ascii"), layout.account.owner)
    made = workspace / "cluster"
    command = [
        str(binaries / "initdb"),
        f"--pgdata={made}",
        f"--username={SUPERUSER}",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        *options,
    ]
    result = run_program(layout.account, command)
    if result.returncode:
        raise DatabaseUnavailableError(
            f"the embedded cluster could not be made:\n{_tail(result.stdout)}",
            where=str(layout.place),
            remedy="check free space and permissions there",
        )
    owner = layout.account.owner
    with (made / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(f"\n# clew's own values; what you want otherwise goes below.\ninclude '{CONFIGURATION_NAME}'\n")
        file.flush()
        os.fsync(file.fileno())
    write_privately(made / CONFIGURATION_NAME, b"", owner)
    write_privately(made / "pg_hba.conf", HOST_BASED_ACCESS.encode("ascii"), owner)
    made.rename(target)
    sync_directory(layout.place)
    shutil.rmtree(workspace)


def start_cluster(layout: Layout, settings: Settings) -> Postmaster:
    """Start the server, or wait for one that is starting or recovering.

    Raises DatabaseUnavailableError, with the end of the server's log, if it does not come up.
    """
    if running := wait_until_ready(layout.cluster, settings.embedded_start_seconds):
        return running
    clear_away_dead_server(layout.cluster, socket_directory(layout) / f"{SOCKET_NAME}.lock")
    binaries = server_binaries(layout)
    write_configuration(layout, settings, binaries)
    if not password_file(layout, SUPERUSER).is_file():
        renew_superuser_password(layout)
    _prune_logs(layout)
    output = _start(layout, binaries, settings.embedded_start_seconds)
    started = wait_until_ready(layout.cluster, settings.embedded_start_seconds)
    if started is None:
        raise start_failure(layout, output)
    return started


def renew_superuser_password(layout: Layout) -> None:
    """Give the superuser a new password where the file of the old one is lost: we own the cluster, it is no barrier."""
    password = ensure_password(layout, SUPERUSER)
    command = [str(server_binaries(layout) / "postgres"), "--single", "-D", str(layout.cluster), "postgres"]
    result = run_program(layout.account, command, said=f"ALTER ROLE {SUPERUSER} PASSWORD '{password}'\n")
    if result.returncode or "ERROR" in result.stdout:
        password_file(layout, SUPERUSER).unlink()
        raise start_failure(layout, result.stdout)


def write_configuration(layout: Layout, settings: Settings, binaries: Path) -> None:
    """Write our part of the configuration from the settings now in force."""
    text = server_configuration(
        settings,
        socket_directory=socket_directory(layout),
        log_directory=layout.log,
        wal_compression=best_wal_compression(binaries),
    )
    write_privately(layout.cluster / CONFIGURATION_NAME, text.encode("utf-8"), layout.account.owner)
    if settings.backup_dir is not None:
        Archive(settings.backup_dir).prepare(layout.account)


def newest_log(layout: Layout) -> Path | None:
    """The log file that the server writes to, or wrote to last."""
    logs = sorted(layout.log.glob("server-*.log"))
    return logs[-1] if logs else None


def start_failure(layout: Layout, output: str) -> DatabaseUnavailableError:
    """The error to raise when the server does not start: with what it said last."""
    log = newest_log(layout)
    said = log.read_text(encoding="utf-8", errors="replace") if log else ""
    return DatabaseUnavailableError(
        f"the embedded server does not start:\n{_tail(output)}\n{_tail(said)}",
        where=str(log or layout.cluster),
        remedy="the lines above give the reason; a full disk and wrong permissions are the usual ones",
    )


def _start(layout: Layout, binaries: Path, seconds: int) -> str:
    # The cluster is named by the environment and the log by an open file: pg_ctl would put both into a shell command.
    start_log = layout.log / "start.log"
    write_privately(start_log, b"", layout.account.owner)
    command = [str(binaries / "pg_ctl"), "start", "--wait", f"--timeout={seconds}"]
    with start_log.open("ab") as output:
        run_program(layout.account, command, output=output, PGDATA=str(layout.cluster))
    return start_log.read_text(encoding="utf-8", errors="replace")


def _remove_unfinished(place: Path) -> None:
    for leftover in place.glob(f"{UNFINISHED}*"):
        # Whoever was killed while making a cluster may have left its initdb at work, which may just be starting a
        # program that goes on writing for a moment.
        for _ in range(REMOVALS):
            end_processes_of(leftover)
            with contextlib.suppress(OSError):
                shutil.rmtree(leftover)
                break
        else:
            shutil.rmtree(leftover)


def _prune_logs(layout: Layout) -> None:
    start_log = layout.log / "start.log"
    old = sorted(layout.log.glob("server-*.log"))[:-KEPT_LOGS]
    for path in itertools.chain(old, [start_log]):
        path.unlink(missing_ok=True)


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-LOG_TAIL_LINES:])
