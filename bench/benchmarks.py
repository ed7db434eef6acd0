"""The benchmarks: each takes an empty place and a size, and gives what it found."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from bench.analyses import analyses
from bench.audit import audit
from bench.backups import backups
from bench.cache import cache
from bench.engines import engines
from bench.generate import Plan, blocks, write
from bench.graph import graph
from bench.places import run_module
from bench.projecting import feed
from bench.results import MEBIBYTE, Measure, Result
from bench.search import search
from bench.series import series
from bench.serving import serving
from bench.tool_outputs import OUTPUTS
from bench.vectors import vectors

_ROW_BY_ROW_EVENTS: Final = 20_000
_PARTS: Final = 10
_STARTS: Final = 10
_SOURCE_ROWS: Final = 200_000
_START = """
import sys, time
from pathlib import Path
from bench.places import settings_at
from clew.kernel.database import Database
began = time.perf_counter()
with Database(settings_at(Path(sys.argv[1]))) as database:
    database.bootstrap()
    print(time.perf_counter() - began)
"""


def ingest(place: Path, events: int) -> Result:
    """Cowrie's log from file to committed record, against both baselines."""
    log, short = place / "cowrie.json", place / "short.json"
    write(Plan(events), log)
    slice_events = min(events // 10, _ROW_BY_ROW_EVENTS)
    with log.open("rb") as whole:
        short.write_bytes(b"".join(islice(whole, slice_events)))
    (product,) = run_module("bench.product", [str(place), str(log)])
    (bare,) = run_module("bench.bare", [str(place), str(log)])
    (rows,) = run_module("bench.row_by_row", [str(place), str(short)])
    rate, bare_rate, row_rate = _rate(product), _rate(bare), _rate(rows)
    return Result(
        "ingest",
        f"{events:,} Cowrie events, file to committed record",
        (
            Measure("product", rate, "events/s", least=40_000),
            Measure("bare parse + COPY + merge", bare_rate, "events/s"),
            Measure(f"row by row ({slice_events:,} events)", row_rate, "events/s"),
            Measure("product / bare", rate / bare_rate, least=0.5),
            Measure("product / row by row", rate / row_rate, least=10),
            Measure("processor time, bare / product", _cpu(bare) / _cpu(product)),
            Measure("entities", product["entities"]),
            Measure("relationships", product["relationships"]),
            Measure("peak memory of the program", product["program_peak_bytes"] / MEBIBYTE, "MiB", most=700),
            Measure("peak memory of PostgreSQL (PSS)", product["server_peak_bytes"] / MEBIBYTE, "MiB"),
            Measure("processor time of the program", product["program_cpu_seconds"], "s"),
            Measure("processor time of PostgreSQL", product["server_cpu_seconds"], "s"),
            Measure("processor time of bare, program", bare["program_cpu_seconds"], "s"),
            Measure("processor time of bare, PostgreSQL", bare["server_cpu_seconds"], "s"),
            Measure("wall time", product["seconds"], "s"),
        ),
    )


def again(place: Path, events: int) -> Result:
    """The same file, and the same events under another digest."""
    log, other = place / "cowrie.json", place / "other.json"
    write(Plan(events), log)
    other.write_bytes(log.read_bytes() + b"\n")
    first, known, repeated = run_module("bench.product", [str(place), str(log), str(log), str(other)])
    if known["duplicate"] != events or repeated["duplicate"] != events:
        raise RuntimeError("events loaded again were counted as new")
    return Result(
        "again",
        f"{events:,} Cowrie events, loaded three times",
        (
            Measure("first time", _rate(first), "events/s"),
            Measure("the same file", _rate(known), "events/s"),
            Measure("the same events in another file", _rate(repeated), "events/s"),
            Measure("same file / first time", _rate(known) / _rate(first), least=1),
            Measure("same events / first time", _rate(repeated) / _rate(first), least=1),
            Measure("processor time per event, first time / same events", _cpu(first) / _cpu(repeated)),
            Measure("peak memory of the program", repeated["program_peak_bytes"] / MEBIBYTE, "MiB", most=700),
        ),
    )


def growth(place: Path, events: int) -> Result:
    """Ten consecutive parts of one long log: whether the rate holds, and whether memory does."""
    each = events * 5 // _PARTS
    files = _cut(Plan(each * _PARTS, days=70), each, place)
    loads = run_module("bench.product", [str(place), *map(str, files)])
    measures = [
        measure
        for number, load in enumerate(loads, start=1)
        for measure in (
            Measure(f"part {number}", _rate(load), "events/s"),
            Measure(f"part {number}, processor time per event", _cpu(load) * 1e6, "µs"),
        )
    ]
    memory = [load["program_peak_bytes"] / MEBIBYTE for load in loads]
    server = max(load["server_peak_bytes"] for load in loads)
    return Result(
        "growth",
        f"{each * _PARTS:,} Cowrie events in {_PARTS} parts",
        (
            *measures,
            Measure("last / first part", _rate(loads[-1]) / _rate(loads[0]), least=0.85),
            Measure("processor time per event, first / last part", _cpu(loads[0]) / _cpu(loads[-1]), least=0.85),
            Measure("peak memory of the program, first part", memory[0], "MiB", most=700),
            Measure("peak memory of the program, largest", max(memory), "MiB", most=700),
            Measure("peak memory of PostgreSQL (PSS)", server / MEBIBYTE, "MiB"),
        ),
    )


def startup(place: Path, _events: int) -> Result:
    """The embedded server's first start and later ones, and how soon the command line answers."""
    first = _start_seconds(place)
    later = [_start_seconds(place) for _ in range(3)]
    command = Path(sys.executable).with_name("clew")
    helped = [_wall([str(command), "--help"]) for _ in range(_STARTS)]
    nothing = [_wall([sys.executable, "-c", "pass"]) for _ in range(_STARTS)]
    return Result(
        "startup",
        "median of ten starts of a program, of three of the server",
        (
            Measure("embedded server, first start", first, "s", most=5),
            Measure("embedded server, later starts", statistics.median(later), "s", most=5),
            Measure("clew --help", statistics.median(helped) * 1000, "ms", most=300),
            Measure("python -c pass", statistics.median(nothing) * 1000, "ms"),
        ),
    )


def sources(place: Path, events: int) -> Result:
    """The sources that are read row by row."""
    rows = min(events, _SOURCE_ROWS)
    files = []
    for name, (file_name, output) in OUTPUTS.items():
        path = place / name / file_name
        path.parent.mkdir()
        with path.open("wb") as file:
            file.writelines(output(rows))
        files.append(str(path))
    loads = run_module("bench.product", [str(place), *files])
    return Result(
        "sources",
        f"{rows:,} rows of each source, file to committed record",
        tuple(
            measure
            for name, load in zip(OUTPUTS, loads, strict=True)
            for measure in (
                Measure(name, _rate(load), "rows/s"),
                Measure(f"{name}: peak memory of the program", load["program_peak_bytes"] / MEBIBYTE, "MiB", most=700),
            )
        ),
    )


BENCHMARKS: Final[dict[str, Callable[[Path, int], Result]]] = {
    "ingest": ingest,
    "again": again,
    "growth": growth,
    "startup": startup,
    "sources": sources,
    "feed": feed,
    "search": search,
    "audit": audit,
    "backups": backups,
    "serving": serving,
    "engines": engines,
    "graph": graph,
    "series": series,
    "cache": cache,
    "analyses": analyses,
    "vectors": vectors,
}
ONLY_BY_NAME: Final = frozenset({"engines", "graph", "series"})
"""Need more than `make setup` installs: Java and Maven."""


def _rate(load: dict[str, Any]) -> float:
    return float(load["read"] / load["seconds"])


def _cpu(load: dict[str, Any]) -> float:
    """Processor seconds per event, of the program and the server."""
    return float((load["program_cpu_seconds"] + load["server_cpu_seconds"]) / load["read"])


def _cut(plan: Plan, size: int, place: Path) -> list[Path]:
    """The log of a plan in files of `size` lines, in order."""
    lines = _lines(plan)
    files = []
    for number in range(plan.events // size):
        path = place / f"cowrie-{number + 1:02}.json"
        with path.open("wb") as file:
            file.writelines(islice(lines, size))
        files.append(path)
    return files


def _lines(plan: Plan) -> Iterator[bytes]:
    for block in blocks(plan):
        yield from block.splitlines(keepends=True)


def _start_seconds(place: Path) -> float:
    """Seconds until the server of a place answers, in a process of its own that stops it again."""
    command = [sys.executable, "-c", _START, str(place)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    return float(done.stdout)


def _wall(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
    return time.perf_counter() - began
