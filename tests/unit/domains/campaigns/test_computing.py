"""The settings' choice of where analyses are worked out, and that none of the engines tells anybody that it is used."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clew.analysis.coordination.compute import LOCAL
from clew.domains.campaigns.computing import compute_of
from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings
from tests.support.repository import ROOT

WATCHED = """
import json, sys
asked = []
def watch(event, arguments):
    if event in {"socket.getaddrinfo", "socket.connect", "urllib.Request"}:
        asked.append(event)
        raise PermissionError("no test leaves this machine")
sys.addaudithook(watch)
"""
ASKED = """
import threading
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(2)
print(json.dumps(asked))
"""
BY_DAFT = """
from clew.analysis.coordination import analyze
from clew.domains.campaigns.computing import compute_of
from clew.kernel.settings import Settings
from tests.support.attack_frames import Sheet
sessions = Sheet().ordinary(60).group().frame()
compute = compute_of(Settings(compute="daft", compute_least_sessions=0), sessions.height)
assert type(compute).__name__ == "DaftCompute"
assert analyze(sessions, compute=compute) == analyze(sessions)
"""


def told(code: str, **environment: str) -> Any:
    """What a program prints last, as JSON, of an environment that says nothing of reports."""
    silent = {"DAFT_ANALYTICS_ENABLED", "DO_NOT_TRACK", "SCARF_NO_ANALYTICS", "RAY_USAGE_STATS_ENABLED"}
    inherited = {name: value for name, value in os.environ.items() if name not in silent}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=inherited | environment,
        check=False,
        capture_output=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    return json.loads(ended.stdout.splitlines()[-1])


def test_daft_by_itself_would_report_its_import() -> None:
    assert told(f"{WATCHED}\nimport daft\n{ASKED}") != [], "the watch saw nothing, so it proves nothing"


def test_an_analysis_by_daft_tells_nobody() -> None:
    assert told(f"{WATCHED}\n{BY_DAFT}\n{ASKED}") == []


def test_what_works_locally_loads_neither_daft_nor_ray() -> None:
    loaded = told(
        "import json, sys\nimport clew.domains.campaigns.running\n"
        "from clew.domains.campaigns.computing import compute_of\nfrom clew.kernel.settings import Settings\n"
        "compute_of(Settings(), 10**7), compute_of(Settings(compute='ray', compute_least_sessions=100), 99)\n"
        "print(json.dumps(sorted({'daft', 'ray', 'pyarrow'} & sys.modules.keys())))"
    )
    assert loaded == []


def test_small_analyses_stay_in_the_process() -> None:
    assert compute_of(Settings(), 10_000_000) is LOCAL
    assert compute_of(Settings(compute="ray", compute_least_sessions=100), 99) is LOCAL


def test_a_missing_ray_is_said_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigurationError, match=r"Ray is not installed .*clew\[ray\]"):
        compute_of(Settings(compute="ray", compute_least_sessions=0), 1)


@pytest.mark.parametrize(
    ("address", "why"), [("127.0.0.1:9", "refused"), ("ray://127.0.0.1:9", "refused"), ("nowhere", "host:port")]
)
def test_a_cluster_that_is_not_there_is_said_with_its_address(address: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"CLEW_RAY_ADDRESS={address}: Ray cannot be reached: .*{why}"):
        compute_of(Settings(compute="ray", ray_address=address, compute_least_sessions=0), 1)


def test_only_one_module_imports_daft() -> None:
    importing = [
        path.name
        for path in Path(ROOT, "src").rglob("*.py")
        if any(line.startswith(("import daft", "from daft")) for line in path.read_text().splitlines())
    ]
    assert importing == ["untracked.py"]
