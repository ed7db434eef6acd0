"""No regular expression can be made to backtrack without end: none repeats what is itself repeated without bound.

Patterns of the API's models run in a matcher that does not backtrack at all.
"""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest

import clew
from tests.support.repository import python_files, relative

_parser: Any = importlib.import_module("re._parser")
_constants: Any = importlib.import_module("re._constants")

HARMLESS = {
    r"[\w-]+(?:\.[\w-]+)+": "each repetition begins with a point, which nothing in it can be",
}
"""Patterns that repeat a repetition and cannot be read in two ways, and why."""


def nested_repetitions(pattern: str | bytes, flags: int = 0) -> int:
    """How deep repetitions without bound lie in each other. Possessive ones and atomic groups never go back."""
    return _depth(_parser.parse(pattern, flags))


def _depth(parts: Any) -> int:
    deepest = 0
    for operator, argument in parts:
        name = str(operator)
        if name in {"MAX_REPEAT", "MIN_REPEAT"}:
            _, most, repeated = argument
            found = _depth(repeated) + (most == _constants.MAXREPEAT)
        elif name == "BRANCH":
            found = max(_depth(each) for each in argument[1])
        elif name == "SUBPATTERN":
            found = _depth(argument[3])
        elif name in {"ASSERT", "ASSERT_NOT"}:
            found = _depth(argument[1])
        else:
            found = 0
        deepest = max(deepest, found)
    return deepest


def _written() -> Iterator[tuple[str, str | bytes, int]]:
    """Every pattern that stands in the code: where, and its text."""
    for path in python_files("src/clew"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            first = node.args[0]
            if isinstance(node.func.value, ast.Name) and node.func.value.id == "re" and isinstance(first, ast.Constant):
                assert isinstance(first.value, str | bytes)
                flags = re.VERBOSE if "VERBOSE" in ast.unparse(node) else 0
                yield f"{relative(path)}:{node.lineno}", first.value, flags


def _composed() -> Iterator[tuple[str, str | bytes, int]]:
    """Every pattern that a module keeps, put together from others or not."""
    for found in pkgutil.walk_packages(clew.__path__, "clew."):
        if found.name.endswith("__main__") or ".migrations.env" in found.name or ".versions" in found.name:
            continue
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                yield f"{found.name}.{name}", value.pattern, value.flags & re.VERBOSE


def test_no_pattern_repeats_a_repetition() -> None:
    patterns = [*_written(), *_composed()]
    assert len(patterns) > 200, "the search itself found nothing"
    found = {
        f"{where}: {pattern!r}"
        for where, pattern, flags in patterns
        if nested_repetitions(pattern, flags) > 1 and pattern not in HARMLESS
    }
    assert not found, "rewrite them, or add them to HARMLESS with the reason:\n" + "\n".join(sorted(found))


@pytest.mark.parametrize("bad", [r"(a+)+$", r"(?:(?:a*)b?)*", r"((x|y+)z*)+", r"(?=(a*)*)", rb"(.*,)*"])
def test_a_pattern_that_does_is_seen(bad: str | bytes) -> None:
    assert nested_repetitions(bad) > 1


def test_models_are_not_told_to_backtrack() -> None:
    assert not [path for path in python_files("src/clew") if "regex_engine" in path.read_text(encoding="utf-8")]
