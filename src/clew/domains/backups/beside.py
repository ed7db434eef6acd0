"""What lies beside the database and belongs to the record: secrets, settings, seals of the audit trail, files."""

import os
import shutil
from pathlib import Path
from typing import Final

from clew.domains.audit.checkpoints import CheckpointFile
from clew.ingest.filestore.sealing import HEADER_BYTES
from clew.ingest.filestore.store import SEALED
from clew.kernel.directories import ensure_own_directory, myself
from clew.kernel.embedded.archive import Archive
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.settings import CONFIG_NAME, Settings

FILES: Final = "files"
_BESIDE: Final = "beside"
_DIRECTORIES: Final = ("secrets", "uploads")
_CHECKPOINTS: Final = "checkpoints.ndjson"
_INSTALLATION: Final = "installation"


def copy_beside(settings: Settings, workspace: Path) -> None:
    """Copy what lies beside the database into a backup; what is not there is left out."""
    target = workspace / _BESIDE
    InstallationSecret.of(settings)  # one made only later would be lacking where this backup leads to
    ensure_own_directory(target, myself())
    for name in _DIRECTORIES:
        if (settings.data_dir / name).is_dir():
            shutil.copytree(settings.data_dir / name, target / name, ignore=shutil.ignore_patterns("*.lock"))
    if settings.secret_file is not None:
        ensure_own_directory(target / "secrets", myself())
        shutil.copy2(settings.secret_file, target / "secrets" / _INSTALLATION)
    checkpoints = CheckpointFile.of(settings)
    if checkpoints.path.is_file():
        with checkpoints.locked(shared=True):
            shutil.copy2(checkpoints.path, target / _CHECKPOINTS)
    if (settings.data_dir / CONFIG_NAME).is_file():
        shutil.copy2(settings.data_dir / CONFIG_NAME, target / CONFIG_NAME)


def lay_beside(backup: Path, settings: Settings) -> None:
    """Put what lay beside a backup's database into the data directory of `settings`, which holds none of it yet."""
    source = backup / _BESIDE
    for name in _DIRECTORIES:
        if (source / name).is_dir():
            shutil.copytree(source / name, settings.data_dir / name, dirs_exist_ok=True)
    if (source / CONFIG_NAME).is_file():
        shutil.copy2(source / CONFIG_NAME, settings.data_dir / CONFIG_NAME)
    if (source / _CHECKPOINTS).is_file():
        checkpoints = CheckpointFile.of(settings)
        ensure_own_directory(checkpoints.path.parent, myself())
        shutil.copy2(source / _CHECKPOINTS, checkpoints.path)


def mirror_files(data_dir: Path, archive: Archive) -> int:
    """Add the files that the record refers to and that are not in the archive yet; how many."""
    return _add(data_dir / FILES, archive.files)


def lay_files(archive: Archive, beside: Path, data_dir: Path) -> int:
    """Put archived files, and those in the replaced data directory that are not archived yet, into a data directory."""
    return _add(archive.files, data_dir / FILES) + _add(beside / FILES, data_dir / FILES)


def _add(source: Path, target: Path) -> int:
    """Copy files that are lacking. Their names say what is in them, so one that is there is the same.

    But for the key that wraps an encrypted one's: who changed it wants it so in the backup, too.
    """
    if not source.is_dir():
        return 0
    added = 0
    ensure_own_directory(target, myself())
    for folder, _, names in os.walk(source):
        place = target / Path(folder).relative_to(source)
        place.mkdir(mode=0o700, exist_ok=True)
        for name in names:
            if name.startswith(".") or _is_there(Path(folder) / name, place / name):
                continue
            part = place / f".part-{name}"
            shutil.copy2(Path(folder) / name, part)
            part.rename(place / name)
            added += 1
    return added


def _is_there(file: Path, copy: Path) -> bool:
    if not copy.exists():
        return False
    if file.suffix != SEALED:
        return True
    with file.open("rb") as one, copy.open("rb") as other:
        return one.read(HEADER_BYTES) == other.read(HEADER_BYTES)
