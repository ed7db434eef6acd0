"""Real embedded servers in temporary places, every one of them stopped when its test ends, however it ends."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clew.kernel.embedded import EmbeddedServer
from clew.kernel.settings import Settings
from tests.support.embedded import STARTED_BEFORE, Holder, small_settings, temporary_base

# What only root can show is collected only for root.
collect_ignore = [] if os.geteuid() == 0 else ["test_embedded_as_root.py"]


@pytest.fixture
def base() -> Iterator[Path]:
    with temporary_base() as directory:
        yield directory


@pytest.fixture
def settings(base: Path) -> Settings:
    return small_settings(base)


@pytest.fixture
def made_before(base: Path, settings: Settings) -> None:
    """The cluster is there when the test begins, for tests of what comes after its making."""
    STARTED_BEFORE.copy_to(base)


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
