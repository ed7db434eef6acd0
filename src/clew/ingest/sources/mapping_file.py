"""The mapping file: which columns of somebody's table are which entities, and what relates them.

It is TOML. Columns are named as text; what the file does not hold is written `{ constant = "…" }`. Nothing in it is
ever evaluated: a column is a header's name, or for JSON a path of member names (see `json_path`).

    format = "csv"

    [entities.customer]
    type = "email"
    value = "E-mail"
    first_seen = { column = "Joined", format = "%d.%m.%Y", timezone = "Europe/Berlin" }
    properties = { plan = "Plan" }

    [entities.login]
    type = "username"
    value = "Login"
    qualifier = { constant = "github" }

    [[links]]
    source = "customer"
    type = "HAS_ACCOUNT"
    target = "login"
"""

import re
import tomllib
from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from clew.ingest.sources.json_path import PathError, parse_path
from clew.kernel.errors import InputError
from clew.ontology import EntityType, RelationshipType

MAXIMUM_BYTES: Final = 256 << 10
_MOST_ENTITIES: Final = 100
_MOST_LINKS: Final = 500
_MOST_SHOWN: Final = 8
_NEEDS_QUALIFIER: Final = frozenset(
    {EntityType.PERSON, EntityType.ORGANIZATION, EntityType.LOCATION, EntityType.DOCUMENT, EntityType.SOCIAL_PROFILE}
)
_DIRECTIVES: Final = frozenset("aAbBdfHIjmMpSyYz%")
_FORMATS: Final = 'write "iso", "unix", "unix-ms", or a pattern such as "%d.%m.%Y %H:%M"'
_NAME: Final = r"[a-z][a-z0-9_]{0,62}"


class MappingError(InputError):
    """A mapping file says something that cannot be followed."""

    code = "mapping"


def _known(value: object, kinds: type[EntityType] | type[RelationshipType], what: str) -> object:
    names = [str(kind) for kind in kinds]
    if isinstance(value, str) and value not in names:
        raise _mistake(f"{value[:60]!r} is no type of {what}", _near(value, names) or f"use one of: {', '.join(names)}")
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _mistake(f"{value[:60]!r} is no time zone", "write one such as UTC or Europe/Berlin") from None
    return value


def _time_format(value: str) -> str:
    if value in {"iso", "unix", "unix-ms"}:
        return value
    directives = re.findall(r"%(.?)", value)
    unknown = [f"%{letter}" for letter in directives if letter not in _DIRECTIVES or not letter]
    if not directives or unknown:
        reason = f"{value[:60]!r} holds {unknown[0]}" if unknown else f"{value[:60]!r} is no format of a time"
        raise _mistake(reason, _FORMATS)
    try:
        datetime.strptime("", value)  # noqa: DTZ007 – nothing comes of it
    except re.error:
        raise _mistake(f"{value[:60]!r} names a part of the time twice", _FORMATS) from None
    except ValueError:  # the text it is tried on is none; the pattern itself is what counts
        return value
    return value


def _column_or_constant(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Text(_Part):
    """A text of a row: of a column with something before it, or the same for all rows."""

    column: str | None = Field(default=None, min_length=1, max_length=256)
    constant: str | None = Field(default=None, min_length=1, max_length=4096)
    prefix: str = Field(default="", max_length=64)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.column is None) == (self.constant is None):
            raise _mistake("needs either `column` or `constant`", 'write "Column name" or { constant = "…" }')
        return self


class Property(_Part):
    """A property of an entity or link, and what kind of value it is."""

    column: str = Field(min_length=1, max_length=256)
    kind: Literal["text", "integer", "number", "boolean", "list", "json"] = Field(default="text", alias="as")


class Time(_Part):
    """A moment of a row: its column, how it is written, and the zone of one that states none."""

    column: str = Field(min_length=1, max_length=256)
    format: Annotated[str, AfterValidator(_time_format)] = Field(default="iso", min_length=1, max_length=64)
    timezone: Annotated[str, AfterValidator(_time_zone)] | None = None


