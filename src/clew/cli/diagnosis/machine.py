"""The program, the machine it runs on, and where it keeps things."""

import locale
import os
import platform
import shutil
import stat
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from clew import __version__
from clew.cli.diagnosis.finding import Finding, Status, checked
from clew.kernel.settings import Settings

MEBIBYTE = 1 << 20
GIBIBYTE = 1 << 30
LEAST_FREE = 200 * MEBIBYTE
COMFORTABLY_FREE = 2 * GIBIBYTE
OTHERS_MAY_READ_OR_WRITE = stat.S_IRWXG & ~stat.S_IXGRP | stat.S_IRWXO & ~stat.S_IXOTH


def examine_program() -> Iterator[Finding]:
    """Version, Python, platform, time zone and text encoding."""
    yield Finding("clew", f"{__version__} in {Path(__file__).resolve().parents[2]}")
    yield Finding("python", f"{platform.python_version()} ({sys.executable})")
    yield Finding("platform", f"{platform.platform()}, {os.cpu_count()} processors")
    now = datetime.now().astimezone()
    yield Finding("time zone", f"{now.tzname()}, {now:%Y-%m-%d %H:%M:%S %z}; the record keeps UTC")
    encoding = locale.getpreferredencoding(do_setlocale=False)
    yield checked(
        "locale",
        f"{os.environ.get('LC_ALL') or os.environ.get('LANG') or 'not set'}, text as {encoding}",
        Status.WARN,
        "set LANG to a UTF-8 locale such as C.UTF-8, or names may be shown as escapes",
        well=encoding.replace("-", "").lower() == "utf8",
    )


def examine_data_directory(settings: Settings) -> Iterator[Finding]:
    """Whether the data directory is there, private, ours, and has room."""
    directory = settings.data_dir
    if not directory.is_dir():
        remedy = "run `clew init`, or let the first `clew ingest` do it"
        yield Finding("data directory", f"{directory} is not there yet", Status.WARN, remedy)
        return
    information = directory.stat()
    mode = stat.S_IMODE(information.st_mode)
    yield checked(
        "data directory",
        f"{directory}, mode {mode:04o}, owner {information.st_uid}",
        Status.WARN,
        f"others may look into it: chmod go-rw {directory}",
        well=not mode & OTHERS_MAY_READ_OR_WRITE,
    )
    yield checked(
        "permissions",
        "may be written" if os.access(directory, os.W_OK) else f"user {os.geteuid()} may not write into it",
        Status.FAIL,
        "run clew as the owner of the data directory or choose another CLEW_DATA_DIR",
        well=os.access(directory, os.R_OK | os.W_OK | os.X_OK),
    )
    yield free_space("free space", directory)
    yield _file_store(directory / "files")


def free_space(name: str, directory: Path) -> Finding:
    """Room where that directory is."""
    usage = shutil.disk_usage(directory)
    detail = f"{written_size(usage.free)} of {written_size(usage.total)} at {directory}"
    if usage.free < LEAST_FREE:
        return Finding(name, detail, Status.FAIL, "free space there before loading anything")
    remedy = "a large load may fill it: free space or move the data directory"
    return checked(name, detail, Status.WARN, remedy, well=usage.free >= COMFORTABLY_FREE)


def written_size(count: float) -> str:
    """Bytes as people write them."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def _file_store(root: Path) -> Finding:
    sizes = [path.stat().st_size for path in root.rglob("*") if path.is_file()] if root.is_dir() else []
    return Finding("file store", f"{len(sizes):,} files, {written_size(sum(sizes))} compressed, in {root}")
