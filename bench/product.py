"""One run of the product: `python -m bench.product PLACE FILE…` loads the files into the place's record.

Prints a line of JSON for each file: its load report's counts, what the load took, and how long the views that it
keeps took after it until they had followed.
"""

import json
import sys
import time
from pathlib import Path

from bench.places import ORGANIZATION, USER, record_at, settings_at
from bench.usage import Meter
from clew.ingest.service import IngestRequest, ingest
from clew.projections.service import catch_up, followed


def main(arguments: list[str]) -> None:
    """Load file after file in this one process."""
    place = Path(arguments[0])
    with record_at(place) as database:
        if database.embedded is None:
            raise LookupError("the benchmark's record is kept by the embedded server")
        server = database.embedded.ensure_running().pid
        for name in arguments[1:]:
            with Meter(server) as meter, followed(database):
                report = ingest(database, settings_at(place), IngestRequest(ORGANIZATION, USER, (Path(name),)))
            if report.counts.read == 0:
                raise RuntimeError(f"nothing was read: {report.warnings}")
            began = time.perf_counter()
            if catch_up(database) is None:
                raise RuntimeError("the views could not follow")
            found = {
                **report.counts.as_dict(),
                **meter.usage.as_dict(),
                "following_seconds": time.perf_counter() - began,
            }
            print(json.dumps({"file": Path(name).name, **found}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
