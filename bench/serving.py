"""What the API takes: a million entities read by id, beside bare FastAPI routes and a bare SELECT of the same run."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psutil

from bench.places import ORGANIZATION, record_at, run_module
from bench.projecting import fill
from bench.results import MEBIBYTE, Measure, Result
from clew.domains.identity import api_keys
from clew.kernel.database import Database, TenantContext
from clew.kernel.transactions import driver_connection

_ENTITIES: Final = 1_000_000
_COLD_IDS: Final = 50_000
_HOT_IDS: Final = 100
_RATE: Final = 300
_SECONDS: Final = 15.0
_CONNECTIONS: Final = 16
_SELECTS: Final = 3_000
_ROOMY: Final = {
    "CLEW_SEARCH": "none",  # the view of a million is another benchmark's
    "CLEW_LIMIT_CALLER_PER_MINUTE": "1000000",  # counted, but never reached
    "CLEW_LIMIT_EVERYBODY_PER_MINUTE": "1000000",
}
# Making these of a million takes the processors for minutes, with the load beside it.
_WITHOUT_VIEWS: Final = {"CLEW_VECTORS": "none", "CLEW_GRAPH": "none"}


def serving(place: Path, _events: int) -> Result:
    """Latency at an even 300 requests a second, saturation, what the caller's checks add, start and memory."""
    with record_at(place) as database:
        fill(database, _ENTITIES)
        ids = _identifiers(database)
        key = caller_key(database)
        select = _bare_selects(database, ids)
        files = {name: _paths(place, name, ids) for name in ("bare", "select", "cold", "hot")}
        bare, selecting, selecting_alone = _bare(place, files)
        _restart(database)
        command = [str(Path(sys.executable).with_name("clew")), "serve", "--port", "0"]
        began = time.perf_counter()
        with _server(command, _ROOMY | _WITHOUT_VIEWS | {"CLEW_DATA_DIR": str(place / "data")}) as (process, address):
            ready = time.perf_counter() - began
            time.sleep(3)
            rest = _memory(process, database)
            headers = {"X-API-Key": key}
            cold = _load(process, address, headers, files["cold"], ("open", _RATE))
            hot = _load(process, address, headers, files["hot"], ("open", _RATE))
            most = _load(process, address, headers, files["cold"], ("closed", _CONNECTIONS))
            alone = _load(process, address, headers, files["cold"], ("closed", 1))
            loaded = _memory(process, database)
    return Result(
        "serving",
        f"{_ENTITIES:,} entities read by id with an API key: told, counted, limited; generator on the same processors",
        (
            Measure(f"from the database, p95 at {_RATE} requests/s", cold["p95_ms"], "ms", most=25),
            Measure("from the database, p50", cold["p50_ms"], "ms"),
            Measure(f"a hundred again and again, p95 at {_RATE} requests/s", hot["p95_ms"], "ms", most=10),
            Measure(f"left unanswered at {_RATE}/s", cold["unanswered"] + hot["unanswered"], "requests", most=0),
            Measure("saturation", most["per_second"], "requests/s", least=800),
            Measure("bare FastAPI route", bare["per_second"], "requests/s"),
            Measure("bare FastAPI route with a SELECT", selecting["per_second"], "requests/s"),
            Measure("bare SELECT, one connection", select, "selects/s"),
            Measure("product / bare route with a SELECT", most["per_second"] / selecting["per_second"]),
            Measure("one caller: product", alone["mean_ms"], "ms"),
            Measure("one caller: bare route with a SELECT", selecting_alone["mean_ms"], "ms"),
            Measure(
                "added by caller, limits, audit and frame", alone["mean_ms"] - selecting_alone["mean_ms"], "ms", most=1
            ),
            *_processor_time(most, bare, selecting),
            Measure("start to ready", ready, "s", most=5),
            Measure("memory at rest, with PostgreSQL (PSS)", rest / MEBIBYTE, "MiB", most=500),
            Measure("memory after the load, with PostgreSQL (PSS)", loaded / MEBIBYTE, "MiB"),
        ),
    )


def _processor_time(product: dict[str, Any], bare: dict[str, Any], selecting: dict[str, Any]) -> Iterator[Measure]:
    """What a request costs the server, which does not depend on how busy the machine is as latencies do."""
    yield Measure("processor time of a request: product", product["processor_ms"], "ms")
    yield Measure("processor time of a request: bare route", bare["processor_ms"], "ms")
    yield Measure("processor time of a request: bare route with a SELECT", selecting["processor_ms"], "ms")
    yield Measure("added by them, processor time", product["processor_ms"] - selecting["processor_ms"], "ms", most=1)


