"""`python -m bench.coordination.speed [--sessions N] [--compute WHERE] [--cache FILE] [--baseline]`: what it costs.

Prints JSON: sessions, sources, candidate pairs; wall and processor seconds of `analyze` on a frame in memory (not of
reading the record), the most memory of the process in GB before and after, and microseconds of processor time for a
session. With `--compute daft`, the parts that grow are worked out by Daft (`ray`: on a Ray of this process, whose own
processes are counted in `processor_seconds_of_workers`); with `--same` it says whether the result is that of the
process. `--cache` keeps the frame between runs. With `--baseline`, sessions a second of datasketch's MinHash + LSH on
the same frame, and the ratio.
"""

import argparse
import json
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import psutil

from bench.coordination.baselines import minhash_lsh
from bench.coordination.scenes import scene
from clew.analysis.coordination import analyze
from clew.domains.campaigns.computing import compute_of
from clew.kernel.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure once and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.coordination.speed", description=__doc__)
    parser.add_argument("--sessions", type=int, default=10_000, help="about how many; planted ones come on top")
    parser.add_argument("--baseline", action="store_true")
    parser.add_argument("--compute", choices=("local", "daft", "ray"), default="local")
    parser.add_argument("--same", action="store_true", help="compare with the result of the process, measured after")
    parser.add_argument("--cache", type=Path, help="Parquet file that keeps the frame between runs")
    options = parser.parse_args(arguments)
    sessions = _sessions(options.sessions, options.cache)
    compute = compute_of(Settings(compute=options.compute, compute_least_sessions=0), sessions.height)
    result: dict[str, Any] = {"sessions": sessions.height, "sources": sessions["source_ip"].n_unique()}
    before, workers = _gigabytes(), _of_children()
    wall, processor = time.perf_counter(), time.process_time()
    found = analyze(sessions, compute=compute)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    result |= {
        "pairs": found.candidate_pairs, "communities": len(found.communities), "seconds": round(wall, 1),
        "processor_seconds": round(processor, 1), "microseconds_a_session": round(processor / sessions.height * 1e6, 1),
        "gigabytes": [before, _gigabytes()], "processor_seconds_of_workers": round(_of_children() - workers, 1),
    }  # fmt: skip
    if options.same:
        here = analyze(sessions)
        result["same"] = here == found and here.background == found.background
    if options.baseline:
        begun = time.process_time()
        minhash_lsh(sessions, 0.3)
        seconds = time.process_time() - begun
        result["baseline_processor_seconds"] = round(seconds, 1)
        result["times_the_baseline"] = round(seconds / processor, 1)
    print(json.dumps(result))
    return 0


def _sessions(count: int, cache: Path | None) -> pl.DataFrame:
    if cache and cache.exists():
        return pl.read_parquet(cache)
    sessions = scene("speed", sessions=count, campaigns=max(count // 5_000, 8), days=30.0).frame()
    if cache:
        sessions.write_parquet(cache)
    return sessions


def _of_children() -> float:
    """Processor seconds of the processes that this one started and that are still there."""
    return sum(sum(child.cpu_times()[:2]) for child in psutil.Process().children(recursive=True))


def _gigabytes() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2)


if __name__ == "__main__":
    raise SystemExit(main())
