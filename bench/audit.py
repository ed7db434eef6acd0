"""What the audit trail costs: writes with and without it in turns, reads, sealing and proving."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any, Final
from unittest import mock

import sqlalchemy as sa

from bench.places import ORGANIZATION, USER, record_at, run_module
from bench.results import Measure, Result
from clew.api.server import Listening, bound, serve
from clew.domains.audit.reads import ReadRecorder
from clew.domains.audit.service import Act, Sealer, record_all, seal_now, verify
from clew.domains.identity import api_keys
from clew.domains.investigations.service import add_target, create_investigation
from clew.kernel.database import Database, TenantContext
from clew.kernel.roles import MIGRATOR

_WRITERS: Final = 4
_ROUNDS: Final = 8
_ROUND_SECONDS: Final = 2.0
_SEALED_ROWS: Final = 30_000
_READS: Final = 20_000
_ROOMY: Final = {
    "CLEW_LIMIT_CALLER_PER_MINUTE": "1000000",  # counted, but never reached
    "CLEW_LIMIT_EVERYBODY_PER_MINUTE": "1000000",
}
_CONTEXT: Final = TenantContext(ORGANIZATION, USER, user_name="bench")  # as requests are opened
_RECORDING: Final = (
    "clew.domains.investigations.cases.record",
    "clew.domains.investigations.targets.record",
)

Write = Callable[[sa.Connection, int], Any]


def audit(place: Path, _events: int) -> Result:
    """Writes of four threads with and without the trail and its sealer; then reads, sealing and proving."""
    with mock.patch.dict(os.environ, _ROOMY), record_at(place) as database:
        with database.transaction(_CONTEXT) as connection:
            case = create_investigation(connection, ORGANIZATION, "bench").id
        numbers = count()
        targets = _both(
            database, lambda connection, n: add_target(connection, ORGANIZATION, case, f"n{n}.example"), numbers
        )
        cases = _both(database, lambda connection, n: create_investigation(connection, ORGANIZATION, f"n{n}"), numbers)
        asked = _over_http(database)
        seal_now(database)
        _fill(database)
        began = time.perf_counter()
        sealed = seal_now(database) or 0
        sealing = time.perf_counter() - began
        began = time.perf_counter()
        proved = verify(database)
        proving = time.perf_counter() - began
        read_micros = _reads(database)
    if not proved.ok:
        raise RuntimeError(f"the trail does not hold: {proved.first_bad}")
    return Result(
        "audit",
        f"{_WRITERS} threads, {_ROUNDS} turns of {_ROUND_SECONDS:.0f} s with and without the trail",
        (
            Measure("targets added without the trail", targets[0], "writes/s"),
            Measure("targets added, told and sealed", targets[1], "writes/s"),
            Measure("with / without", targets[1] / targets[0], least=0.9),
            Measure("cases opened without the trail", cases[0], "writes/s"),
            Measure("cases opened, told twice and sealed", cases[1], "writes/s"),
            Measure("with / without, cases", cases[1] / cases[0], least=0.9),
            Measure("cases opened over the API without the trail", asked[0], "requests/s"),
            Measure("cases opened over the API, told and sealed", asked[1], "requests/s"),
            Measure("with / without, over the API", asked[1] / asked[0], least=0.9),
            Measure("a read told", read_micros, "µs"),
            Measure("sealing", sealed / sealing, "rows/s"),
            Measure("proving", proved.rows / proving, "rows/s"),
        ),
    )


def _both(database: Database, write: Write, numbers: "count[int]") -> tuple[float, float]:
    """Writes a second without and with the trail, in turns, so that what else the machine does hits both."""
    done = [0, 0]
    for _ in range(_ROUNDS):
        with _untold(database):
            done[0] += _written(database, write, numbers)
        with _sealing(database):
            done[1] += _written(database, write, numbers)
    return done[0] / (_ROUNDS * _ROUND_SECONDS), done[1] / (_ROUNDS * _ROUND_SECONDS)


def _over_http(database: Database) -> tuple[float, float]:
    """The same cases as people and programs open them: requests a second without and with the trail, in turns."""
    with database.transaction(_CONTEXT) as connection:
        connection.exec_driver_sql("UPDATE users SET role = 'analyst' WHERE username = 'bench'")
        limits = api_keys.KeyLimits(10**9, 10**9, 10**9, 0)
        key = api_keys.create_key(connection, ORGANIZATION, USER, name="bench", limits=limits).key
    done = [0, 0]
    with _serving(database) as address:
        for _ in range(_ROUNDS):
            with _untold(database):
                done[0] += _posted(address, key)
            with _sealing(database):
                done[1] += _posted(address, key)
    return done[0] / (_ROUNDS * _ROUND_SECONDS), done[1] / (_ROUNDS * _ROUND_SECONDS)


def _posted(address: str, key: str) -> int:
    (found,) = run_module("bench.post", [address, key, str(_WRITERS), str(_ROUND_SECONDS)])
    return int(found["opened"])


@contextlib.contextmanager
def _serving(database: Database) -> Iterator[str]:
    """The server in a thread of this process, so that the trail can be taken away from it."""
    listening = Listening("127.0.0.1", 0)
    stop, ready = threading.Event(), threading.Event()
    with bound(listening) as listener:
        options = {"stop": stop, "ready": lambda _address: ready.set()}
        thread = threading.Thread(target=serve, args=(database, listener, listening, ()), kwargs=options)
        thread.start()
        try:
            if not ready.wait(30):
                raise RuntimeError("the server does not answer")
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()


def _written(database: Database, write: Write, numbers: "count[int]") -> int:
    until = time.monotonic() + _ROUND_SECONDS

    def work() -> int:
        done = 0
        while time.monotonic() < until:
            with database.transaction(_CONTEXT) as connection:
                write(connection, next(numbers))
            done += 1
        return done

    with ThreadPoolExecutor(_WRITERS) as threads:
        return sum(each.result() for each in [threads.submit(work) for _ in range(_WRITERS)])


@contextlib.contextmanager
def _untold(database: Database) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for name in _RECORDING:
            stack.enter_context(mock.patch(name, _tell_nobody))
        _history(database, "DISABLE")
        yield
        _history(database, "ENABLE")


def _tell_nobody(_connection: sa.Connection, _act: Act) -> None:
    """In place of `record`: a `Mock` takes as long as what it stands for, which would flatter the trail."""


def _history(database: Database, how: str) -> None:
    with database.transaction(None, MIGRATOR) as connection:
        connection.execute(sa.text(f"ALTER TABLE investigations {how} TRIGGER audit_history"))


@contextlib.contextmanager
def _sealing(database: Database) -> Iterator[None]:
    stop = threading.Event()
    with Sealer(database) as sealer, ThreadPoolExecutor(1) as beside:
        following = beside.submit(sealer.follow, stop)
        yield
        stop.set()
        following.result()


def _fill(database: Database) -> None:
    acts = [Act("entity_read", "READ", "entity", str(number), f"name-{number}") for number in range(1000)]
    for _ in range(_SEALED_ROWS // len(acts)):
        with database.transaction(_CONTEXT) as connection:
            record_all(connection, acts)


def _reads(database: Database) -> float:
    act = Act("entity_read", "READ", "entity", "some-id", "some name", request={"fields": ["name"]})
    with ReadRecorder(database) as reads:
        began = time.perf_counter()
        for _ in range(_READS):
            reads.record(_CONTEXT, act)
        return (time.perf_counter() - began) / _READS * 1e6