def _bare(place: Path, files: dict[str, Path]) -> list[dict[str, Any]]:
    """The baselines: a bare route, one with a SELECT, and that one with one caller at a time."""
    loads = (("bare", _CONNECTIONS), ("select", _CONNECTIONS), ("select", 1))
    with _server([sys.executable, "-m", "bench.bare_api", str(place)], {}) as (process, address):
        return [_load(process, address, {}, files[name], ("closed", connections)) for name, connections in loads]


def _identifiers(database: Database) -> list[str]:
    with database.transaction(TenantContext(ORGANIZATION)) as connection:
        rows = connection.exec_driver_sql("SELECT id::text FROM entities").scalars().all()
    return random.Random(1).sample(list(rows), _COLD_IDS)


def caller_key(database: Database) -> str:
    """An API key of an analyst, without limits."""
    with database.transaction(TenantContext(ORGANIZATION)) as connection:
        owner = connection.exec_driver_sql("SELECT id FROM users WHERE username = 'bench'").scalar_one()
        connection.exec_driver_sql("UPDATE users SET role = 'analyst' WHERE username = 'bench'")
        return api_keys.create_key(
            connection, ORGANIZATION, owner, name="bench", limits=api_keys.KeyLimits(10**9, 10**9, 10**9, 0)
        ).key


def _bare_selects(database: Database, ids: list[str]) -> float:
    with database.admin_engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        driver = driver_connection(connection)
        began = time.perf_counter()
        for identifier in ids[:_SELECTS]:
            driver.execute(
                "SELECT * FROM entities WHERE organization_id = %s AND id = %s", (ORGANIZATION, identifier)
            ).fetchone()
        return _SELECTS / (time.perf_counter() - began)


def _paths(place: Path, name: str, ids: list[str]) -> Path:
    file = place / f"{name}.paths"
    paths = {
        "bare": ["/bare"],
        "select": [f"/select/{each}" for each in ids],
        "cold": [f"/api/v1/entities/{each}" for each in ids],
        "hot": [f"/api/v1/entities/{each}" for each in ids[:_HOT_IDS]],
    }
    file.write_text("\n".join(paths[name]), encoding="ascii")
    return file


def _load(
    process: psutil.Process, address: str, headers: dict[str, str], paths: Path, how: tuple[str, int]
) -> dict[str, Any]:
    """What a load found, and the milliseconds of processor time that the server took for a request of it."""
    mode, amount = how
    began = sum(process.cpu_times()[:2])
    (found,) = run_module("bench.load", [address, json.dumps(headers), str(paths), mode, str(amount), str(_SECONDS)])
    if set(found["statuses"]) != {"200"}:
        raise RuntimeError(f"not every request was answered with what it asked for: {found}")
    return found | {"processor_ms": (sum(process.cpu_times()[:2]) - began) / found["answers"] * 1000}


@contextlib.contextmanager
def served(place: Path) -> Iterator[tuple[psutil.Process, str]]:
    """A server over the place's record; its process and address."""
    command = [str(Path(sys.executable).with_name("clew")), "serve", "--port", "0"]
    with _server(command, _ROOMY | {"CLEW_DATA_DIR": str(place / "data")}) as found:
        yield found


@contextlib.contextmanager
def _server(command: list[str], environment: dict[str, str]) -> Iterator[tuple[psutil.Process, str]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | environment)
    with process:
        try:
            yield psutil.Process(process.pid), next(process.stdout or iter(())).split()[-1]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _restart(database: Database) -> None:
    """Start PostgreSQL anew: pages that the filling left in its memory are not those of a server at rest."""
    if database.embedded is None:
        raise LookupError("the benchmark's record is kept by the embedded server")
    database.close()
    database.embedded.stop()
    database.embedded.ensure_running()


def _memory(process: psutil.Process, database: Database) -> int:
    """Bytes of the server, its children and the embedded PostgreSQL, what they share counted once."""
    total = 0
    if database.embedded is None:
        raise LookupError("the benchmark's record is kept by the embedded server")
    postgres = psutil.Process(database.embedded.ensure_running().pid)
    for root in (process, postgres):
        for each in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += each.memory_full_info().pss
    return total
