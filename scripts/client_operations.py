"""Operations of the API's description as methods, for scripts.client."""

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from scripts.client_models import Models, docstring, python_name

_JSON: Final = frozenset({"application/json", "application/merge-patch+json"})
_CHECKED: Final = "if-match"
_ONCE: Final = "idempotency-key"
_OWN_HEADERS: Final = frozenset({_ONCE, "if-match", "if-none-match"})


@dataclass(frozen=True, slots=True)
class _Parameter:
    """One parameter of a method. `sent_as` is its name on the way."""

    name: str
    sent_as: str
    annotation: str
    place: str
    required: bool

    @property
    def declared(self) -> str:
        """As it stands in the signature."""
        if self.required:
            return f"{self.name}: {self.annotation}"
        optional = (
            self.annotation
            if self.annotation.endswith("None") or self.annotation == "Any"
            else (f"{self.annotation} | None")
        )
        return f"{self.name}: {optional} = None"


class Operations:
    """The methods of one tag."""

    def __init__(self, tag: str, models: Models) -> None:
        self.tag = tag
        self.models = models
        self.module = re.sub(r"\W", "_", tag).lower()
        self.name = "".join(part.capitalize() for part in self.module.split("_")) + "Operations"
        self._methods: list[str] = []

    def add(self, path: str, method: str, operation: Mapping[str, Any]) -> None:
        """Add an operation's method, and a second one that goes through all pages if it is a list."""
        made = _Method(self.models, path, method, operation)
        self._methods.append(made.text())
        if made.item is not None:
            self._methods.append(made.iterating())

    def text(self) -> str:
        """The class."""
        about = docstring(f"Operations on: {self.tag}.")
        body = "\n\n".join(self._methods)
        return f"class {self.name}(Calls):\n{textwrap.indent(about, '    ')}\n\n{textwrap.indent(body, '    ')}\n"


