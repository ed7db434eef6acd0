"""The first Ctrl-C asks, the second one ends."""

import signal
import subprocess
import sys

import pytest

# In a process of its own: signals go to any thread that takes them, and a test runner may have some.
LONG_WORK = """
import time
from clew.cli.interruption import stop_on_interrupt

try:
    try:
        with stop_on_interrupt() as stop:
            print("working", flush=True)
            stop.wait()
            print("asked to stop", flush=True)
            while True:
                time.sleep(0.01)
    except KeyboardInterrupt:
        print("ended", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("as before")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_ends(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LONG_WORK], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for expected in ("working", "asked to stop", "ended"):
            assert process.stdout.readline().strip() == expected
            if expected != "ended":
                process.send_signal(number)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    assert output == "as before\n"
    assert errors.count("press Ctrl-C again to end at once") == 1
    assert process.returncode == 0
