"""Base backups of the embedded server's cluster, and clusters made from them, as of their end or of a later second."""

import hashlib
import re
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import psycopg

from clew.kernel.directories import ensure_own_directory, sync_directory, write_privately
from clew.kernel.embedded.archive import Archive
from clew.kernel.embedded.binaries import server_binaries
from clew.kernel.embedded.cluster import SUPERUSER
from clew.kernel.embedded.configuration import HOST_BASED_ACCESS, quoted
from clew.kernel.embedded.layout import Layout
from clew.kernel.embedded.passwords import password_of
from clew.kernel.embedded.process import Postmaster, run_program
from clew.kernel.errors import ConfigurationError, DatabaseUnavailableError, InputError

CLUSTER: Final = "postgres"
MANIFEST: Final = "backup_manifest"
SWITCH_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.05
_AUTOMATIC: Final = "postgresql.auto.conf"
_SIGNAL: Final = "recovery.signal"
_KEPT: Final = ".clew-before-recovery"
_ENDED_EARLY: Final = "recovery ended before configured recovery target was reached"
_LAST_TIME: Final = re.compile(r"last completed transaction was at log time (\S+ \S+)")


@dataclass(frozen=True, slots=True)
class BaseBackup:
    """A copy of a cluster: its timeline, the positions in the log that it spans, and when it was complete."""

    timeline: int
    start_lsn: str
    end_lsn: str
    ended_at: datetime
    size_bytes: int


def take_base_backup(layout: Layout, running: Postmaster, target: Path) -> BaseBackup:
    """Copy the running cluster to target/postgres, with the log it needs and a manifest of SHA-256 digests.

    Raises DatabaseUnavailableError, with PostgreSQL's own words, if it fails.
    """
    _admit_replication(layout, running)
    passwords = target / "passwords"
    line = f"*:*:*:{SUPERUSER}:{password_of(layout, SUPERUSER)}\n"
    write_privately(passwords, line.encode("ascii"), layout.account.owner)
    try:
        result = run_program(
            layout.account,
            [
                str(server_binaries(layout) / "pg_basebackup"),
                f"--pgdata={target / CLUSTER}",
                f"--host={running.socket_directory}",
                f"--port={running.port}",
                f"--username={SUPERUSER}",
                "--no-password",
                "--format=plain",
                "--wal-method=stream",
                "--checkpoint=fast",
                "--manifest-checksums=SHA256",
            ],
            PGPASSFILE=str(passwords),
        )
    finally:
        passwords.unlink(missing_ok=True)
    if result.returncode:
        raise DatabaseUnavailableError(
            f"the cluster could not be copied:\n{result.stdout.strip()}",
            where=str(target),
            remedy="the lines above give the reason; free space for a copy of the record is needed",
        )
    with _superuser(layout, running) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    spans = orjson.loads((target / CLUSTER / MANIFEST).read_bytes())["WAL-Ranges"]
    last = spans[-1]
    size = sum(path.stat().st_size for path in (target / CLUSTER).rglob("*") if path.is_file())
    ended_at = row[0].astimezone(UTC) if row else datetime.now(UTC)
    return BaseBackup(last["Timeline"], spans[0]["Start-LSN"], last["End-LSN"], ended_at, size)