class _Method:
    """One operation."""

    def __init__(self, models: Models, path: str, method: str, operation: Mapping[str, Any]) -> None:
        self.models, self.path, self.method, self.operation = models, path, method, operation
        self.name = python_name(operation["operationId"])
        self.about = "\n\n".join(filter(None, (_sentence(operation.get("summary")), operation.get("description"))))
        given = operation.get("parameters", [])
        self.checked = any(each["in"] == "header" and each["name"].lower() == _CHECKED for each in given)
        self.once = any(each["in"] == "header" and each["name"].lower() == _ONCE for each in given)
        self.parameters = [self._parameter(each) for each in given if each["name"].lower() not in _OWN_HEADERS]
        self.body, self.body_type, self.body_required = self._body()
        self.result, self.item, self.kind = self._result()

    def text(self) -> str:
        """The method."""
        call = f"asked({self._arguments()})"
        if self.kind == "stream":
            returned = f"self._stream({call})"
        elif self.kind == "events":
            returned = f"self._events({call})"
        elif self.kind == "nothing":
            return self._written(self.name, self._signature(), "None", self.about, f"self._transport.send({call})")
        else:
            fetch = "fetch_resource" if self.kind == "resource" else "fetch"
            returned = f"self._transport.{fetch}({self.result}, {call})"
        return self._written(self.name, self._signature(), self._annotation(), self.about, f"return {returned}")

    def iterating(self) -> str:
        """The method that gives every item of every page."""
        name = f"iterate_{self.name.removeprefix('list_')}"
        kept = [each for each in self._signature() if not each.startswith("cursor:")]
        if kept[-1] == "*":
            kept.pop()
        given = ", ".join(
            [each.name for each in self._positional()]
            + [f"{each.name}={each.name}" for each in self._named() if each.name != "cursor"]
            + ["cursor=cursor"]
        )
        about = f"Every item of `{self.name}`, page after page; `limit` is the size of a page."
        code = f"return paging.each(lambda cursor: self.{self.name}({given}))"
        return self._written(name, kept, f"Iterator[{self.item}]", about, code)

    def _written(self, name: str, signature: list[str], result: str, about: str, code: str) -> str:
        head = f"def {name}({', '.join(['self', *signature])}) -> {result}:"
        return f"{head}\n{textwrap.indent(docstring(about) + chr(10) + code, '    ')}\n"

    def _annotation(self) -> str:
        if self.kind == "stream":
            return "AbstractContextManager[Stream]"
        return "AbstractContextManager[Iterator[Event]]" if self.kind == "events" else self.result

    def _signature(self) -> list[str]:
        positional = [each.declared for each in self._positional()]
        if self.body:
            positional.append(f"body: {self.body}" if self.body_required else f"body: {self.body} | None = None")
        named = [each.declared for each in self._named()]
        if self.checked:
            named.append("if_match: str | None = None")
        if self.once:
            named.append("idempotency_key: str | None = None")
        return [*positional, *(["*", *named] if named else [])]

    def _arguments(self) -> str:
        path = repr(self.path)
        inside = [each for each in self.parameters if each.place == "path"]
        if inside:
            template = self.path
            for each in inside:
                template = template.replace(f"{{{each.sent_as}}}", f"{{{each.name}}}")
            path = f"path_of({template!r}, {', '.join(f'{each.name}={each.name}' for each in inside)})"
        arguments = [repr(self.method.upper()), path]
        for place in ("query", "header"):
            listed = [f"{each.sent_as!r}: {each.name}" for each in self.parameters if each.place == place]
            if listed:
                arguments.append(f"{'query' if place == 'query' else 'headers'}={{{', '.join(listed)}}}")
        if self.body:
            arguments.append("content=body" if self.body == "bytes" else "body=body")
            if self.body_type != "application/json":
                arguments.append(f"content_type={self.body_type!r}")
        if self.checked:
            arguments.append("if_match=if_match")
        if self.once:
            arguments.append("once=idempotency_key or True")
        return ", ".join(arguments)

    def _positional(self) -> list[_Parameter]:
        return [each for each in self.parameters if each.place == "path"]

    def _named(self) -> list[_Parameter]:
        return sorted((each for each in self.parameters if each.place != "path"), key=lambda each: not each.required)

    def _parameter(self, given: Mapping[str, Any]) -> _Parameter:
        if given["in"] not in ("path", "query", "header"):
            raise ValueError(f"{self.name}: no rule for parameters in {given['in']}")
        kind = self.models.type_of(given["schema"], module="models.")
        # Names of headers are written in any case, those of parameters in one.
        name = given["name"].lower() if given["in"] == "header" else given["name"]
        return _Parameter(python_name(name), given["name"], kind, given["in"], given.get("required", False))

    def _body(self) -> tuple[str | None, str, bool]:
        described = self.operation.get("requestBody")
        if described is None:
            return None, "", False
        ((kind, content), *others) = described["content"].items()
        if others:
            raise ValueError(f"{self.name}: no rule for several kinds of body")
        required = described.get("required", False)
        if kind not in _JSON:
            return "bytes", kind, required
        named = self.models.referred(content["schema"])
        if named:
            self.models.send(named)
        return self.models.type_of(content["schema"], module="models."), kind, required

    def _result(self) -> tuple[str, str | None, str]:
        """The type of what is answered, of a list's item, and how the answer is read."""
        answers = {status: each for status, each in self.operation["responses"].items() if status.startswith("2")}
        contents = [each["content"] for each in answers.values() if each.get("content")]
        if not contents:
            return "None", None, "nothing"
        ((kind, content), *_) = contents[0].items()
        if kind == "text/event-stream":
            return "Event", None, "events"
        schema = content.get("schema", {})
        if kind not in _JSON or len(contents[0]) > 1:
            return "Stream", None, "stream"
        named = self.models.referred(schema)
        result = self.models.type_of(schema, module="models.")
        properties = self.models.schemas.get(named, {}).get("properties", {}) if named else {}
        if {"items", "next_cursor"} <= properties.keys() and any(each.name == "cursor" for each in self.parameters):
            return result, self.models.type_of(properties["items"]["items"], module="models."), "list"
        if properties and named and "next_cursor" not in properties:
            self.models.resources.add(named)
            return result, None, "resource"
        return result, None, "plain"


def _sentence(text: str | None) -> str | None:
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
