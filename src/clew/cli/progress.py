"""Progress of a load on standard error, where that is a terminal."""

import contextlib
import sys
from collections.abc import Callable, Iterator

from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from clew.cli.console import PlainConsole
from clew.cli.output import shown
from clew.ingest import service

NAME_CHARACTERS = 40


@contextlib.contextmanager
def observed_progress() -> Iterator[Callable[[service.Progress], None]]:
    """What to call with each step of the load."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TextColumn("{task.fields[records]} records", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=PlainConsole(stderr=True), transient=True) as display:
        yield _Bar(display).update


@contextlib.contextmanager
def counted(what: str) -> Iterator[Callable[[int], None]]:
    """What to call with how many rows are done."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}", markup=False), TextColumn("{task.completed:,} rows", markup=False))
    with Progress(*columns, console=PlainConsole(stderr=True), transient=True) as display:
        task = display.add_task(shown(what), total=None)
        yield lambda rows: display.update(task, completed=rows)


@contextlib.contextmanager
def stepped() -> Iterator[Callable[[str, float], None]]:
    """What to call with the name of a step that begins, and how much of the whole is done (0 to 1)."""
    if not sys.stderr.isatty():
        yield lambda _step, _done: None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=PlainConsole(stderr=True), transient=True) as display:
        task = display.add_task("", total=1.0)
        yield lambda step, done: display.update(task, description=shown(step), completed=done)


class _Bar:
    """One bar that always is about the file in work."""

    def __init__(self, display: Progress) -> None:
        self._display = display
        self._file: str | None = None
        self._task: TaskID | None = None

    def update(self, progress: service.Progress) -> None:
        if self._task is None or progress.file_name != self._file:
            if self._task is not None:
                self._display.remove_task(self._task)
            self._file = progress.file_name
            self._task = self._display.add_task("", total=None, records="0")
        self._display.update(
            self._task,
            description=f"{progress.stage} {_shortened(shown(progress.file_name))}",
            completed=progress.bytes_done,
            total=progress.bytes_total,
            records=f"{progress.records:,}",
        )


def _shortened(name: str) -> str:
    return name if len(name) <= NAME_CHARACTERS else f"…{name[-NAME_CHARACTERS:]}"