def check_base_backup(source: Path) -> None:
    """Compare every file of a copy with its manifest. Raises InputError that names the first one that differs.

    By hand, since the wheel's pg_verifybackup 18.4 dies of a segmentation fault, even of --version [M]. The log within
    the copy is in no manifest: each of its records has a checksum of its own, which recovery checks.
    """
    cluster = source / CLUSTER
    try:
        content = (cluster / MANIFEST).read_bytes()
        manifest = orjson.loads(content)
        told = bytes.fromhex(manifest["Manifest-Checksum"])
        files = [(entry["Path"], entry["Size"], entry["Checksum"]) for entry in manifest["Files"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(source, f"its manifest cannot be read: {error}") from error
    if hashlib.sha256(content[: content.rindex(b'"Manifest-Checksum"')]).digest() != told:
        raise _damaged(source, "its manifest was changed")
    for name, size, checksum in files:
        try:
            with (cluster / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
                is_same = found == checksum and file.tell() == size
        except OSError as error:
            raise _damaged(source, f"{name}: {error.strerror}") from error
        if not is_same:
            raise _damaged(source, f"{name} is not what was copied")


def _damaged(source: Path, reason: str) -> InputError:
    return InputError(
        f"this backup is damaged: {reason}",
        where=str(source),
        remedy="move it away: from an older one the archived log leads to the same second",
    )


def lay_base_backup(layout: Layout, source: Path, archive: Archive, at: datetime | None, beside: Path | None) -> None:
    """Put a copy in the place of the cluster, to be recovered at its next start: to `at`, or as far as the log goes.

    `beside`: a directory of log files that may not be archived yet.
    """
    shutil.copytree(source / CLUSTER, layout.cluster, symlinks=True)
    owner = layout.account.owner
    if not layout.account.is_myself:
        for path in (layout.cluster, *layout.cluster.rglob("*")):
            shutil.chown(path, owner.uid, owner.gid)
    layout.cluster.chmod(0o700)
    automatic = (layout.cluster / _AUTOMATIC).read_bytes()
    values = {
        "restore_command": archive.restore_command(beside),
        "recovery_target_timeline": "current",
        "recovery_target_action": "promote",
        "recovery_target_inclusive": "on",
        # Nobody reads before the end, and so this server need not allow as many connections as the other one did.
        "hot_standby": "off",
    }
    if at is not None:
        values["recovery_target_time"] = at.astimezone(UTC).isoformat(sep=" ")
    lines = "".join(f"{name} = '{quoted(value)}'\n" for name, value in values.items())
    write_privately(layout.cluster / _KEPT, automatic, owner)
    write_privately(layout.cluster / _AUTOMATIC, automatic + lines.encode(), owner)
    write_privately(layout.cluster / _SIGNAL, b"", owner)
    sync_directory(layout.cluster)


def explain_recovery(error: DatabaseUnavailableError, log: str) -> Exception:
    """The error to raise when a recovering server does not start: another one if the log of that second is lacking."""
    if _ENDED_EARLY not in log:
        return error
    found = _LAST_TIME.findall(log)
    until = f"what is archived ends at {found[-1]} UTC" if found else "nothing is archived after the backup"
    return InputError(
        f"the archive does not lead to that second: {until}",
        where="--at",
        remedy="name an earlier second, or leave --at out to go as far as the archive does",
    )


def settle_recovery(layout: Layout) -> None:
    """Forget how the cluster was recovered. After its recovery, while its server is stopped."""
    kept = layout.cluster / _KEPT
    if kept.is_file():
        write_privately(layout.cluster / _AUTOMATIC, kept.read_bytes(), layout.account.owner)
        kept.unlink()


def hand_over_log(layout: Layout, running: Postmaster) -> None:
    """Have the server archive what it has written so far, and wait until it has. Raises DatabaseUnavailableError."""
    with _superuser(layout, running) as connection:
        if connection.execute("SELECT current_setting('archive_mode')").fetchone() != ("on",):
            return
        # A switch with nothing written since the last one does nothing and names the file after it.
        connection.execute("SELECT pg_logical_emit_message(false, 'clew', 'backup')")
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        wanted = str(row[0]) if row else ""
        until = time.monotonic() + SWITCH_SECONDS
        while not _is_archived(connection, wanted):
            if time.monotonic() > until:
                raise DatabaseUnavailableError(
                    f"the server has not archived its log for {SWITCH_SECONDS:.0f} s",
                    where="CLEW_BACKUP_DIR",
                    remedy="the end of the server's log tells why (`clew db status` names it); mostly a full disk",
                )
            time.sleep(_POLL_SECONDS)


def _is_archived(connection: "psycopg.Connection[Any]", wanted: str) -> bool:
    row = connection.execute("SELECT last_archived_wal >= %s FROM pg_stat_archiver", (wanted,)).fetchone()
    return row is not None and bool(row[0])


def prune_log(layout: Layout, archive: Archive, oldest: Path) -> None:
    """Remove archived files of the log that no copy from `oldest` on needs."""
    labels = sorted((oldest / CLUSTER).glob("backup_label"))
    named = re.search(r"\(file ([0-9A-F]{24})\)", labels[0].read_text(encoding="utf-8")) if labels else None
    if named is None:
        raise ConfigurationError("this backup does not say which log it needs", where=str(oldest), remedy="remove it")
    cleaner = server_binaries(layout) / "pg_archivecleanup"
    run_program(layout.account, [str(cleaner), "-x", ".gz", str(archive.wal), named.group(1)])


def workspace_for(layout: Layout, archive: Archive, name: str) -> Path:
    """A new directory among the base backups, the server account's."""
    workspace = archive.base / name
    ensure_own_directory(workspace, layout.account.owner)
    return workspace


def _admit_replication(layout: Layout, running: Postmaster) -> None:
    """Clusters of earlier versions of this program do not let anybody copy them."""
    access = layout.cluster / "pg_hba.conf"
    text = access.read_text(encoding="utf-8")
    line = HOST_BASED_ACCESS.splitlines()[-1]
    if line in text.splitlines():
        return
    write_privately(access, f"{text.rstrip()}\n{line}\n".encode(), layout.account.owner)
    with _superuser(layout, running) as connection:
        connection.execute("SELECT pg_reload_conf()")


def _superuser(layout: Layout, running: Postmaster) -> "psycopg.Connection[Any]":
    return psycopg.connect(
        host=str(running.socket_directory),
        port=running.port,
        user=SUPERUSER,
        password=password_of(layout, SUPERUSER),
        dbname="postgres",
        autocommit=True,
    )
