"""Schemas of the API's description as msgspec models, for scripts.client."""

import keyword
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

_PREFIX: Final = "#/components/schemas/"
_FORMATS: Final = {"uuid": "UUID", "date-time": "datetime", "date": "date"}
_PLAIN: Final = {"integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_LIKE_TEXT: Final = frozenset({"str", "UUID", "datetime", "date"})
_WIDTH: Final = 112
_WRITTEN_BY_HAND: Final = frozenset({"Problem", "ValidationProblem"})  # clew.client.errors has them


class Models:
    """The models of every schema. Which are resources, and which are only sent, is learned from the operations."""

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self.schemas = {name: schema for name, schema in schemas.items() if name not in _WRITTEN_BY_HAND}
        self.names = {name: class_name(name) for name in self.schemas}
        twice = sorted({each for each in self.names.values() if list(self.names.values()).count(each) > 1})
        if twice:
            raise ValueError(f"several schemas would become {', '.join(twice)}")
        self.resources: set[str] = set()
        self.sent: set[str] = set()

    def type_of(self, schema: Mapping[str, Any], *, module: str = "") -> str:
        """The annotation that means the schema; `module` stands before names of models."""
        if "$ref" in schema:
            return module + self.names[schema["$ref"].removeprefix(_PREFIX)]
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return self._union([self.type_of(each, module=module) for each in schema[several]])
        if "const" in schema:
            return f"Literal[{schema['const']!r}]"
        if "enum" in schema:
            return f"Literal[{', '.join(map(repr, schema['enum']))}]"
        kind = schema.get("type")
        if isinstance(kind, list):
            return self._union([self.type_of({**schema, "type": each}, module=module) for each in kind])
        if kind in ("array", "object"):
            inner = schema.get("items" if kind == "array" else "additionalProperties", True)
            content = self.type_of(inner, module=module) if isinstance(inner, Mapping) else "Any"
            return f"list[{content}]" if kind == "array" else f"dict[str, {content}]"
        return _FORMATS.get(schema.get("format", ""), "str") if kind == "string" else _PLAIN.get(kind or "", "Any")

    def referred(self, schema: Mapping[str, Any]) -> str | None:
        """The name of the schema that this one only refers to."""
        reference = schema.get("$ref")
        return None if reference is None else str(reference).removeprefix(_PREFIX)

    def send(self, name: str) -> None:
        """Note that this model, and all in it, is sent: what is not given must not travel as null."""
        if name in self.sent:
            return
        self.sent.add(name)
        for inner in _references(self.schemas[name]):
            self.send(inner)

    def text(self) -> str:
        """The module's models, those before which others refer to."""
        return "\n\n".join(self._model(name) for name in self._in_order()) + "\n"

    def _in_order(self) -> Iterator[str]:
        # Annotations are evaluated when a model is made, so what is referred to comes first; circles do not occur.
        done: dict[str, None] = {}

        def visit(name: str, above: tuple[str, ...]) -> None:
            if name in above:
                raise ValueError(f"schemas refer to each other in a circle: {' → '.join([*above, name])}")
            if name not in done:
                for inner in sorted(_references(self.schemas[name])):
                    if inner in self.schemas:
                        visit(inner, (*above, name))
                done[name] = None

        for name in sorted(self.schemas):
            visit(name, ())
        yield from done

    def _model(self, name: str) -> str:
        schema, own = self.schemas[name], self.names[name]
        about = schema.get("description") or schema.get("title") or own
        if "properties" not in schema:
            return f"{own} = {self.type_of(schema)}\n{docstring(about)}\n"
        base = "Resource" if name in self.resources else "Model"
        required = set(schema.get("required", ()))
        fields = [self._field(name, key, each, required=key in required) for key, each in schema["properties"].items()]
        body = "\n".join([docstring(about), "", *fields])
        return f"class {own}({base}, frozen=True, kw_only=True):\n{textwrap.indent(body, '    ')}\n"

    def _field(self, model: str, name: str, schema: Mapping[str, Any], *, required: bool) -> str:
        kind, own = self.type_of(schema), python_name(name)
        renamed = f", name={name!r}" if own != name else ""
        if required:
            return f"{own}: {kind} = msgspec.field({renamed[2:]})" if renamed else f"{own}: {kind}"
        if model in self.sent:
            unset = f"{kind.removesuffix(' | None')} | UnsetType" + (" | None" if kind.endswith(" | None") else "")
            return f"{own}: {unset} = {f'msgspec.field(default=UNSET{renamed})' if renamed else 'UNSET'}"
        default = schema.get("default")
        if isinstance(default, (list, dict)):
            return f"{own}: {kind} = msgspec.field(default_factory=lambda: {default!r}{renamed})"
        optional = kind if default is not None or "None" in kind or kind == "Any" else f"{kind} | None"
        return f"{own}: {optional} = {f'msgspec.field(default={default!r}{renamed})' if renamed else repr(default)}"

    def _union(self, kinds: list[str]) -> str:
        """A union that msgspec can tell apart: of several that are text, or objects, only the wider is left."""
        unique = list(dict.fromkeys(kinds))
        texts = [each for each in unique if each in _LIKE_TEXT or each.startswith("Literal['")]
        if len(texts) > 1:
            unique = [each for each in unique if each not in texts] + ["str"]
        objects = [
            each for each in unique if each.startswith("dict[") or each.rpartition(".")[2] in self.names.values()
        ]
        if "Any" in unique or len(objects) > 1:
            return "Any"
        return " | ".join(sorted(unique, key=lambda each: each == "None"))


def class_name(schema_name: str) -> str:
    """The name of a schema's model: `Page_UserModel_` is UserPage, `UserModel` is User."""
    name = re.sub(r"-(Input|Output)$", r"\1", schema_name)
    page = re.fullmatch(r"Page_(\w+)_", name)
    if page:
        return f"{class_name(page[1])}Page"
    if "__" in name:  # one of several of a name: the framework puts the whole module before it, of which the last does
        name = "_".join(name.split("__")[-2:])
    parts = re.split(r"\W|_", name)
    return "".join(part[:1].upper() + part[1:] for part in parts).removesuffix("Model")


def python_name(name: str) -> str:
    """A parameter's or field's name as Python can write it."""
    plain = re.sub(r"\W", "_", name).lower() if not name.isidentifier() else name
    return f"{plain}_" if keyword.iskeyword(plain) or plain == "self" else plain


def docstring(text: str) -> str:
    """A docstring of that text, folded."""
    paragraphs = [" ".join(part.split()) for part in text.replace("\\", "\\\\").replace('"""', "'''").split("\n\n")]
    folded = "\n\n".join(textwrap.fill(part, _WIDTH, break_long_words=False) for part in paragraphs if part)
    if folded.endswith('"'):
        folded += " "
    return f'"""{folded}\n"""' if "\n" in folded else f'"""{folded}"""'


def _references(schema: Any) -> set[str]:
    if isinstance(schema, Mapping):
        own = {schema["$ref"].removeprefix(_PREFIX)} if isinstance(schema.get("$ref"), str) else set()
        return own.union(*(_references(each) for each in schema.values()))
    if isinstance(schema, list):
        return set().union(*map(_references, schema))
    return set()
