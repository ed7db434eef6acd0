"""The benchmarks run and find what they say; how fast this machine is today is nobody's test."""

from pathlib import Path

import psutil
import pytest

from bench.benchmarks import ingest
from bench.places import temporary_place
from bench.results import Measure

EVENTS = 5_000


@pytest.mark.slow
def test_the_ingest_benchmark_loads_compares_and_leaves_nothing() -> None:
    with temporary_place() as place:
        result = ingest(place, EVENTS)
    found = {measure.name: measure.value for measure in result.measures}

    assert found["product"] > 0
    assert found["product / bare"] == found["product"] / found["bare parse + COPY + merge"]
    assert found["product / row by row"] == found["product"] / found[f"row by row ({EVENTS // 10:,} events)"]
    assert found["entities"] > 100
    assert found["relationships"] > found["entities"]
    assert found["peak memory of the program"] > 50
    assert not place.exists()
    assert not processes_about(place)


def test_a_promise_is_kept_or_missed() -> None:
    assert Measure("rate", 41_000, least=40_000).promise == "≥ 40,000 kept"
    assert Measure("memory", 701, "MiB", most=700).promise == "≤ 700 MISSED"
    assert Measure("rate", 1).kept is None


def processes_about(place: Path) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(str(place) in word for word in process.info["cmdline"] or [])
    ]
