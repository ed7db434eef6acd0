"""Modules that stand for others until they are needed: each really is the one that type checking takes it for."""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repository import ROOT, relative

SOURCES = [
    path
    for path in sorted((ROOT / "src" / "clew").rglob("*.py"))
    if "import lazily" in path.read_text(encoding="utf-8") and path.name != "lazily.py"
]


def imported(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Names and the modules they stand for, of imports for types alone."""
    for statement in body:
        if isinstance(statement, ast.ImportFrom):
            yield from ((each.asname or each.name, f"{statement.module}.{each.name}") for each in statement.names)


def stood_for(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """The same of assignments of what stands for a module."""
    for statement in body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
            (target,), (argument,) = statement.targets, statement.value.args
            assert isinstance(target, ast.Name)
            assert isinstance(argument, ast.Constant)
            assert isinstance(argument.value, str)
            yield target.id, argument.value


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_what_stands_for_a_module_is_what_types_say(path: Path) -> None:
    blocks = [
        each
        for each in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(each, ast.If) and isinstance(each.test, ast.Name) and each.test.id == "TYPE_CHECKING"
    ]
    given = dict(pair for each in blocks for pair in stood_for(each.orelse))
    types = dict(pair for each in blocks for pair in imported(each.body))
    assert given
    assert given.items() <= types.items()
    assert all(importlib.util.find_spec(name) is not None for name in given.values())
