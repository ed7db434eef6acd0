"""What the generator makes of a description, and what it refuses to make anything of."""

from typing import Any

import msgspec
import pytest

from scripts.client import files
from scripts.client_models import Models, class_name, docstring

UUID_SCHEMA = {"type": "string", "format": "uuid"}
THING = {
    "type": "object",
    "description": 'A thing with "quotes".',
    "properties": {
        "id": UUID_SCHEMA,
        "class": {"type": "string"},
        "weight": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
        "tags": {"type": "array", "items": {"type": "string"}, "default": []},
        "either": {"anyOf": [UUID_SCHEMA, {"type": "string"}]},
        "state": {"enum": ["new", "old"], "type": "string"},
    },
    "required": ["id", "class", "either", "state"],
}
CHANGE = {"type": "object", "properties": {"weight": {"anyOf": [{"type": "number"}, {"type": "null"}]}}}
PAGE = {
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": {"$ref": "#/components/schemas/ThingModel"}},
        "next_cursor": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["items", "next_cursor"],
}


def reference(name: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}


def operation(name: str, answer: str | None, **more: Any) -> dict[str, Any]:
    content = {"content": {"application/json": reference(answer)}} if answer else {}
    return {"operationId": name, "tags": ["some-things"], "summary": name, "responses": {"200": content}} | more


def described(**paths: Any) -> dict[str, Any]:
    schemas = {"ThingModel": THING, "ThingChange": CHANGE, "Page_ThingModel_": PAGE}
    return {"components": {"schemas": schemas}, "paths": {f"/{path}": item for path, item in paths.items()}}


IN_PATH = {"name": "thing_id", "in": "path", "required": True, "schema": UUID_SCHEMA}
CURSOR = {"name": "cursor", "in": "query", "required": False, "schema": {"type": "string"}}
CHECK = {"name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"}}
KEY = {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}


def generated(**paths: Any) -> dict[str, str]:
    return dict(files(described(**paths)))


def models_of(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(text, names)  # what was generated just now
    return names


def test_models_read_what_is_answered_and_leave_out_what_is_not_given() -> None:
    body = {"content": {"application/json": reference("ThingChange")}}
    text = generated(
        a={"get": operation("get_thing", "ThingModel")},
        b={"patch": operation("change", "ThingModel", requestBody=body)},
    )["models.py"]
    names = models_of(text)
    document = {"id": "0190c6a1-7f3e-7b2a-9c4d-2f1e8a6b5c4d", "class": "c", "either": "e", "state": "new", "later": 1}
    thing = msgspec.convert(document, names["Thing"])
    assert (thing.class_, thing.weight, thing.tags, thing.either) == ("c", None, [], "e")
    assert thing.etag is None
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(document | {"state": "other"}, names["Thing"])
    assert msgspec.json.encode(names["ThingChange"]()) == b"{}"
    assert msgspec.json.encode(names["ThingChange"](weight=None)) == b'{"weight":null}'


def test_operations_are_methods() -> None:
    text = generated(
        **{"x/{thing_id}": {"delete": operation("delete_thing", None, parameters=[IN_PATH, CHECK])}},
        x={
            "get": operation("list_things", "Page_ThingModel_", parameters=[CURSOR]),
            "post": operation("make_thing", "ThingModel", parameters=[KEY]),
        },
    )["some_things.py"]
    compile(text, "generated", "exec")
    assert "def delete_thing(self, thing_id: UUID, *, if_match: str | None = None) -> None:" in text
    assert "def iterate_things(self) -> Iterator[models.Thing]:" in text
    assert "once=idempotency_key or True" in text
    assert 'path_of("/x/{thing_id}", thing_id=thing_id)' in text


def test_the_same_description_gives_the_same_files() -> None:
    paths = {"a": {"get": operation("get_thing", "ThingModel")}}
    assert generated(**paths) == generated(**paths)


def test_what_no_rule_covers_stops_it() -> None:
    cookie = {"name": "c", "in": "cookie", "schema": {"type": "string"}}
    with pytest.raises(ValueError, match="cookie"):
        generated(a={"get": operation("get_thing", None, parameters=[cookie])})
    kinds = {"requestBody": {"content": {"text/csv": {}, "application/json": reference("ThingChange")}}}
    with pytest.raises(ValueError, match="several kinds"):
        generated(a={"post": operation("make", None, **kinds)})
    with pytest.raises(ValueError, match="several schemas"):
        Models({"Thing": THING, "ThingModel": THING})
    circle = {"type": "object", "properties": {"inner": {"$ref": "#/components/schemas/A"}}}
    with pytest.raises(ValueError, match="circle"):
        Models({"A": circle}).text()


@pytest.mark.parametrize(
    ("schema", "model"),
    [
        ("Page_UserModel_", "UserPage"),
        ("UserModel", "User"),
        ("Thing-Input", "ThingInput"),
        ("clew__api__models__operations__VerifiedModel", "OperationsVerified"),
    ],
)
def test_names(schema: str, model: str) -> None:
    assert class_name(schema) == model


@pytest.mark.parametrize("text", ['ends with "a quote"', 'has """ three', "a \\ backslash", "two\n\nparagraphs"])
def test_any_text_is_a_docstring(text: str) -> None:
    names: dict[str, Any] = {}
    exec(f"def f():\n    {docstring(text)}", names)
    assert names["f"].__doc__
