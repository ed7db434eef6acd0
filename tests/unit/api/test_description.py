"""The description of the API is whole: names, rules, errors and examples of every operation."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from clew.api.openapi import RULE, description
from clew.domains.identity.permissions import CODES

DESCRIBED = description()
METHODS = {"get", "head", "put", "post", "patch", "delete"}


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DESCRIBED["paths"].items():
        for method, operation in methods.items():
            assert method in METHODS
            yield f"{method} {path}", operation


ALL = dict(operations())


def test_it_is_openapi_3_1_and_names_nothing_twice() -> None:
    assert DESCRIBED["openapi"].startswith("3.1")
    names = [operation["operationId"] for operation in ALL.values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)


@pytest.mark.parametrize("operation", ALL.values(), ids=ALL.keys())
def test_an_operation_says_who_may_and_how_it_fails(operation: dict[str, Any]) -> None:
    rule = operation[RULE]
    assert set(rule.split(" | ")) <= CODES or rule in {"public", "signed-in", "in-person"}
    assert operation["summary"]
    assert operation["description"]
    known = rule != "public"
    assert operation["security"] == ([{"apiKey": []}, {"bearer": []}, {"cookie": []}] if known else [])
    wanted = {"400", "422", "429", "500", "503"} | ({"401", "403"} if known else set())
    assert wanted <= set(operation["responses"])
    for status, answer in operation["responses"].items():
        if status.startswith(("4", "5")):
            schema = answer["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}


@pytest.mark.parametrize("name", sorted(DESCRIBED["components"]["schemas"]))
def test_every_schema_has_an_example(name: str) -> None:
    schema = DESCRIBED["components"]["schemas"][name]
    if schema.get("type") == "object":
        assert schema["examples"]
        assert set(schema.get("required", ())) <= set(schema["examples"][0])


def test_all_that_is_referred_to_is_there() -> None:
    referred = set(re.findall(r"#/components/schemas/([\w-]+)", str(DESCRIBED)))
    assert referred <= set(DESCRIBED["components"]["schemas"])


@pytest.mark.parametrize("operation", ALL.values(), ids=ALL.keys())
def test_every_answer_that_can_be_shown_is(operation: dict[str, Any]) -> None:
    """By its model, whose example the test above asks for, or by one of its own; bytes cannot be shown."""
    for status, answer in operation["responses"].items():
        for content in answer.get("content", {}).values() if status.startswith("2") else ():
            schema = content.get("schema", {})
            assert "example" in content or "$ref" in schema or schema.get("format") == "binary"
