"""Bringing a cluster of an older PostgreSQL to the embedded version, by pg_upgrade, with the old one kept as it was."""

import secrets
import shutil
from pathlib import Path

from clew.kernel.directories import ensure_own_directory, sync_directory, write_privately
from clew.kernel.embedded.binaries import INSTALLATIONS, MAJOR_VERSION, server_binaries
from clew.kernel.embedded.cluster import (
    SUPERUSER,
    UNFINISHED,
    UPGRADED_NAME,
    cluster_version,
    finish_upgrade,
    make_cluster,
    old_cluster_path,
    refuse_foreign,
)
from clew.kernel.embedded.layout import SOCKET_NAME, Layout, socket_directory
from clew.kernel.embedded.passwords import password_of
from clew.kernel.embedded.process import clear_away_dead_server, run_program, stop_postmaster
from clew.kernel.errors import ConfigurationError, DatabaseUnavailableError, NotFoundError


def upgrade_cluster(layout: Layout) -> Path | None:
    """Upgrade under the start lock; where the old cluster is kept, or None if there was nothing to do.

    Raises NotFoundError without a cluster, ConfigurationError for a version without binaries, DatabaseUnavailableError
    with pg_upgrade's own words if it fails. Needs free space for a second copy.
    """
    finish_upgrade(layout)
    if not layout.cluster.is_dir():
        raise NotFoundError("there is no cluster to upgrade", where=str(layout.cluster), remedy="run `clew init`")
    refuse_foreign(layout)
    old_version = cluster_version(layout.cluster)
    if old_version == MAJOR_VERSION:
        return None
    if old_version > MAJOR_VERSION or old_version not in INSTALLATIONS:
        raise ConfigurationError(
            f"there are no binaries here to upgrade a cluster of PostgreSQL {old_version} to {MAJOR_VERSION}",
            where=str(layout.cluster),
            remedy="use pg_dump of that version and load the dump into a new data directory",
        )
    stop_postmaster(layout.cluster)
    clear_away_dead_server(layout.cluster, socket_directory(layout) / f"{SOCKET_NAME}.lock")
    workspace = layout.place / f"{UNFINISHED}{secrets.token_hex(8)}"
    ensure_own_directory(workspace, layout.account.owner)
    try:
        _upgrade_into(layout, workspace, old_version)
        (workspace / "cluster").rename(layout.place / UPGRADED_NAME)
        sync_directory(layout.place)
    finally:
        shutil.rmtree(workspace)
    finish_upgrade(layout)
    return old_cluster_path(layout, old_version)


def _upgrade_into(layout: Layout, workspace: Path, old_version: int) -> None:
    old, new = server_binaries(layout, old_version), server_binaries(layout)
    checksums = "--data-checksums" if _has_checksums(layout, old) else "--no-data-checksums"
    make_cluster(layout, new, workspace / "cluster", (checksums,))
    password_file = workspace / "passwords"
    password = f"*:*:*:{SUPERUSER}:{password_of(layout, SUPERUSER)}\n"
    write_privately(password_file, password.encode("ascii"), layout.account.owner)
    result = run_program(
        layout.account,
        [
            str(new / "pg_upgrade"),
            f"--old-bindir={old}",
            f"--new-bindir={new}",
            f"--old-datadir={layout.cluster}",
            f"--new-datadir={workspace / 'cluster'}",
            f"--username={SUPERUSER}",
            f"--socketdir={socket_directory(layout)}",
        ],
        directory=workspace,
        PGPASSFILE=str(password_file),
    )
    if result.returncode:
        raise DatabaseUnavailableError(
            f"the cluster could not be upgraded and is as it was:\n{result.stdout.strip()}",
            where=str(layout.cluster),
            remedy="the lines above give the reason; free space for a second copy is needed",
        )


def _has_checksums(layout: Layout, binaries: Path) -> bool:
    result = run_program(layout.account, [str(binaries / "pg_controldata"), str(layout.cluster)])
    return any(
        line.partition(":")[2].strip() != "0"
        for line in result.stdout.splitlines()
        if line.startswith("Data page checksum version")
    )
