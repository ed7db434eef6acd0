"""Where a benchmark runs: a temporary place with a record of its own, from which nothing stays, also on Ctrl-C."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psutil
import sqlalchemy as sa

from clew import migrations
from clew.kernel.collector import relax_collector
from clew.kernel.database import Database, TenantContext
from clew.kernel.logs import configure_logs
from clew.kernel.roles import DIRECTORY, MIGRATOR
from clew.kernel.settings import Settings

ORGANIZATION: Final = UUID(int=1)
OTHER_ORGANIZATION: Final = UUID(int=2)
USER: Final = UUID(int=3)

_PATIENCE_SECONDS: Final = 60.0
_ROOT: Final = Path(__file__).resolve().parent.parent
_NEW_ORGANIZATION: Final = sa.text(
    "INSERT INTO organizations (id, name, slug) VALUES (:id, :slug, :slug) ON CONFLICT DO NOTHING"
)
_NEW_USER: Final = sa.text(
    "INSERT INTO users (organization_id, id, email, username, password_hash)"
    " VALUES (:organization, :id, 'bench@clew.example', 'bench', '!') ON CONFLICT DO NOTHING"
)


@contextlib.contextmanager
def temporary_place() -> Iterator[Path]:
    """A short directory that the server's account can enter; servers beneath it are stopped, and it is removed."""
    directory = Path(tempfile.mkdtemp(prefix="clew-bench-")).resolve()
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        _stop_servers(directory)
        shutil.rmtree(directory)


def settings_at(place: Path) -> Settings:
    """Default settings, but for where the record is, and without views unless CLEW_SEARCH asks for them."""
    settings = Settings(data_dir=place / "data", embedded_fallback_dir=place / "fallback")
    without = {"search": "none", "vectors": "none"}
    return settings if "CLEW_SEARCH" in os.environ else settings.model_copy(update=without)


@contextlib.contextmanager
def record_at(place: Path) -> Iterator[Database]:
    """The place's database, set up, with two organizations and a user of the first."""
    relax_collector()
    # Standard output is for figures, and nothing but trouble is worth a line beside them.
    configure_logs(settings_at(place).model_copy(update={"log_level": "warning"}))
    with Database(settings_at(place)) as database:
        database.bootstrap()
        with database.transaction(None, role=MIGRATOR) as connection:
            migrations.upgrade(connection)
        with database.transaction(None, role=DIRECTORY) as connection:
            for identifier, slug in ((ORGANIZATION, "bench"), (OTHER_ORGANIZATION, "rows")):
                connection.execute(_NEW_ORGANIZATION, {"id": identifier, "slug": slug})
        with database.transaction(TenantContext(ORGANIZATION)) as connection:
            connection.execute(_NEW_USER, {"organization": ORGANIZATION, "id": USER})
        yield database


def run_module(module: str, arguments: list[str], environment: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Run `python -m module` and give the JSON objects it prints, one a line. Raises RuntimeError if it fails.

    A process of its own has its own memory to measure. When this one is interrupted, the other is waited for: it got
    the same Ctrl-C, leaves its server, and with that the server stops.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
        env={**os.environ, **(environment or {})},
    )
    with process:
        try:
            output, _ = process.communicate()
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        raise RuntimeError(f"{module} ended with {process.returncode}; what it said is above")
    return [json.loads(line) for line in output.splitlines()]


def _end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _stop_servers(directory: Path) -> None:
    """A fast shutdown for every server still there: only after a process was killed is there one."""
    for file in directory.rglob("postmaster.pid"):
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
            postmaster = psutil.Process(int(file.read_text().splitlines()[0]))
            postmaster.send_signal(signal.SIGINT)
            postmaster.wait(_PATIENCE_SECONDS)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and any(_mentions(process, directory) for process in psutil.process_iter()):
        time.sleep(0.05)


def _mentions(process: psutil.Process, directory: Path) -> bool:
    try:
        return process.pid != os.getpid() and any(str(directory) in word for word in process.cmdline())
    except psutil.Error:
        return False
