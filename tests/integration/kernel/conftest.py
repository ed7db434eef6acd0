"""Real embedded servers in temporary places, every one of them stopped when its test ends, however it ends."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clew.kernel.embedded import EmbeddedServer
from clew.kernel.embedded.process import read_pid_file, stop_postmaster
from clew.kernel.settings import Settings
from tests.support.embedded import Holder, is_alive, processes_about, wait_until

# What only root can show, and what root cannot: collected only where it can run.
collect_ignore = [] if os.geteuid() == 0 else ["test_embedded_as_root.py"]


@pytest.fixture
def base() -> Iterator[Path]:
    """A short directory that every user can pass through; servers of clusters beneath it are stopped in the end."""
    directory = Path(tempfile.mkdtemp(prefix="k-")).resolve()
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        stop_servers_beneath(directory)
        shutil.rmtree(directory)


@pytest.fixture
def settings(base: Path) -> Settings:
    return Settings(data_dir=base / "data", embedded_fallback_dir=base / "fallback", embedded_shared_buffers_mb=16)


@pytest.fixture
def server(settings: Settings) -> Iterator[EmbeddedServer]:
    embedded = EmbeddedServer(settings)
    yield embedded
    embedded.leave()


@pytest.fixture
def hold(settings: Settings) -> Iterator[Callable[[], Holder]]:
    """Start other processes that use the same server until told to leave, or killed."""
    holders: list[Holder] = []

    def start() -> Holder:
        holders.append(Holder(settings))
        return holders[-1]

    yield start
    for holder in holders:
        holder.kill()


def stop_servers_beneath(directory: Path) -> None:
    for pin in directory.rglob("pinned"):
        pin.unlink()
    clusters = [path.parent for path in directory.rglob("postmaster.pid")]
    for cluster in clusters:
        with contextlib.suppress(ProcessLookupError):
            stop_postmaster(cluster)
        if (left := read_pid_file(cluster)) and is_alive(left.pid) and left.pid != os.getpid():
            pytest.fail(f"server {left.pid} of {cluster} did not stop")
    wait_until(lambda: not processes_about(directory), f"watchdogs of {directory} to end")
