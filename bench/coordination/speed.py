"""`python -m bench.coordination.speed [--sessions N] [--baseline]`: what an analysis costs, beside MinHash + LSH.

Prints JSON: sessions, sources, candidate pairs; wall and processor seconds of `analyze` on a frame in memory (not of
reading the record), the most memory of the process in GB before and after, and microseconds of processor time for a
session. With `--baseline`, sessions a second of datasketch's MinHash + LSH on the same frame, and the ratio.
"""

import argparse
import json
import resource
import time
from collections.abc import Sequence
from typing import Any

from bench.coordination.baselines import minhash_lsh
from bench.coordination.scenes import scene
from clew.analysis.coordination import analyze


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure once and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.coordination.speed", description=__doc__)
    parser.add_argument("--sessions", type=int, default=10_000, help="about how many; planted ones come on top")
    parser.add_argument("--baseline", action="store_true")
    options = parser.parse_args(arguments)
    count = options.sessions
    sessions = scene("speed", sessions=count, campaigns=max(count // 5_000, 8), days=30.0).frame()
    result: dict[str, Any] = {"sessions": sessions.height, "sources": sessions["source_ip"].n_unique()}
    before = _gigabytes()
    wall, processor = time.perf_counter(), time.process_time()
    found = analyze(sessions)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    result |= {
        "pairs": found.candidate_pairs, "communities": len(found.communities), "seconds": round(wall, 1),
        "processor_seconds": round(processor, 1), "microseconds_a_session": round(processor / sessions.height * 1e6, 1),
        "gigabytes": [before, _gigabytes()],
    }  # fmt: skip
    if options.baseline:
        begun = time.process_time()
        minhash_lsh(sessions, 0.3)
        seconds = time.process_time() - begun
        result["baseline_processor_seconds"] = round(seconds, 1)
        result["times_the_baseline"] = round(seconds / processor, 1)
    print(json.dumps(result))
    return 0


def _gigabytes() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2)


if __name__ == "__main__":
    raise SystemExit(main())