_AText = Annotated[Text, BeforeValidator(_column_or_constant)]
_AProperty = Annotated[Property, BeforeValidator(_column_or_constant)]
_ATime = Annotated[Time, BeforeValidator(_column_or_constant)]
_Properties = Annotated[dict[Annotated[str, Field(pattern=rf"^{_NAME}$")], _AProperty], Field(max_length=200)]
_Confidence = Annotated[float, Field(ge=0, le=1)]


class _Described(_Part):
    first_seen: _ATime | None = None
    last_seen: _ATime | None = None
    properties: _Properties = Field(default_factory=dict)


class Entity(_Described):
    """An entity that a row names."""

    type: Annotated[str, BeforeValidator(lambda value: _known(value, EntityType, "entity"))]
    value: _AText
    qualifier: _AText | None = None
    required: bool = False  # a row without a sound value is rejected; else only the entity is left out
    confidence: _Confidence = 0.5
    split: str | None = Field(default=None, min_length=1, max_length=8)  # one cell holds several values

    @model_validator(mode="after")
    def _identified(self) -> Self:
        if self.type in _NEEDS_QUALIFIER and self.qualifier is None:
            advice = (
                'add the platform, such as qualifier = { constant = "github" }'
                if self.type == EntityType.SOCIAL_PROFILE
                else 'say who tells them apart, such as qualifier = { column = "Customer no", prefix = "crm:" }'
            )
            raise _mistake(f"a {self.type} is not identified by its name alone", advice)
        return self


class Link(_Described):
    """What relates two entities of a row."""

    source: str
    type: Annotated[str, BeforeValidator(lambda value: _known(value, RelationshipType, "relationship"))]
    target: str
    confidence: _Confidence = 0.5


class Mapping(_Part):
    """A whole mapping file."""

    format: Literal["csv", "json-lines", "json"]
    delimiter: Literal[",", ";", "\t", "|"] | None = None  # csv; else what the header has most of
    rows: str | None = Field(default=None, min_length=1, max_length=256)  # json: the member that holds the rows
    entities: Annotated[
        dict[Annotated[str, Field(pattern=rf"^{_NAME}$")], Entity], Field(min_length=1, max_length=_MOST_ENTITIES)
    ]
    links: tuple[Link, ...] = Field(default=(), max_length=_MOST_LINKS, strict=False)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.rows is not None and self.format != "json":
            raise _mistake("`rows` is for json only", 'remove it, or write format = "json"')
        if self.delimiter is not None and self.format != "csv":
            raise _mistake("`delimiter` is for csv only", 'remove it, or write format = "csv"')
        for index, link in enumerate(self.links):
            for key, end in (("source", link.source), ("target", link.target)):
                if end not in self.entities:
                    advice = _near(end, list(self.entities)) or f"use one of: {', '.join(self.entities)}"
                    raise _mistake(f"no entity {end[:60]!r} is declared", advice, ["links", index, key])
        if self.format != "csv":
            for column in self.columns():
                try:
                    parse_path(column)
                except PathError as error:
                    raise _mistake(
                        f"{column[:80]!r} is no path: {error}", 'write names with dots: "user.name"'
                    ) from None
        return self

    def columns(self) -> list[str]:
        """Every column the mapping names, once, in its order."""
        found: dict[str, None] = {}
        parts: list[_Described] = [*self.entities.values(), *self.links]
        for part in parts:
            held: list[Any] = [part.first_seen, part.last_seen, *part.properties.values()]
            if isinstance(part, Entity):
                held = [part.value, part.qualifier, *held]
            found |= dict.fromkeys(each.column for each in held if each is not None and each.column is not None)
        return list(found)

    def values(self) -> list[str]:
        """The columns that entities are made of."""
        return [entity.value.column for entity in self.entities.values() if entity.value.column is not None]


