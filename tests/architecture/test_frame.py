"""The guards around every test run do guard."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.conftest import FORBID_SKIPS, REPOSITORY
from tests.support.network import NetworkClosedError, is_local

REMOTE = ("192.0.2.1", 80)  # a documentation address: nobody has it


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", None, "", "0.0.0.0", "::"])
def test_loopback_counts_as_local(host: str | None) -> None:
    assert is_local(host)


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org", "2001:db8::1", "fe80::1%eth0", b"example.org"])
def test_anything_else_counts_as_remote(host: str | bytes) -> None:
    assert not is_local(host)


def test_connections_leave_by_no_door() -> None:
    with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
        with pytest.raises(NetworkClosedError):
            stream.connect(REMOTE)
        with pytest.raises(NetworkClosedError):
            stream.connect_ex(REMOTE)
        with pytest.raises(NetworkClosedError):
            datagram.sendto(b"x", REMOTE)


def test_names_are_not_looked_up() -> None:
    with pytest.raises(NetworkClosedError):
        socket.getaddrinfo("example.org", 443)


def test_loopback_is_open(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))


def run_inner(folder: Path, source: str, *, forbid_skips: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a test module in a process of its own, with this repository's conftest as a plugin."""
    module = folder / "test_inner.py"
    module.write_text(textwrap.dedent(source))
    environment = {key: value for key, value in os.environ.items() if key != FORBID_SKIPS}
    if forbid_skips:
        environment[FORBID_SKIPS] = "1"
    options = ["-p", "no:cacheprovider", "-p", "tests.conftest", "-c", "pyproject.toml", "--rootdir=."]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(module)],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


SKIPPING = """
    import pytest

    def test_skipped():
        pytest.skip({reason!r})
"""


def test_skips_fail_where_they_are_forbidden(tmp_path: Path) -> None:
    source = SKIPPING.format(reason="no server")
    assert run_inner(tmp_path, source).returncode == 0
    forbidden = run_inner(tmp_path, source, forbid_skips=True)
    assert forbidden.returncode == 1
    assert "no server" in forbidden.stdout


def test_absent_real_data_is_no_forbidden_skip(tmp_path: Path) -> None:
    assert run_inner(tmp_path, SKIPPING.format(reason="realdata absent"), forbid_skips=True).returncode == 0


def test_a_module_may_not_skip_itself_either(tmp_path: Path) -> None:
    source = """
        import pytest

        pytest.skip("not here", allow_module_level=True)
    """
    forbidden = run_inner(tmp_path, source, forbid_skips=True)
    assert forbidden.returncode != 0
    assert "not here" in forbidden.stdout


def test_temporary_files_left_behind_fail_the_run(tmp_path: Path) -> None:
    source = """
        import tempfile

        def test_untidy():
            tempfile.mkdtemp(prefix="clew-forgotten-")
    """
    untidy = run_inner(tmp_path, source)
    assert untidy.returncode == 1
    assert "temporary clew-forgotten-" in untidy.stdout


def test_processes_left_behind_fail_the_run(tmp_path: Path) -> None:
    source = f"""
        import subprocess
        import tests.support.leftovers

        tests.support.leftovers.surviving_children.__defaults__ = (0.0,)

        def test_untidy():
            child = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
            child.returncode = 0  # keeps Popen from warning when it is collected
    """
    untidy = run_inner(tmp_path, source)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert untidy.returncode == 1
    assert "sleep 60" in untidy.stdout
