"""The directory that backups and the write-ahead log go to, and how the embedded server is told to put the log there.

    <directory>/base/<time>/   one base backup each: the cluster, and what lies beside it     0700
    <directory>/wal/           the log, a compressed file for each 16 MiB; the server account's  0700
    <directory>/files/         the files that the record refers to, by their content          0700

The log is archived by the server itself, whoever else is running: a file appears there whole or not at all.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clew.kernel.directories import blocking_directory, ensure_own_directory, myself
from clew.kernel.embedded.account import Account
from clew.kernel.embedded.layout import ENTERABLE_DIRECTORY, PLAIN_PATH
from clew.kernel.errors import ConfigurationError

TIMEOUT_SECONDS: Final = 60
"""After so long without a full file what there is goes to the archive: the most that a lost disk can take along."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A directory of backups."""

    directory: Path

    @property
    def base(self) -> Path:
        """Directory of the base backups."""
        return self.directory / "base"

    @property
    def wal(self) -> Path:
        """Directory of the archived log."""
        return self.directory / "wal"

    @property
    def files(self) -> Path:
        """Directory of the files by content."""
        return self.directory / "files"

    def prepare(self, account: Account) -> None:
        """Make the directories, where missing, so that the server account can write to them.

        Raises ConfigurationError if it cannot enter them, they belong to somebody else, or their name would not do in
        the server's configuration.
        """
        if not PLAIN_PATH.fullmatch(str(self.directory)):
            raise ConfigurationError(
                "the name of a backup directory may hold letters, digits, blanks and ./+@~-_ only",
                where=str(self.directory),
                remedy="choose another directory",
            )
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700 if account.is_myself else ENTERABLE_DIRECTORY)
        except OSError as error:
            raise ConfigurationError(
                f"this directory cannot be made: {error.strerror}",
                where=str(self.directory),
                remedy="choose another directory for backups",
            ) from error
        if blocker := blocking_directory(self.directory, account.owner):
            raise ConfigurationError(
                f"user {account.name}, which runs the embedded server, may not enter {blocker}",
                where=str(self.directory),
                remedy="choose a directory for backups outside it",
            )
        for directory, owner in ((self.base, account.owner), (self.wal, account.owner), (self.files, myself())):
            ensure_own_directory(directory, owner)

    def archive_command(self) -> str:
        """What the server runs for each file of its log: written beside, made durable, renamed, and only once.

        A file that is there already and the same (the server died before it could note that) counts as archived.
        """
        target, part = self._in_configuration("%f.gz"), self._in_configuration(".%f.part")
        same = f"gzip -dc {target} | cmp -s - %p"
        return f"if [ -e {target} ]; then {same}; else gzip -1c %p > {part} && sync {part} && mv {part} {target}; fi"

    def restore_command(self, beside: Path | None) -> str:
        """What a recovering server runs to get a file of the log; `beside` is where not yet archived ones may lie."""
        fetched = f"gzip -dc {self._in_configuration('%f.gz')} > %p 2>/dev/null"
        if beside is None:
            return fetched
        return f"{fetched} || cp {shlex.quote(str(beside))}/%f %p 2>/dev/null"

    def _in_configuration(self, name: str) -> str:
        return f"{shlex.quote(str(self.wal))}/{name}"
