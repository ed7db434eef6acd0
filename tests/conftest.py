"""What holds for every test: closed network, nothing left behind, no silent skips where they are forbidden."""

import os
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest

from tests.support import leftovers
from tests.support.network import close_network

REPOSITORY = Path(__file__).resolve().parent.parent
REAL_DATA = REPOSITORY.parent / "shared" / "data"
REAL_DATA_ABSENT = "realdata absent"
FORBID_SKIPS = "CLEW_TEST_FORBID_SKIPS"

temporary_folder = pytest.StashKey[Path]()
left_behind = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    close_network()
    # Tests of vectors ask for them; to all others they would only be work, and PostgreSQL 15 of Debian has no pgvector.
    os.environ.setdefault("CLEW_VECTORS", "none")
    if not hasattr(config, "workerinput"):  # a worker of pytest-xdist inherits the folder
        config.stash[temporary_folder] = leftovers.open_temporary_folder()
    hypothesis.settings.register_profile("local", deadline=None)
    hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
    hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of large real files beside the repository; the test is skipped where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip(REAL_DATA_ABSENT)
    return REAL_DATA


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CLEW_TEST_FORBID_SKIPS set, a skip for any reason but absent real data is a failure."""
    report = yield
    reason = _skip_reason(report)
    if reason is not None and os.environ.get(FORBID_SKIPS) and REAL_DATA_ABSENT not in reason:
        report.outcome = "failed"
        report.longrepr = f"skipped although {FORBID_SKIPS} is set: {reason}"
    return report


def _skip_reason(report: pytest.TestReport) -> str | None:
    if not report.skipped or hasattr(report, "wasxfail"):
        return None
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module that skips itself while being collected is held to the same rule."""
    report = yield
    if report.skipped and os.environ.get(FORBID_SKIPS):
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} skipped although {FORBID_SKIPS} is set: {report.longrepr}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """The run fails if it leaves processes or temporary files behind."""
    leftovers.ENDINGS.close()
    folder = session.config.stash.get(temporary_folder, None)
    if folder is None:
        return
    left = [f"process {line}" for line in leftovers.surviving_children()]
    left += [f"temporary {name}" for name in leftovers.close_temporary_folder(folder)]
    session.config.stash[left_behind] = left
    if left and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left = config.stash.get(left_behind, [])
    if left:
        terminalreporter.section("left behind by this run", red=True)
        for line in left:
            terminalreporter.line(line, red=True)
