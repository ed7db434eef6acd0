"""A process that has the program's libraries loaded, and forks for each command: a tenth of a start's time.

What runs is the installed script, in a process of its own that ends as any other; only the imports came before. Some
tests still start the program cold (`Program.start`, `Program.cold`), as users do.

As a script this is that process. A line on standard input asks for a command, a line on standard output says its
process id, the next one its exit code.
"""

import contextlib
import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import psutil

# Only what starts no thread when it is imported: a fork takes none of them along.
PRELOADED = (
    "clew.cli.main",
    "clew.cli.session",
    "clew.domains.identity.users",
    "clew.domains.investigations.service",
    "clew.projections.service",
    "sqlalchemy.dialects.postgresql.psycopg",
    "tantivy",
)


class WarmProgram:
    """Runs commands one at a time; `close` ends the process."""

    def __init__(self) -> None:
        self.busy = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def run(
        self, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], patience_seconds: float
    ) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of a command. Raises TimeoutError, after killing it."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        with tempfile.TemporaryDirectory(prefix="warm-") as folder:
            outputs = [Path(folder) / name for name in ("output", "errors")]
            request = {
                "command": list(command),
                "cwd": str(cwd),
                "environment": dict(environment),
                "outputs": [str(path) for path in outputs],
            }
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            pid = int(process.stdout.readline())
            late = threading.Event()
            timer = threading.Timer(patience_seconds, _kill, (pid, late))
            timer.start()
            try:
                code = int(process.stdout.readline())
            finally:
                timer.cancel()
            if late.is_set():
                raise TimeoutError(f"{list(command)} did not end within {patience_seconds} s")
            output, errors = (path.read_text(encoding="utf-8") for path in outputs)
        return code, output, errors

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            with self._process as process:
                assert process.stdin is not None
                process.stdin.close()
            self._process = None

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            from tests.support.leftovers import ENDINGS  # not in the process that this is the script of

            ENDINGS.callback(self.close)
            self._process = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        return self._process


WARM = WarmProgram()


def _kill(pid: int, late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).kill()


def serve() -> None:
    """Fork for each line of standard input. Returns in the child only, which has become the command."""
    for name in PRELOADED:
        importlib.import_module(name)
    threads = psutil.Process().num_threads()
    assert threads == 1, f"{threads} threads: something of {PRELOADED} starts one when it is imported"
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if not pid:
            _become(request)
        _say(pid)
        _say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _become(request: dict[str, Any]) -> NoReturn:
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for target, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        *((number, path, os.O_WRONLY | os.O_CREAT) for number, path in enumerate(request["outputs"], start=1)),
    ):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, target)
        os.close(opened)
    sys.argv = request["command"]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    tempfile.tempdir = None
    runpy.run_path(sys.argv[0], run_name="__main__")
    sys.exit()


if __name__ == "__main__":
    serve()
