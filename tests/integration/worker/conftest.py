"""A job's process finds the handlers that tests bring."""

import os

import pytest

from tests.conftest import REPOSITORY
from tests.support.embedded import SOURCES


@pytest.fixture(autouse=True)
def path_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(SOURCES), str(REPOSITORY)]))
