"""The operations of the API, read from its own description (OpenAPI), and requests that each of them can read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, FastAPI

from clew.api.openapi import RULE, describe
from clew.api.routes import ROUTERS
from clew.api.routing import Route

_METHODS = ("get", "head", "put", "post", "patch", "delete")
_JSON = ("application/json", "application/merge-patch+json")
_OF_FORMATS = {
    "uuid": "0190c6a1-7f3e-7b2a-9c4d-2f1e8a6b5c4d",
    "date-time": "2025-03-09T12:00:00Z",
    "date": "2025-03-09",
    "email": "keeper@lantern.example",
    "uri": "https://lantern.example/",
    "ipv4": "203.0.113.7",
    "binary": "a",
}


@dataclass(frozen=True)
class Operation:
    """One method of one path, as the description has it."""

    name: str
    method: str
    path: str
    rule: str
    described: Mapping[str, Any] = field(repr=False)
    schemas: Mapping[str, Any] = field(repr=False)

    @property
    def unsafe(self) -> bool:
        """Whether it may change something."""
        return self.method not in {"GET", "HEAD"}

    @cached_property
    def path_parameters(self) -> tuple[str, ...]:
        """Names of what the path holds places for, from left to right."""
        return tuple(part[1:-1].partition(":")[0] for part in self.path.split("/") if part.startswith("{"))

    @cached_property
    def query_parameters(self) -> tuple[str, ...]:
        return tuple(each["name"] for each in self._parameters("query"))

    def target(self, path_values: Mapping[str, str], query: Mapping[str, str] | None = None) -> str:
        """Path and query with these values, and an example for each value of the query that must be there."""
        path = self.path
        for name, value in path_values.items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        needed = {
            each["name"]: _plain(self.example(each)) for each in self._parameters("query") if each.get("required")
        }
        asked = needed | dict(query or {})
        return f"{path}?{urlencode(asked)}" if asked else path

    def body(self) -> tuple[str | None, bytes]:
        """Media type and bytes of a body that the description allows, as small as it can be."""
        content = self.described.get("requestBody", {}).get("content", {})
        for kind, described in content.items():
            if kind in _JSON:
                return kind, json.dumps(self.example(described)).encode()
            return kind, b"a"
        return None, b""

    def fields(self) -> tuple[str, ...]:
        """Names of the fields that a JSON body may have."""
        for kind, described in self.described.get("requestBody", {}).get("content", {}).items():
            if kind in _JSON:
                schema = described["schema"]
                schema = self.schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
                return tuple(schema.get("properties", ()))
        return ()

    def headers(self) -> dict[str, str]:
        """Headers that must be there."""
        return {each["name"]: _plain(self.example(each)) for each in self._parameters("header") if each.get("required")}

    def example(self, described: Mapping[str, Any]) -> Any:
        """A value of that schema, parameter or media type: the example that stands there, or else the smallest."""
        if described.get("examples"):
            given = described["examples"]
            return next(iter(given.values()))["value"] if isinstance(given, Mapping) else given[0]
        if "example" in described:
            return described["example"]
        if "schema" in described:
            return self.example(described["schema"])
        if "$ref" in described:
            return self.example(self.schemas[described["$ref"].rpartition("/")[2]])
        for union in ("anyOf", "oneOf", "allOf"):
            if union in described:
                kinds = [each for each in described[union] if each.get("type") != "null"]
                return self.example(kinds[0])
        return self._smallest(described)

    def _smallest(self, schema: Mapping[str, Any]) -> Any:
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type", "object")
        if kind == "object":
            return {name: self.example(schema["properties"][name]) for name in schema.get("required", ())}
        if kind == "array":
            return [self.example(schema["items"]) for _ in range(schema.get("minItems", 0))]
        if kind == "string":
            text = _OF_FORMATS.get(schema.get("format", ""), "lantern")
            return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", 10_000)]
        if kind == "boolean":
            return False
        return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)

    def _parameters(self, place: str) -> list[dict[str, Any]]:
        return [each for each in self.described.get("parameters", ()) if each["in"] == place]


def operations_of(description: Mapping[str, Any]) -> list[Operation]:
    """Every operation of a description, by path. One that does not say who may call it has the rule ``."""
    schemas = description.get("components", {}).get("schemas", {})
    return [
        Operation(
            name=described.get("operationId", f"{method} {path}"),
            method=method.upper(),
            path=path,
            rule=described.get(RULE, ""),
            described=described,
            schemas=schemas,
        )
        for path, item in sorted(description["paths"].items())
        for method in _METHODS
        if (described := item.get(method)) is not None
    ]


@cache
def described_routes() -> dict[str, Any]:
    """The description of all routes there are, made once; not to be changed."""
    return described(ROUTERS)


def described(routers: Sequence[APIRouter]) -> dict[str, Any]:
    """The description of these routes, without a server: what tests are collected from."""
    routes = [route for router in routers for route in router.routes if isinstance(route, Route)]
    return describe(FastAPI(title="Clew", version="0"), routes)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)
