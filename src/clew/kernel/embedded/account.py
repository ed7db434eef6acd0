"""Which system user the server's processes run as. PostgreSQL refuses to run as root, so root hands them over."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from clew.kernel.directories import Owner, myself, owner_of
from clew.kernel.errors import ConfigurationError

SERVICE_USER = "clewdb"
EXISTING_USERS = ("postgres", "_postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """User that runs the server. `shared_with_others` says that other services may run as the same user."""

    name: str
    owner: Owner
    shared_with_others: bool = False

    @property
    def is_myself(self) -> bool:
        """Whether the server can run as the user this process runs as."""
        return self.owner.uid == os.geteuid()


def choose_account(data_dir: Path) -> Account:
    """The account for the server: this user; for root, the data directory's owner or a system user of our own.

    Raises ConfigurationError if root finds no user to hand the server to.
    """
    me = myself()
    if me.uid != 0:
        return Account(str(me.uid), me)
    holder = owner_of(data_dir)
    if holder.uid != 0 and (named := _by_number(holder.uid)):
        return named
    if found := _by_name(SERVICE_USER) or _created():
        return found
    for name in EXISTING_USERS:
        if found := _by_name(name):
            return Account(found.name, found.owner, shared_with_others=True)
    raise ConfigurationError(
        "the embedded server cannot run as root and there is no other user to run it as",
        where="system users",
        remedy=f"add a system user named {SERVICE_USER}, or run clew as an ordinary user",
    )


def _created() -> Account | None:
    """A system user without password, shell or home. Another process may be adding the same one at this moment."""
    program = shutil.which("useradd")
    if not program:
        return None
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/bin/false"]
    subprocess.run([program, *options, SERVICE_USER], check=False, capture_output=True, cwd="/", timeout=60)
    return _by_name(SERVICE_USER)


def _by_name(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, Owner(entry.pw_uid, entry.pw_gid)) if entry.pw_uid else None


def _by_number(uid: int) -> Account | None:
    # initdb looks its user up by number and gives up on one without a name.
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return None
    return Account(entry.pw_name, Owner(entry.pw_uid, entry.pw_gid))
