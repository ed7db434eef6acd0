"""The locks answer to pyproject.toml, and name neither a machine nor a place to download from."""

import ast
import re
import sys
import tomllib
from importlib import metadata
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.repository import ROOT, python_files

LOCKS = ["bootstrap", "dev", "runtime"]
PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)", re.MULTILINE)


def text(lock: str) -> str:
    return (ROOT / "requirements" / f"{lock}.txt").read_text()


def pins(lock: str) -> dict[str, str]:
    return {canonicalize_name(match["name"]): match["version"] for match in PINNED.finditer(text(lock))}


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def unmet(requirements: list[str], lock: str) -> list[str]:
    locked = pins(lock)
    return [
        line
        for line in requirements
        for wanted in [Requirement(line)]
        if not wanted.specifier.contains(locked.get(canonicalize_name(wanted.name), "0"), prereleases=True)
        or canonicalize_name(wanted.name) not in locked
    ]


def test_the_runtime_lock_has_every_dependency() -> None:
    assert unmet(project()["project"]["dependencies"], "runtime") == [], "run `make lock`"


def test_the_development_lock_has_every_tool_and_the_build_backend() -> None:
    declared = project()
    assert unmet(declared["dependency-groups"]["dev"] + declared["build-system"]["requires"], "dev") == [], (
        "run `make lock`"
    )


def test_all_locks_agree() -> None:
    development = pins("dev").items()
    assert pins("runtime").items() <= development
    assert pins("bootstrap").items() <= development


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock: str) -> None:
    blocks = re.split(r"\n(?=\S)", text(lock).strip())
    assert blocks
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_no_place_is_named(lock: str) -> None:
    assert re.findall(r"://|--index|--find-links|--trusted-host|^/|\s/", text(lock)) == []


def imported_packages() -> set[str]:
    """Top-level names that the product imports, the standard library's and its own left out."""
    names: set[str] = set()
    for path in python_files("src"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - {"clew"}


def test_what_is_imported_is_declared() -> None:
    told = project()["project"]
    lines = [*told["dependencies"], *(line for extra in told["optional-dependencies"].values() for line in extra)]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    providers = metadata.packages_distributions()
    undeclared = {
        name for name in imported_packages() if not {canonicalize_name(item) for item in providers[name]} & declared
    }
    assert undeclared == set()
