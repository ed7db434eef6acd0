"""Measure the product: `python -m bench [NAME…] [--events N] [--json FILE]`.

Without a name every benchmark runs, but for `engines` and `graph`, which need Java and Maven. Each starts from a fresh
embedded server in a temporary place that is removed afterwards, also on Ctrl-C. Figures of one run may be compared with
each other; those of different machines or hours may not.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

from bench.benchmarks import BENCHMARKS, ONLY_BY_NAME
from bench.places import temporary_place
from bench.results import machine, show


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks asked for; 130 if interrupted."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Clew on this machine.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--events", type=int, default=1_000_000, help="events of `ingest` and `again`; `growth`: 5 ×")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown or options.events < 1000:
        parser.error(f"no such benchmark: {', '.join(unknown)}" if unknown else "at least 1000 events")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: nothing stays
    described, results = machine(), []
    try:
        for name in options.names or [name for name in BENCHMARKS if name not in ONLY_BY_NAME]:
            print(f"running {name} …", file=sys.stderr, flush=True)
            with temporary_place() as place:
                results.append(BENCHMARKS[name](place, options.events))
    except KeyboardInterrupt:
        print("interrupted; servers are stopped and temporary data is removed", file=sys.stderr)
        return 130
    show(results, described)
    if options.json:
        found = {"machine": described, "results": [result.as_dict() for result in results]}
        options.json.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
