"""docs/security.md names tests that exist, every way in, and each requirement of the chapters that it goes through."""

import ast
import json
import re
from functools import cache

from tests.support.repository import ROOT

PAGE = ROOT / "docs" / "security.md"
DESCRIPTION = ROOT / "docs" / "reference" / "openapi.json"
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
# OWASP ASVS 5.0.0: how many requirements each section has, and which of them are of level 3 only.
SECTIONS = {
    "4.1": (5, {4, 5}), "4.2": (5, {2, 3, 4, 5}), "4.3": (2, set()), "4.4": (4, set()),
    "6.1": (3, set()), "6.2": (12, set()), "6.3": (8, {5, 6, 7, 8}), "6.4": (6, {5, 6}), "6.5": (8, {6, 7, 8}),
    "6.6": (4, {4}), "6.7": (2, {1, 2}), "6.8": (4, set()),
    "7.1": (3, set()), "7.2": (4, set()), "7.3": (2, set()), "7.4": (5, set()), "7.5": (3, {3}), "7.6": (2, set()),
    "8.1": (4, {3, 4}), "8.2": (4, {4}), "8.3": (3, {2, 3}), "8.4": (2, {2}),
    "9.1": (3, set()), "9.2": (4, set()),
    "10.1": (2, set()), "10.2": (3, {3}), "10.3": (5, {5}), "10.4": (16, {12, 13, 14, 15, 16}),
    "10.5": (5, set()), "10.6": (2, set()), "10.7": (3, set()),
}  # fmt: skip


@cache
def functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_test_that_it_names_exists() -> None:
    named = NAMED.findall(PAGE.read_text(encoding="utf-8"))
    assert len(named) > 100, "the names are no longer found"
    missing = {
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).is_file() or (name and name not in functions(path))
    }
    assert not missing, "correct docs/security.md:\n" + "\n".join(sorted(missing))


def _told(text: str) -> set[str]:
    """The requirements that the first column of the tables speaks of: single ones, ranges, and whole sections."""
    found: set[str] = set()
    for cell in re.findall(r"^\| ([\d., –]+)(?: \(level 3\))? \|", text, re.MULTILINE):
        for part in cell.split(", "):
            first, _, last = part.partition(" – ")
            if first.count(".") == 1:  # sections
                chapter, begin = first.split(".")
                end = (last or first).split(".")[1]
                for section in range(int(begin), int(end) + 1):
                    count, _ = SECTIONS[f"{chapter}.{section}"]
                    found |= {f"{chapter}.{section}.{number}" for number in range(1, count + 1)}
            else:
                section, begin = first.rsplit(".", 1)
                end = (last or first).rsplit(".", 1)[1]
                found |= {f"{section}.{number}" for number in range(int(begin), int(end) + 1)}
    return found


def test_every_requirement_of_levels_one_and_two_is_spoken_of() -> None:
    wanted = {
        f"{section}.{number}"
        for section, (count, beyond) in SECTIONS.items()
        for number in range(1, count + 1)
        if number not in beyond
    }
    told = _told(PAGE.read_text(encoding="utf-8"))
    assert wanted - told == set()
    assert (
        told - {f"{section}.{number}" for section, (count, _) in SECTIONS.items() for number in range(1, count + 1)}
        == set()
    )


def test_every_way_in_is_written_down() -> None:
    described = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    taking = {
        f"{method.upper()} {path}"
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
        if operation["x-clew-permission"] == "public" and "requestBody" in operation
    }
    table = PAGE.read_text(encoding="utf-8").partition("\n## Ways in\n")[2].partition("\n## ")[0]
    told = set(re.findall(r"^\| `(POST [^`]+)`", table, re.MULTILINE))
    assert len(taking) > 4, "public routes are no longer found"
    assert told == taking, "correct the table of ways in in docs/security.md"
    # What a request may bring: a new kind of it belongs into the table, too.
    assert described["components"]["securitySchemes"].keys() == {"apiKey", "bearer", "cookie"}
    assert all(text in table for text in ("`X-API-Key`", "`Bearer`", "cookie"))
