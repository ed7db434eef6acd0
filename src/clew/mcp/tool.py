"""What a tool is: a question to the API, or something it has done, with arguments and an answer of declared shape."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

import pydantic
from pydantic import BaseModel, Field

from clew.kernel.errors import InputError
from clew.mcp.asking import Asking
from clew.mcp.outside import Told, visible_text

_MOST_FAULTS: Final = 10
_LONGEST_FAULT: Final = 200

Arguments = TypeVar("Arguments", bound=BaseModel)
Answer = TypeVar("Answer", bound=BaseModel)

Few: Any = Field(20, ge=1, le=200, description="Most items of one page.")
"""The `limit` of lists, smaller than the API's: an assistant reads every one of them."""


@dataclass(frozen=True)
class Tool(Generic[Arguments, Answer]):
    """One tool. Only callers with all of `permissions` may use it; one that `changes` needs to be allowed besides.

    `idempotent`: called again with the same arguments it changes nothing more. None of the tools destroys anything.
    """

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    answer: type[Answer]
    run: Callable[[Asking, Arguments], Awaitable[Answer]]
    permissions: tuple[str, ...] = ()
    changes: bool = False
    idempotent: bool = True

    @cached_property
    def input_schema(self) -> dict[str, Any]:
        """Of the arguments, as JSON Schema."""
        return self.arguments.model_json_schema(by_alias=True)

    @cached_property
    def output_schema(self) -> dict[str, Any]:
        """Of the result, as JSON Schema."""
        return Told[self.answer].model_json_schema(mode="serialization")  # type: ignore[name-defined]

    def checked(self, given: Mapping[str, Any] | None) -> Arguments:
        """The arguments. Raises InputError, which names every fault of them."""
        try:
            return self.arguments.model_validate(dict(given or {}))
        except pydantic.ValidationError as error:
            faults = [_fault(each) for each in error.errors(include_url=False, include_input=False)[:_MOST_FAULTS]]
        raise InputError(
            "the arguments are not as this tool takes them: " + "; ".join(faults),
            where=self.name,
            remedy="correct them; the tool's input schema says what it takes",
        )


def query_of(arguments: BaseModel) -> dict[str, Any]:
    """Arguments as a query of the API; what was not given does not travel, but for the limit."""
    given = arguments.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
    limit = getattr(arguments, "limit", None)
    return given if limit is None else {**given, "limit": limit}


def _fault(found: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in found.get("loc", ())) or "arguments"
    return f"{visible_text(place[:_LONGEST_FAULT])}: {visible_text(str(found.get('msg', ''))[:_LONGEST_FAULT])}"
