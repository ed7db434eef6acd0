"""The embedded server as its users see it: ask for it to run, use it, leave.

Who keeps it running: every process that called `ensure_running` holds a lease until it leaves or ends. The last one
to leave stops the server; if that one was killed, the watchdog does. `start_pinned` keeps the server running without
users, also after the machine's next start as soon as anything uses it, until `stop`.
"""

import atexit
import contextlib
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from clew.kernel.embedded import base_backup
from clew.kernel.embedded.archive import Archive
from clew.kernel.embedded.base_backup import BaseBackup
from clew.kernel.embedded.binaries import MAJOR_VERSION
from clew.kernel.embedded.cluster import SUPERUSER, cluster_version, ensure_cluster, newest_log, start_cluster
from clew.kernel.embedded.layout import Layout, find_layout, prepare_layout
from clew.kernel.embedded.lease import FileLock, is_watched, lease_holders, start_lock, try_start_lock
from clew.kernel.embedded.passwords import password_of
from clew.kernel.embedded.process import Postmaster, find_postmaster, stop_postmaster
from clew.kernel.embedded.release import start_watchdog, stop_if_unused
from clew.kernel.errors import DatabaseUnavailableError
from clew.kernel.settings import Settings

DATABASE = "clew"
# Beyond the time a start may take, for a shutdown that has to write out a bulk load first.
LOCK_MARGIN_SECONDS = 120.0
RECOVERY_SECONDS = 7 * 86_400


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """A running server: its process, its major version and where it listens. `port` only names the socket."""

    pid: int
    version: int
    socket_directory: Path
    port: int


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What `clew db status` shows. `users` are process ids, None where the system does not tell; sizes in bytes."""

    running: bool
    pinned: bool
    data_directory: Path
    pid: int | None = None
    version: int | None = None
    socket_directory: Path | None = None
    size_bytes: int | None = None
    users: tuple[int, ...] | None = None
    account: str | None = None
    log: Path | None = None


class EmbeddedServer:
    """The embedded server of one data directory. Safe to use from several threads and processes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._guard = threading.RLock()
        self._layout: Layout | None = None
        self._lease: FileLock | None = None
        self._lease_process = 0
        self._uses = 0

    def ensure_running(self) -> ServerInfo:
        """Make sure that the server runs, now and until this process leaves; start it again if it died meanwhile.

        Raises ConfigurationError, SchemaVersionError, or DatabaseUnavailableError with the end of the server's log.
        """
        try:
            return self._ensure_running()
        except OSError as error:
            raise DatabaseUnavailableError(
                f"the embedded server cannot be started: {error.strerror or error}",
                where=str(error.filename or self._settings.data_dir),
                remedy="check free space and permissions there",
            ) from error

    @contextlib.contextmanager
    def lease(self) -> Iterator[ServerInfo]:
        """Use the server within a `with` block; leaving the outermost one of this object leaves the server."""
        with self._guard:
            information = self.ensure_running()
            self._uses += 1
        try:
            yield information
        finally:
            with self._guard:
                self._uses -= 1
                if not self._uses:
                    self.leave()

    def leave(self) -> None:
        """Stop using the server, and stop it if nobody else uses it. Happens by itself at the process's end."""
        with self._guard:
            if not self._holds_lease() or self._layout is None or self._lease is None:
                self._drop_lease()
                return
            # If the lock is taken, somebody is just coming or going; whoever is last, or the watchdog, will see to it.
            with contextlib.ExitStack() as stack:
                stack.callback(self._drop_lease)
                if self._layout.run.is_dir() and stack.enter_context(
                    try_start_lock(self._layout.run, self._layout.owner)
                ):
                    stop_if_unused(self._layout.run, self._layout.cluster, self._lease)

    def start_pinned(self) -> ServerInfo:
        """Start the server and keep it running without users until `stop`."""
        with self._guard:
            self.ensure_running()
            layout = self._prepared()
            with self._start_lock(layout):
                layout.pin.touch(mode=0o600)
                if os.geteuid() == 0:
                    os.chown(layout.pin, layout.owner.uid, layout.owner.gid)
            return self.ensure_running()

    def stop(self) -> bool:
        """Stop the server, also a pinned one and one that others use; unpin it. False if it was not running."""
        with self._guard:
            layout = find_layout(self._settings)
            if layout is None or not layout.run.is_dir():
                return False
            with self._start_lock(layout):
                layout.pin.unlink(missing_ok=True)
                stopped = stop_postmaster(layout.cluster)
                self._drop_lease()
            return stopped

    def status(self) -> ServerStatus:
        """The server's state; looks only, changes and makes nothing."""
        layout = find_layout(self._settings)
        if layout is None:
            return ServerStatus(running=False, pinned=False, data_directory=self._settings.data_dir / "postgres")
        running = find_postmaster(layout.cluster)
        return ServerStatus(
            running=running is not None,
            pinned=layout.pin.exists(),
            data_directory=layout.cluster,
            pid=running.pid if running else None,
            version=cluster_version(layout.cluster),
            socket_directory=running.socket_directory if running else None,
            size_bytes=_size(layout.cluster),
            users=lease_holders(layout.run),
            account=layout.account.name,
            log=newest_log(layout),
        )

    def dsn(self, role: str = SUPERUSER, database: str = DATABASE, *, password: bool = True) -> str:
        """URL by which libpq and psycopg connect to the running server as that login.

        Contains the password unless told otherwise: then it is fit for showing.
        """
        information = self.ensure_running()
        secret = f":{quote(self.password(role), safe='')}" if password else ""
        host = quote(str(information.socket_directory), safe="")
        return f"postgresql://{quote(role)}{secret}@/{quote(database)}?host={host}&port={information.port}"

    def password(self, role: str) -> str:
        """Password of a login of this server."""
        with self._guard:
            return password_of(self._prepared(), role)

    def upgrade(self) -> Path | None:
        """Bring a cluster of an older PostgreSQL to the embedded version; the path of the old one, kept as a backup.

        None if the cluster already is of this version. Raises ConfigurationError if there is no program for the old
        version, DatabaseUnavailableError if the upgrade fails; the old cluster then is as it was.
        """
        from clew.kernel.embedded.upgrade import upgrade_cluster  # noqa: PLC0415  rarely needed

        with self._guard:
            layout = self._prepared()
            with self._start_lock(layout):
                return upgrade_cluster(layout)

    def prepare_archive(self, archive: Archive) -> None:
        """Make a directory of backups, where missing, that the server can write to. Raises ConfigurationError."""
        self.ensure_running()
        with self._guard:
            archive.prepare(self._prepared().account)

    def base_backup(self, archive: Archive, name: str) -> tuple[Path, BaseBackup]:
        """Copy the running cluster into a new directory of that name in the archive; that directory, and the copy.

        If it fails the directory is gone. Raises DatabaseUnavailableError.
        """
        layout, running = self._running()
        workspace = base_backup.workspace_for(layout, archive, name)
        try:
            return workspace, base_backup.take_base_backup(layout, running, workspace)
        except BaseException:
            shutil.rmtree(workspace)
            raise

    def hand_over_log(self) -> None:
        """Have what was written so far archived, if it is archived at all; returns when it is."""
        base_backup.hand_over_log(*self._running())

    def prune_log(self, archive: Archive, oldest: Path) -> None:
        """Remove archived files of the log that no backup from `oldest` on needs."""
        base_backup.prune_log(self._prepared(), archive, oldest)

    def recover(self, source: Path, archive: Archive, at: datetime | None, beside: Path | None) -> None:
        """Make the cluster, which is not there yet, from a copy, and run it as it was at that second.

        Takes as long as the log is; without `at` it goes to the log's end. `beside`: a directory of log files that may
        not be archived. Raises InputError if the copy is damaged or the log does not lead there.
        """
        patient = self._settings.model_copy(update={"embedded_start_seconds": RECOVERY_SECONDS})
        with self._guard:
            layout = self._prepared()
            base_backup.check_base_backup(source)
            with self._start_lock(layout):
                base_backup.lay_base_backup(layout, source, archive, at, beside)
                self._take_lease(layout)
                try:
                    started = start_cluster(layout, patient)
                    start_watchdog(layout)
                    self._set_up(layout, started)
                except DatabaseUnavailableError as error:
                    self._drop_lease()
                    log = newest_log(layout)
                    said = log.read_text(encoding="utf-8", errors="replace") if log else ""
                    raise base_backup.explain_recovery(error, said) from error

    def settle(self) -> None:
        """Stop a server that was recovered, for good, and forget how it was."""
        self.stop()
        with self._guard:
            base_backup.settle_recovery(self._prepared())

    def _running(self) -> tuple[Layout, Postmaster]:
        self.ensure_running()
        layout = self._prepared()
        running = find_postmaster(layout.cluster)
        if running is None:
            raise DatabaseUnavailableError(
                "the embedded server ended", where=str(layout.cluster), remedy="try again; its log may say why"
            )
        return layout, running

    def _ensure_running(self) -> ServerInfo:
        with self._guard:
            layout = self._prepared()
            if self._holds_lease() and (running := find_postmaster(layout.cluster)) and running.status == "ready":
                return _information(running)
            with self._start_lock(layout):
                self._take_lease(layout)
                try:
                    return _information(self._started(layout))
                except BaseException:
                    self._drop_lease()
                    raise

    def _prepared(self) -> Layout:
        if self._layout is None or not self._layout.run.is_dir():
            self._layout = prepare_layout(self._settings)
        return self._layout

    def _start_lock(self, layout: Layout) -> contextlib.AbstractContextManager[None]:
        return start_lock(layout.run, layout.owner, self._settings.embedded_start_seconds + LOCK_MARGIN_SECONDS)

    def _started(self, layout: Layout) -> Postmaster:
        running = find_postmaster(layout.cluster)
        pinned = layout.pin.exists()
        if running and running.status == "ready":
            if not pinned and not is_watched(layout.run, layout.owner):
                start_watchdog(layout)
            return running
        ensure_cluster(layout)
        started = start_cluster(layout, self._settings)
        if not pinned:
            start_watchdog(layout)
        self._set_up(layout, started)
        return started

    def set_up(self) -> None:
        """Make roles and logins that are missing on the running server, as after an upgrade of the program."""
        self.ensure_running()
        with self._guard:
            layout = self._prepared()
            with self._start_lock(layout):
                self._set_up(layout, self._started(layout))

    def _set_up(self, layout: Layout, started: Postmaster) -> None:
        from clew.kernel.embedded.logins import set_up_logins  # noqa: PLC0415  loads the database driver

        set_up_logins(layout, started, DATABASE)

    def _holds_lease(self) -> bool:
        return self._lease is not None and self._lease_process == os.getpid()

    def _take_lease(self, layout: Layout) -> None:
        if self._holds_lease():
            return
        # A forked child takes one of its own; closing the inherited one leaves the parent's untouched.
        self._drop_lease()
        self._lease = FileLock(layout.run / "lease", layout.owner)
        self._lease.share()
        self._lease_process = os.getpid()
        atexit.register(self.leave)

    def _drop_lease(self) -> None:
        if self._lease is not None:
            self._lease.close()
            self._lease = None
            atexit.unregister(self.leave)


def _information(postmaster: Postmaster) -> ServerInfo:
    return ServerInfo(postmaster.pid, MAJOR_VERSION, postmaster.socket_directory, postmaster.port)


def _size(directory: Path) -> int:
    """Bytes of all files in a directory; those that vanish while we look count nothing."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += Path(folder, name).lstat().st_size
    return total
