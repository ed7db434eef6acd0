"""A Ray cluster on this machine gives the bits that one process gives, and speaks to nobody but itself."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.repository import ROOT

pytestmark = pytest.mark.slow

CODE = """
import ipaddress, json, os, threading
import psutil
from clew.analysis.coordination import Depth, analyze, daft_compute
from clew.domains.campaigns.computing import compute_of
from clew.kernel.settings import Settings
from tests.support.attack_frames import Sheet

abroad, done = set(), threading.Event()

def watch():
    while not done.wait(0.1):
        for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
            try:
                connections = process.net_connections("inet")
            except psutil.Error:
                continue
            abroad.update(
                f"{process.name()} to {each.raddr.ip}" for each in connections
                if each.raddr and not ipaddress.ip_address(each.raddr.ip.removeprefix("::ffff:")).is_loopback
            )

thread = threading.Thread(target=watch)
thread.start()
daft_compute.ROWS_OF_A_PART = 400
sessions = Sheet().ordinary(400).group().frame()
compute = compute_of(Settings(compute="ray", compute_least_sessions=0), sessions.height)
compute._block = 150
here, there = analyze(sessions, depth=Depth.DEEP), analyze(sessions, depth=Depth.DEEP, compute=compute)
import ray
from ray._common.usage.usage_lib import usage_stats_enabled

from clew.analysis.coordination.untracked import SILENCE
workers = ray.get(ray.remote(lambda: {name: os.environ.get(name) for name in SILENCE}).remote())
done.set()
thread.join()
print(json.dumps({
    "same": here == there and here.background.to_bytes() == there.background.to_bytes(),
    "communities": len(here.communities), "runner": daft_compute.daft.runners.get_or_infer_runner_type(),
    "reports": usage_stats_enabled(), "workers": workers == SILENCE, "abroad": sorted(abroad),
}))
"""


@pytest.fixture
def place() -> Iterator[dict[str, str]]:
    """An environment whose temporary files and home are in a folder of the test; sockets want a short path."""
    with tempfile.TemporaryDirectory(prefix="r-", ignore_cleanup_errors=True) as folder:
        yield {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "DAFT_"))} | {
            "RAY_TMPDIR": folder,
            "HOME": folder,
        }


def ran(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, check=False, capture_output=True, timeout=280
    )


def test_a_cluster_gives_the_same_bits_and_tells_nobody(place: dict[str, str]) -> None:
    ended = ran(CODE, place)
    assert ended.returncode == 0, ended.stderr.decode()
    told: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    assert told == {
        "same": True, "communities": 1, "runner": "ray", "reports": False, "workers": True, "abroad": [],
    }  # fmt: skip
