"""Writes the sample case "Harbour Lantern" that the product ships: `python -m bench.sample_case [FOLDER]`.

Everything is invented by hand: handles end in `_example`, domains in `.example` or `.test`, addresses and telephone
numbers come from the ranges reserved for documentation and drama. No tool was pointed at anybody, and no real person,
company or system is meant. The result is checked in under src/clew/samples; a test says when the two differ.
"""

import gzip
import sys
from pathlib import Path

from bench.sample_cowrie import cowrie_logs, damaged_log
from bench.sample_honeypots import dionaea_log, heralding_log, honeytrap_log
from bench.sample_reports import reports

CASE = Path(__file__).resolve().parent.parent / "src" / "clew" / "samples" / "harbour-lantern"


def files() -> dict[str, bytes]:
    """Content of every file of the case by its path in it; `.gz` files are still uncompressed."""
    return {
        **reports(),
        **cowrie_logs(),
        "heralding/log_session.json": heralding_log(),
        "dionaea/dionaea.json": dionaea_log(),
        "honeytrap/attackers.json": honeytrap_log(),
        "damaged/cowrie.json": damaged_log(),
    }


def write(folder: Path) -> None:
    """Write the case's files, replacing those that are there."""
    for name, content in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else CASE)
