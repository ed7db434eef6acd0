"""The installed program, run as a user would run it: another process, a data directory of its own."""

import contextlib
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.support.embedded import DataDirectory, temporary_base
from tests.support.postgres import DATABASE_URL, SHARED
from tests.support.warm_program import WARM

CLEW = Path(sysconfig.get_path("scripts")) / "clew"
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Result:
    """How one run ended."""

    code: int
    output: str
    errors: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        parsed = json.loads(self.output)
        assert isinstance(parsed, dict)
        return parsed

    @property
    def error(self) -> dict[str, Any]:
        """The error that --json puts on standard error, behind whatever else was said there."""
        parsed = json.loads(self.errors[self.errors.index('{\n  "error"') :])["error"]
        assert isinstance(parsed, dict)
        return parsed


@dataclass(frozen=True, slots=True)
class Program:
    """The program with its environment. `base` is a directory for the test's own files."""

    base: Path
    environment: dict[str, str] = field(repr=False)
    is_warm: bool = True

    @property
    def data_dir(self) -> Path:
        return Path(self.environment["CLEW_DATA_DIR"])

    @property
    def is_embedded(self) -> bool:
        return "CLEW_DATABASE_URL" not in self.environment

    @property
    def cold(self) -> "Program":
        """The same, with a Python started for each command, instead of a fork that has the libraries loaded."""
        return replace(self, is_warm=False)

    def run(self, *arguments: str | Path, expect: int | None = 0, **variables: str) -> Result:
        """Run one command to its end, from `base`; fails unless it ends with the expected code."""
        command = [str(CLEW), *map(str, arguments)]
        environment = self.environment | variables
        if self.is_warm and WARM.busy.acquire(blocking=False):
            try:
                ended = WARM.run(command, cwd=self.base, environment=environment, patience_seconds=PATIENCE_SECONDS)
            finally:
                WARM.busy.release()
        else:
            ended = _run_cold(command, self.base, environment)
        result = Result(*ended)
        assert expect is None or result.code == expect, f"clew {arguments} ended with {result}"
        return result

    def json(self, *arguments: str | Path, **variables: str) -> dict[str, Any]:
        """Run a command that succeeds with --json, and return its document."""
        return self.run(*arguments, "--json", expect=0, **variables).document

    def error(self, *arguments: str | Path, expect: int, **variables: str) -> dict[str, Any]:
        """Run a command that fails with --json, and return its error."""
        return self.run(*arguments, "--json", expect=expect, **variables).error

    def start(
        self, *arguments: str | Path, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE, **variables: str
    ) -> subprocess.Popen[str]:
        """Start a command in a session of its own and let it run."""
        return subprocess.Popen(
            [CLEW, *arguments],
            cwd=self.base,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )


def _run_cold(command: list[str], base: Path, environment: dict[str, str]) -> tuple[int, str, str]:
    done = subprocess.run(
        command,
        cwd=base,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def _set_up(base: Path) -> None:
    Program(base, _environment(base)).run("init")


SET_UP_BEFORE = DataDirectory(_set_up)


@contextlib.contextmanager
def set_up_program() -> Iterator[Program]:
    """The program after `init`, with a server that stays: as someone has it who runs many commands."""
    with fresh_program() as program:
        if program.is_embedded:
            SET_UP_BEFORE.copy_to(program.base)
            program.run("db", "start")
        else:
            program.run("init")
        yield program


@contextlib.contextmanager
def fresh_program() -> Iterator[Program]:
    """The program with nothing set up: on an embedded server, or a new database of CLEW_TEST_DATABASE_URL."""
    with temporary_base() as base, contextlib.ExitStack() as stack:
        environment = _environment(base)
        if os.environ.get(DATABASE_URL):
            environment["CLEW_DATABASE_URL"] = stack.enter_context(SHARED.database())
        yield Program(base, environment)


def _environment(base: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLEW_")}
    return kept | {
        "CLEW_DATA_DIR": str(base / "data"),
        "CLEW_EMBEDDED_FALLBACK_DIR": str(base / "fallback"),
        "CLEW_EMBEDDED_SHARED_BUFFERS_MB": "16",
        "CLEW_VECTORS": "none",  # who tests them sets it
        "CLEW_JOB_WARM_PROCESS": "false",  # which most servers of tests would load for nothing
        "LANG": "C.UTF-8",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
