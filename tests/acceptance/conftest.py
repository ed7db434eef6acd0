"""The program with nothing or an empty record for a test, and with the sample case loaded for a whole run."""

from collections.abc import Iterator

import pytest

from tests.support.program import Program, Result, fresh_program, set_up_program


@pytest.fixture
def program() -> Iterator[Program]:
    """The program with nothing set up yet."""
    with fresh_program() as fresh:
        yield fresh


@pytest.fixture
def prepared() -> Iterator[Program]:
    """The program after `init`, whose server stays."""
    with set_up_program() as program:
        yield program


@pytest.fixture(scope="session")
def first_demo() -> Iterator[tuple[Program, Result]]:
    """The program after `init` and the first `demo`, with what that printed."""
    with fresh_program() as fresh:
        fresh.cold.run("init")
        if fresh.is_embedded:
            fresh.run("db", "start")  # as someone would who runs this many commands
        yield fresh, fresh.cold.run("demo")


@pytest.fixture(scope="session")
def loaded(first_demo: tuple[Program, Result]) -> Program:
    """The program with the sample case in its record; tests of it do not change what others see."""
    return first_demo[0]
