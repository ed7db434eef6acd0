"""The description of the API (OpenAPI 3.1), from which the matrix of tests and the typed client are generated."""

import importlib
from collections.abc import Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from clew.api.credentials import KEY_HEADER
from clew.api.cross_site import HEADER as CROSS_SITE_HEADER
from clew.api.problems import MEDIA_TYPE, Problem, title_of
from clew.api.routing import Route

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
RULE: Final = "x-clew-permission"
_DESCRIPTION: Final = (
    "One true, provable record of what investigation tools and honeypots produce.\n\n"
    "Errors are problem details (RFC 9457) whose `code` is stable. Lists are read by the page: `next_cursor` of one is "
    "`cursor` of the next. Other organizations' things are not found. A caller shows an API key, an access token, or "
    f"the session's cookie; with the cookie, requests that change something repeat its `{CROSS_SITE_HEADER}`."
)
_SECURITY: Final = {
    "apiKey": {"type": "apiKey", "in": "header", "name": KEY_HEADER, "description": "An API key (`clew_live_…`)."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "An access token, or an API key."},
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "clew_session",
        "description": "A session; its name begins with `__Host-` where Clew is reached by https.",
    },
}
_ANY_CALLER: Final[list[dict[str, list[str]]]] = [{"apiKey": []}, {"bearer": []}, {"cookie": []}]
_PLAIN_EXAMPLES: Final = {"boolean": True, "integer": 1, "number": 0.5, "string": "text"}
_OF_ALL: Final = (400, 408, 413, 422, 429, 500, 503)
_OF_CALLERS: Final = (401, 403)
_OF_CHANGES: Final = (409, 412, 415)
_METHODS: Final = ("get", "put", "post", "patch", "delete")


def describe(application: FastAPI, routes: Sequence[Route]) -> dict[str, Any]:
    """The whole description, as JSON's own types."""
    described = get_openapi(
        title=application.title, version=application.version, routes=list(routes), description=_DESCRIPTION
    )
    components = described.setdefault("components", {})
    components["securitySchemes"] = _SECURITY
    described["jsonSchemaDialect"] = _DIALECT
    schemas = components.setdefault("schemas", {})
    schemas |= _problem_schemas()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for route in routes:
        for method in route.methods or ():
            operation = described["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                _complete(operation, route, method.lower())
    for schema in schemas.values():
        if schema.get("type") == "object" and "examples" not in schema:
            schema["examples"] = [_example(schema, schemas)]
    described["components"]["schemas"] = dict(sorted(schemas.items()))
    return described


def description() -> dict[str, Any]:
    """The same without a server, for the generated reference."""
    application = importlib.import_module("clew.api.application")
    described: dict[str, Any] = application.described_application().openapi()
    return described


def _complete(operation: dict[str, Any], route: Route, method: str) -> None:
    operation[RULE] = str(route.rule)
    known = route.rule.kind != "public"
    operation["security"] = _ANY_CALLER if known else []
    statuses = [*_OF_ALL]
    if known:
        statuses += _OF_CALLERS
    if "{" in route.path_format:
        statuses.append(404)
    if method != "get":
        statuses += _OF_CHANGES
    answers = operation["responses"]
    answers.pop("422", None)
    for status in sorted({*statuses, *(int(each) for each in answers if each.startswith(("4", "5")))}):
        answers[str(status)] = _problem_answer(status, answers.get(str(status), {}))
    operation["responses"] = dict(sorted(answers.items()))


def _problem_answer(status: int, present: dict[str, Any]) -> dict[str, Any]:
    answer = {
        "description": present.get("description") or title_of(status),
        "content": {**present.get("content", {}), MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in {429, 503}:
        answer["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return answer


def _example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """An example of a thing, put together from those of its parts."""
    if "$ref" in schema:
        return _example(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for said in ("examples", "enum"):
        if schema.get(said):
            return schema[said][0]
    for said in ("default", "const"):
        if said in schema:
            return schema[said]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return _example(schema[several][0], schemas)
    if schema.get("type") == "array":
        return [_example(schema["items"], schemas)] if "items" in schema else []
    if schema.get("type") == "object":
        return {name: _example(part, schemas) for name, part in schema.get("properties", {}).items()}
    return _PLAIN_EXAMPLES.get(schema.get("type", ""))


def _problem_schemas() -> dict[str, Any]:
    whole = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    parts: dict[str, Any] = whole.pop("$defs", {})
    return {"Problem": whole, **parts}
