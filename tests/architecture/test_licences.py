"""What the product imports is under a permissive licence, and an unknown licence counts as forbidden."""

import re
from collections.abc import Iterator
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PERMISSIVE = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "MIT-CMU",
        "PostgreSQL", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib", "Boost-1.0", "BSL-1.0",
        # Its duties bind changed files of the library itself only, and we change none.
        "MPL-2.0",
    }
)  # fmt: skip

EXCEPTIONS = {
    "daft": "Apache-2.0, as the licence file in its wheel says; its metadata name no licence",
    "psycopg": "LGPL-3.0: imported unmodified, installed separately and replaceable; docs/decisions/0004",
    "psycopg-binary": "as psycopg, whose compiled half it is",
    "psycopg-pool": "as psycopg, whose pool it is",
}

CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "zlib/libpng License": "Zlib",
}

FREE_TEXT = {
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
}


def closure(name: str) -> dict[str, metadata.Distribution]:
    """Every installed distribution that installing `name` brings here, itself left out."""
    found: dict[str, metadata.Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = list(_requirements(metadata.distribution(name), frozenset()))
    while waiting:
        requirement = waiting.pop()
        key = canonicalize_name(requirement.name)
        wanted = (key, frozenset(requirement.extras))
        if wanted not in seen:
            seen.add(wanted)
            found[key] = metadata.distribution(key)
            waiting += _requirements(found[key], wanted[1])
    return found


def _requirements(distribution: metadata.Distribution, extras: frozenset[str]) -> Iterator[Requirement]:
    for line in distribution.requires or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
            yield requirement


def licence(distribution: metadata.Distribution) -> str | None:
    """The SPDX expression of a distribution's licence, from the most to the least exact place it may stand in."""
    expressions = _field(distribution, "License-Expression")
    if expressions:
        return expressions[0]
    names = {line.split(" :: ")[-1] for line in _field(distribution, "Classifier") if line.startswith("License")}
    identifiers = {CLASSIFIERS.get(name, name) for name in names - {"OSI Approved"}}
    if not identifiers:
        texts = [text.strip() for text in _field(distribution, "License")]
        identifiers = {FREE_TEXT.get(text, text.removesuffix(" License")) for text in texts if text}
    return " AND ".join(sorted(identifiers)) or None


def _field(distribution: metadata.Distribution, name: str) -> list[str]:
    return [str(value) for value in distribution.metadata.get_all(name) or []]


def permits(expression: str) -> bool:
    """Whether a licence expression can be met with permissive licences alone."""
    return any(choice and all(term in PERMISSIVE for term in choice) for choice in _choices(_tokens(expression)))


def _tokens(expression: str) -> list[str]:
    return re.findall(r"[()]|[^\s()]+", expression)


def _choices(tokens: list[str]) -> list[frozenset[str]]:
    """The expression as alternatives of licences that hold together. AND binds more tightly than OR."""
    alternatives: list[frozenset[str]] = []
    current: list[frozenset[str]] = [frozenset()]
    while tokens and tokens[0] != ")":
        token = tokens.pop(0)
        if token.upper() == "OR":
            alternatives += current
            current = [frozenset()]
        elif token.upper() != "AND":
            operand = [frozenset({token})]
            if token == "(":
                operand = _choices(tokens)
                tokens.pop(0)
            current = [left | right for left in current for right in operand]
    return alternatives + current


def test_everything_imported_is_permissive() -> None:
    refused = {
        name: licence(distribution)
        for name, distribution in (closure("clew") | closure("ray")).items()  # Ray is the extra of that name
        if name not in EXCEPTIONS and not permits(licence(distribution) or "unknown")
    }
    assert not refused


def test_exceptions_are_still_needed() -> None:
    installed = closure("clew")
    assert [name for name in EXCEPTIONS if name not in installed or permits(licence(installed[name]) or "")] == []


def test_daft_comes_with_the_licence_that_its_metadata_do_not_name() -> None:
    (text,) = [file.read_text() for file in metadata.files("daft") or () if file.name == "LICENSE"]
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text


def test_the_closure_follows_extras_and_indirect_needs() -> None:
    assert {"psycopg-binary", "mako", "certifi"} <= closure("clew").keys()


@pytest.mark.parametrize("expression", ["MIT", "MPL-2.0 AND (Apache-2.0 OR MIT)", "GPL-3.0-only OR MIT", "(MIT)"])
def test_permissive_expressions(expression: str) -> None:
    assert permits(expression)


@pytest.mark.parametrize(
    "expression", ["GPL-3.0-only", "MIT AND GPL-2.0-only", "unknown", "", "MIT AND (AGPL-3.0-only OR X)"]
)
def test_other_expressions(expression: str) -> None:
    assert not permits(expression)
