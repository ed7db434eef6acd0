"""What the documentation tells people to type works, in that order, and prints what it says."""

import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.program import Program
from tests.support.repository import ROOT, relative

pytestmark = pytest.mark.same_everywhere

PAGES = [
    ROOT / "README.md",
    *(pytest.param(page, marks=pytest.mark.slow) for page in sorted((ROOT / "docs" / "tutorials").glob("*.md"))),
]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAMPLES = ROOT / "src" / "clew" / "samples" / "harbour-lantern"


@dataclass(frozen=True)
class Step:
    """A command of a page, and the lines that the page says it prints."""

    command: list[str]
    printed: list[str]


def steps(page: Path) -> list[Step]:
    """The page's commands of the program itself; `make`, `export` and the like are the shell's and make's to test."""
    found: list[Step] = []
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, *printed = entry.splitlines()
            program, *arguments = shlex.split(line)
            if Path(program).name == "clew":
                found.append(Step(arguments, printed))
    return found


def as_pattern(printed: list[str]) -> str:
    """The printed lines as a pattern: a line “…” stands for any lines, an “…” within one for any characters."""
    lines = ["(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + "\n" for line in printed]
    return "".join(lines)


def prepare_folder(folder: Path) -> None:
    """What the pages take to lie in the current folder: the repository's samples, and results of one's own."""
    shutil.copytree(SAMPLES, folder / SAMPLES.relative_to(ROOT))
    for tool in ("sherlock", "holehe", "tiktok", "subfinder"):
        shutil.copytree(SAMPLES / tool, folder / "results" / tool)
    shutil.copy(SAMPLES / "cowrie" / "harbour-east" / "cowrie.json.2025-03-09.gz", folder / "cowrie.json.gz")


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_the_commands_of_a_page_work(page: Path, program: Program) -> None:
    prepare_folder(program.base)
    listed = steps(page)
    assert listed, "the page has no command, or they are no longer found"
    for step in listed:
        if step.command[:2] == ["db", "stop"] and not program.is_embedded:
            continue
        output = program.run(*step.command).output
        if step.command[0] == "init" and program.is_embedded:
            program.run("db", "start")  # as the tutorial suggests
        if step.printed:
            assert re.fullmatch(as_pattern(step.printed), output), f"clew {step.command} printed:\n{output}"


def test_a_difference_between_page_and_output_would_be_seen() -> None:
    pattern = as_pattern(["first", "…", "la…t"])
    assert re.fullmatch(pattern, "first\nsecond\nlast\n")
    assert re.fullmatch(pattern, "first\nlast\n")
    assert not re.fullmatch(pattern, "first\nsecond\nlast\nmore\n")
    assert not re.fullmatch(pattern, "second\nlast\n")
