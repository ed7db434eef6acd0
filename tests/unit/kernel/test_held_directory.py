"""A directory goes with its process, also with one that was killed."""

import subprocess
import sys
from pathlib import Path

from clew.kernel.held_directory import held_directory

HOLDER = """
import sys, time
from pathlib import Path
from clew.kernel.held_directory import held_directory
with held_directory(Path(sys.argv[1])) as made:
    (made / "counter.db").write_text("1")
    print(made, flush=True)
    time.sleep(600)
"""


def test_it_is_there_for_the_block_only_and_private(tmp_path: Path) -> None:
    with held_directory(tmp_path / "a" / "b") as made:
        assert made.stat().st_mode & 0o777 == 0o700
        assert made.parent.stat().st_mode & 0o777 == 0o700
        (made / "x").write_text("x")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_that_of_another_process_stays_until_it_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        other = Path(process.stdout.readline().strip())
        with held_directory(tmp_path) as made:
            assert sorted(tmp_path.iterdir()) == sorted([other, made])
        assert (other / "counter.db").exists()
        process.kill()
        process.wait()
    assert other.exists()
    with held_directory(tmp_path) as made:
        assert list(tmp_path.iterdir()) == [made]
