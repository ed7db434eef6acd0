"""The files of this repository, as the checks of its architecture see them."""

import fnmatch
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def files() -> list[Path]:
    """Every file that is, or would be, under version control; in a copy without history, by .gitignore alone."""
    if (ROOT / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
        return sorted(path for name in listed if name and (path := ROOT / name).is_file())
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split()]
    return sorted(path for path in ROOT.rglob("*") if path.is_file() and not _matches(path, ignored))


def _matches(path: Path, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatch(part, pattern) for part in path.relative_to(ROOT).parts for pattern in patterns)


def python_files(*folders: str) -> list[Path]:
    """The Python files below these folders of the repository."""
    wanted = tuple(ROOT / folder for folder in folders)
    return [path for path in files() if path.suffix == ".py" and any(path.is_relative_to(top) for top in wanted)]


def relative(path: Path) -> str:
    """The path as written in this repository."""
    return path.relative_to(ROOT).as_posix()
