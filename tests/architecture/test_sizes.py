"""Files and functions stay small enough to read in one sitting; each exception says why it is one."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.repository import python_files, relative

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 45

LONG_FILES: dict[str, str] = {}
"""Path → why it may exceed the limit."""

LONG_FUNCTIONS: dict[str, str] = {
    "src/clew/cli/commands/ingest.py::ingest": "options are read from the signature, a few lines each",
    "src/clew/cli/commands/series.py::query": "as above",
    "src/clew/cli/commands/search.py::search": "as above: eighteen options, which become one request",
}
"""path::name → why it may exceed the limit."""


def function_lengths(source: str) -> Iterator[tuple[str, int]]:
    """Name and length of each function: from its def line to its last, docstring not counted."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1 - _docstring_lines(node)


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if ast.get_docstring(node, clean=False) is None:
        return 0
    first = node.body[0]
    return (first.end_lineno or first.lineno) - first.lineno + 1


def written(paths: list[Path]) -> list[Path]:
    """Those that somebody wrote; what a program generates nobody reads in one sitting."""
    return [path for path in paths if "generated" not in path.parts]


def long_files(paths: list[Path]) -> dict[str, int]:
    lengths = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in written(paths)}
    return {path: length for path, length in lengths.items() if length > MOST_LINES_OF_A_FILE}


def long_functions(paths: list[Path]) -> dict[str, int]:
    return {
        f"{relative(path)}::{name}": length
        for path in written(paths)
        for name, length in function_lengths(path.read_text(encoding="utf-8"))
        if length > MOST_LINES_OF_A_FUNCTION
    }


def test_files_are_short() -> None:
    found = long_files(python_files("src", "scripts", "bench"))
    assert found.keys() == LONG_FILES.keys(), f"files over {MOST_LINES_OF_A_FILE} lines, or listed needlessly: {found}"


def test_functions_are_short() -> None:
    found = long_functions(python_files("src", "scripts", "bench"))
    assert found.keys() == LONG_FUNCTIONS.keys(), (
        f"functions over {MOST_LINES_OF_A_FUNCTION} lines, or listed needlessly: {found}"
    )


def test_length_is_counted_without_the_docstring() -> None:
    source = 'class A:\n    async def f(self) -> int:\n        """One\n\n        two.\n        """\n        return 1\n'
    assert list(function_lengths(source)) == [("f", 2)]
