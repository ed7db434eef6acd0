"""Ctrl-C during a load: what was read is in the record, and the same command goes on from there."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.embedded import wait_until
from tests.support.program import PATIENCE_SECONDS, Program

pytestmark = pytest.mark.same_everywhere

LINES = 20_000
SMALL_BATCHES = "64KiB"  # so that there is an end of a batch soon, wherever the signal comes


def write_log(path: Path, lines: int = LINES) -> None:
    """As many different connections as a busy sensor sees, from few addresses."""
    with path.open("w") as log:
        for number in range(lines):
            seconds = f"{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"
            event = {
                "eventid": "cowrie.session.connect",
                "session": f"{number:012x}",
                "timestamp": f"2025-03-10T{seconds}.{number:06}Z",
                "src_ip": f"192.0.2.{number % 50 + 1}",
                "src_port": 1024 + number % 60_000,
                "dst_ip": "10.77.0.1",
                "dst_port": 2222,
                "protocol": "ssh",
                "sensor": "harbour-east",
            }
            log.write(json.dumps(event) + "\n")


def is_loading(program: Program) -> bool:
    """Whether the file is in the store, which it is before its first record is loaded."""
    return any(path.suffix == ".zst" for path in (program.data_dir / "files").rglob("*"))


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, output, errors


def test_an_interrupted_load_goes_on_where_it_ended(prepared: Program) -> None:
    write_log(prepared.base / "cowrie.json")
    loading = prepared.start("ingest", "cowrie.json", "--case", "Harbour", "--json", CLEW_BATCH_BYTES=SMALL_BATCHES)
    wait_until(lambda: is_loading(prepared), "the load to begin")
    loading.send_signal(signal.SIGINT)
    code, output, errors = finish(loading)
    assert code == 130, errors
    assert "run the same command again" in errors
    first = json.loads(output)
    assert first["interrupted"]
    assert first["read"] == first["new"] < LINES
    unfinished = prepared.json("case", "show", "Harbour")["files"]
    assert [file["status"] for file in unfinished] == ["running"]

    again = prepared.json("ingest", "cowrie.json", "--case", "Harbour")
    assert again["resumed"] == first["read"]
    assert (again["read"], again["new"], again["duplicate"], again["interrupted"]) == (LINES, LINES, 0, False)
    overview = prepared.json("case", "show", "Harbour")
    assert [(file["status"], file["events"]) for file in overview["files"]] == [("completed", LINES)]
