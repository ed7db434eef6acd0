"""Where everything of the embedded server lives.

    <data_dir>/run       lock files (lease, start, watchdog) and the pin        0700, this user's
    <data_dir>/secrets   one file per database login                           0700, this user's
    <place>/postgres     the cluster                                           0700, the server account's
    <place>/socket       the socket, unless its path would be too long         0700, the server account's
    <place>/log          what the server says                                  0700, the server account's
    <place>/binaries     a copy of the server, only if root's own is hidden from the account

`place` is the data directory itself. Only for root it can be another one: if the server account cannot enter the data
directory (because it is beneath /root), a directory with a random name beneath `embedded_fallback_dir` is used, and
`<data_dir>/postgres.location` remembers which. The name is random, not derived, so that a data directory that was
deleted and made anew never finds the old one's data again.
"""

import os
import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from clew.kernel.directories import (
    Owner,
    blocking_directory,
    ensure_own_directory,
    myself,
    owner_of,
    sync_directory,
    write_privately,
)
from clew.kernel.embedded.account import Account, choose_account
from clew.kernel.embedded.lease import start_lock
from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings

PORT = 5432  # only part of the socket's name: the server listens on no network address
SOCKET_NAME = f".s.PGSQL.{PORT}"
# sun_path holds 108 bytes on Linux and 104 on macOS and the BSDs, the closing zero byte included.
LONGEST_SOCKET_PATH = 103
# The list of socket directories is separated by commas and has quotes of its own; such paths take the short way.
PLAIN_PATH = re.compile(r"[\w./+@~ -]+", re.ASCII)
ENTERABLE_DIRECTORY = 0o711
LOCATION_NAME = "postgres.location"
LOCK_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of one embedded server, `owner` of what this process keeps and `account` of what the server keeps."""

    data_dir: Path
    place: Path
    owner: Owner
    account: Account

    @property
    def run(self) -> Path:
        """Directory of the lock files."""
        return self.data_dir / "run"

    @property
    def secrets(self) -> Path:
        """Directory of the logins' passwords."""
        return self.data_dir / "secrets"

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data directory."""
        return self.place / "postgres"

    @property
    def log(self) -> Path:
        """Directory of the server's log files."""
        return self.place / "log"

    @property
    def pin(self) -> Path:
        """File whose existence keeps the server running when nobody uses it."""
        return self.run / "pinned"


def find_layout(settings: Settings) -> Layout | None:
    """The layout of a data directory that already holds a cluster; None if there is none. Makes nothing."""
    data_dir = settings.data_dir
    try:
        if not data_dir.is_dir():
            return None
        place = _remembered(data_dir) or data_dir
        if not (place / "postgres").is_dir():
            return None
    except PermissionError as error:
        raise _closed(data_dir) from error
    return Layout(data_dir, place, _keeper(data_dir), choose_account(data_dir))


def prepare_layout(settings: Settings) -> Layout:
    """Make the directories of an embedded server, where missing, and give their layout.

    Raises ConfigurationError if a directory belongs to somebody else or cannot be made.
    """
    data_dir = settings.data_dir
    _make_data_directory(data_dir)
    if not os.access(data_dir, os.R_OK | os.X_OK):
        raise _closed(data_dir)
    account = choose_account(data_dir)
    keeper = _keeper(data_dir)
    for name in ("run", "secrets"):
        ensure_own_directory(data_dir / name, keeper)
    place = _remembered(data_dir) or data_dir
    if place == data_dir and blocking_directory(data_dir, account.owner):
        with start_lock(data_dir / "run", keeper, LOCK_SECONDS):
            place = _remembered(data_dir) or _place_elsewhere(settings, data_dir, account)
    ensure_own_directory(place / "log", account.owner)
    return Layout(data_dir, place, keeper, account)