def parse_mapping(content: bytes, where: str) -> Mapping:
    """The mapping that a file holds; `where` names the file in errors.

    Raises MappingError that says which key, in which line, and what to do.
    """
    if len(content) > MAXIMUM_BYTES:
        raise MappingError(f"has {len(content)} bytes, more than {MAXIMUM_BYTES}", where=where)
    try:
        text = content.decode("utf-8-sig")
        values = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise MappingError(f"is not UTF-8 at byte {error.start + 1}", where=where, remedy="save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        remedy = "text stands in quotes, tables in [brackets]; see the how-to on mapping your own CSV"
        raise MappingError(f"is not TOML: {error}"[:300], where=where, remedy=remedy) from None
    try:
        return Mapping.model_validate(values)
    except ValidationError as error:
        raise _explained(error.errors(), text, where) from None


@lru_cache(maxsize=16)
def mapping_of(text: str) -> Mapping:
    """The mapping of a text that was judged before; a file's batches share one."""
    return parse_mapping(text.encode(), "the mapping file")


def near_matches(name: str, names: Sequence[str]) -> list[str]:
    """The names most like the one given, whatever their case."""
    folded = {each.casefold(): each for each in names}
    return [folded[each] for each in get_close_matches(name.casefold(), list(folded), n=3, cutoff=0.6)]


def _near(name: str, names: Sequence[str]) -> str | None:
    near = near_matches(name, names)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else None


def _mistake(message: str, remedy: str, place: Sequence[str | int] = ()) -> PydanticCustomError:
    """What is wrong and what to do; `place` where it is another one than that of the value that is judged."""
    return PydanticCustomError("mapping", "{message}", {"message": message, "remedy": remedy, "place": list(place)})


def _explained(errors: Sequence[ErrorDetails], text: str, where: str) -> MappingError:
    """One error for all mistakes of a file: the first with its place and remedy, the others after it."""
    described = [_described(error, text) for error in errors[:_MOST_SHOWN]]
    line, message, remedy = described[0]
    others = [f"line {line}: {message}" if line else message for line, message, _ in described[1:]]
    if others:
        message = f"{message}; also {'; '.join(others)}"
    return MappingError(message, where=f"{where}, line {line}" if line else where, remedy=remedy)


def _described(error: ErrorDetails, text: str) -> tuple[int | None, str, str | None]:
    context = error.get("ctx") or {}
    place = [part for part in (*error["loc"], *context.get("place", ())) if part != "[key]"]
    shown = ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in place)
    line = _line_of(place, text)
    if error["type"] == "extra_forbidden":
        names = [field.alias or name for name, field in _model_at(place[:-1]).model_fields.items()]
        advice = _near(str(place[-1]), names) or f"use one of: {', '.join(names)}"
        return line, f"{shown}: there is no key {str(place[-1])[:60]!r} here", advice
    if error["type"] == "string_pattern_mismatch":
        return line, f"{shown}: a name has small letters, digits and _ only", "rename it, such as first_name"
    message = error["msg"][:1].lower() + error["msg"][1:]
    return line, f"{shown}: {message}" if shown else message, context.get("remedy") or _advice(error["type"])


def _advice(kind: str) -> str | None:
    match kind:
        case "missing":
            return "add it"
        case "bool_type" | "bool_parsing":
            return "write true or false, without quotes"
        case "float_type" | "less_than_equal" | "greater_than_equal":
            return "write a number from 0 to 1, such as 0.8, without quotes"
        case _:
            return None


def _model_at(place: Sequence[int | str]) -> type[BaseModel]:
    """Which table of the file a place is in."""
    names = [part for part in place if isinstance(part, str)]
    if not names:
        return Mapping
    last = names[-1]
    if "properties" in names:
        return Property
    if last in {"value", "qualifier"}:
        return Text
    if last in {"first_seen", "last_seen"}:
        return Time
    return Link if names[0] == "links" else Entity


def _line_of(place: Sequence[int | str], text: str) -> int | None:
    """The line of the key at a place, as TOML is mostly laid out; else that of its table; None where none is found."""
    best: tuple[int, int] | None = None
    table: list[int | str] = []
    arrays: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*(\[{1,2})\s*([^\[\]]+?)\s*\]{1,2}", line)
        key = re.match(r"""\s*("[^"]*"|'[^']*'|[\w.-]+)\s*=""", line)
        if header:
            table = [part.strip(" \"'") for part in header[2].split(".")]
            if header[1] == "[[":
                arrays[header[2]] = arrays.get(header[2], -1) + 1
                table.append(arrays[header[2]])
            here: list[int | str] = table
        elif key:
            here = [*table, *(part.strip(" \"'") for part in key[1].split("."))]
        else:
            continue
        if here == list(place[: len(here)]) and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None