def socket_directory(layout: Layout) -> Path:
    """A private directory, made if missing, in which the socket's path is short enough."""
    directory = layout.place / "socket"
    if len(os.fsencode(directory / SOCKET_NAME)) > LONGEST_SOCKET_PATH or not PLAIN_PATH.fullmatch(str(directory)):
        digest = sha256(os.fsencode(layout.place)).hexdigest()[:16]
        directory = _runtime_directory(layout.account) / f"clew-{layout.account.owner.uid}-{digest}"
    ensure_own_directory(directory, layout.account.owner)
    return directory


def _runtime_directory(account: Account) -> Path:
    """A short directory to make ours in: never itself changed, so it may well be world-writable /tmp."""
    named = os.environ.get("XDG_RUNTIME_DIR", "")
    fits = len(os.fsencode(named)) <= LONGEST_SOCKET_PATH - 64 and PLAIN_PATH.fullmatch(named)
    if fits and Path(named).is_dir() and owner_of(Path(named)).uid == account.owner.uid:
        return Path(named)
    if myself().uid == 0 and Path("/run").is_dir() and not blocking_directory(Path("/run"), account.owner):
        return Path("/run")
    return Path("/tmp").resolve()  # noqa: S108  a 0700 directory of ours is made in it, its owner and kind verified


def _closed(data_dir: Path) -> ConfigurationError:
    return ConfigurationError(
        "this data directory is closed to the user who runs clew",
        where=str(data_dir),
        remedy="run clew as its owner or choose another CLEW_DATA_DIR",
    )


def _keeper(data_dir: Path) -> Owner:
    """Root working in a user's data directory leaves files that the user can go on with."""
    return owner_of(data_dir) if myself().uid == 0 else myself()


def _make_data_directory(data_dir: Path) -> None:
    try:
        if data_dir.is_dir():
            return
        data_dir.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"the data directory's parent cannot be made: {error.strerror}",
            where=str(data_dir),
            remedy="choose another CLEW_DATA_DIR",
        ) from error
    # The server account has to pass through root's own data directory; it can list nothing there.
    ensure_own_directory(data_dir, myself(), ENTERABLE_DIRECTORY if myself().uid == 0 else 0o700)


def _remembered(data_dir: Path) -> Path | None:
    location = data_dir / LOCATION_NAME
    if not location.is_file():
        return None
    if owner_of(location).uid not in (0, owner_of(data_dir).uid):
        raise ConfigurationError("this file belongs to somebody else", where=str(location), remedy="remove it")
    place = Path(location.read_text(encoding="utf-8").strip())
    if not place.is_dir():
        raise ConfigurationError(
            f"the cluster's directory {place} is gone",
            where=str(location),
            remedy="restore that directory from backup, or remove this file to begin with an empty record",
        )
    return place


def _place_elsewhere(settings: Settings, data_dir: Path, account: Account) -> Path:
    """Where the cluster of a directory closed to the server account is to be; never beside one that is there."""
    blocker = blocking_directory(data_dir, account.owner)
    if blocker is None:
        return data_dir
    if (data_dir / "postgres").is_dir():
        raise ConfigurationError(
            f"user {account.name}, which runs the embedded server, may no longer enter {blocker}",
            where=str(data_dir / "postgres"),
            remedy=f"let it pass again (chmod o+x {blocker}): the record is there",
        )
    return _new_place(settings, data_dir)


def _new_place(settings: Settings, data_dir: Path) -> Path:
    base = settings.embedded_fallback_dir
    base.parent.mkdir(parents=True, exist_ok=True)
    ensure_own_directory(base, myself(), ENTERABLE_DIRECTORY)
    account = choose_account(data_dir)
    if blocker := blocking_directory(base, account.owner):
        raise ConfigurationError(
            f"user {account.name}, which runs the embedded server, may not enter {blocker}",
            where=str(data_dir),
            remedy="set CLEW_DATA_DIR or CLEW_EMBEDDED_FALLBACK_DIR to a directory outside it",
        )
    place = base / secrets.token_hex(8)
    ensure_own_directory(place, myself(), ENTERABLE_DIRECTORY)
    write_privately(place / "data_dir", os.fsencode(data_dir), myself())
    sync_directory(base)
    write_privately(data_dir / LOCATION_NAME, os.fsencode(place), _keeper(data_dir))
    return place
