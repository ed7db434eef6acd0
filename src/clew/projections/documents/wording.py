"""Conditions as people write them: FIELD=VALUE, FIELD>=VALUE, FIELD<VALUE."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from clew.projections.documents.errors import DocumentQueryError
from clew.projections.documents.fields import Field, Kind, field_at, field_names
from clew.projections.documents.port import Condition, DocumentCollection, Is, Path, Scalar, Within
from clew.projections.search.wording import moment_of

_WRITTEN: Final = re.compile(r"(?P<field>(?:\\.|[^=<>\\])+)(?P<sign>>=|<|=)(?P<value>.*)", re.DOTALL)
_KEYS: Final = re.compile(r"((?:\\.|[^.\\])+)(?:\.|$)", re.DOTALL)


def collection_of(name: str) -> DocumentCollection:
    """The collection of that name. Raises DocumentQueryError."""
    try:
        return DocumentCollection(name)
    except ValueError:
        known = ", ".join(each.value for each in DocumentCollection)
        raise DocumentQueryError(
            f"there is no collection {name[:60]!r}", where="collection", remedy=f"there are: {known}"
        ) from None


def conditions_of(collection: DocumentCollection, written: Iterable[str]) -> tuple[Condition, ...]:
    r"""Conditions from text such as `entity_id=…`, `data.registrar=Example`, `created_at>=2025-03-01`.

    Keys with a dot in them are written with a backslash before it: `content.a\.b=1`. In JSON of any shape a value that
    reads as JSON (5, true, null, "5") is that; anything else is text. Raises DocumentQueryError.
    """
    return tuple(_condition(collection, each) for each in written)


def path_of(written: str) -> Path:
    """The keys of a written path. Raises DocumentQueryError."""
    keys = tuple(re.sub(r"\\(.)", r"\1", each[1], flags=re.DOTALL) for each in _KEYS.finditer(written))
    if not keys or sum(len(each[0]) for each in _KEYS.finditer(written)) != len(written) or written.endswith("."):
        raise DocumentQueryError("this is no path of keys", where=written[:100], remedy="write data.key or data.a\\.b")
    return keys


def _condition(collection: DocumentCollection, written: str) -> Condition:
    parts = _WRITTEN.fullmatch(written)
    if parts is None:
        raise DocumentQueryError(
            "this is no condition", where=written[:100], remedy="write FIELD=VALUE, FIELD>=VALUE or FIELD<VALUE"
        )
    path = path_of(parts["field"].strip())
    field = field_at(collection, path)
    if field is None:
        raise DocumentQueryError(
            "there is no such field",
            where=parts["field"][:100],
            remedy=f"there are: {', '.join(field_names(collection))}",
        )
    if parts["sign"] == "=":
        return Is(path, _value(field, parts["value"]))
    end = _end(field, parts["value"])
    return Within(path, least=end) if parts["sign"] == ">=" else Within(path, below=end)


def _value(field: Field, text: str) -> Scalar:
    if field.kind is Kind.TEXT:
        return text
    if field.kind in {Kind.ID, Kind.IDS}:
        if text == "null" and field.kind is Kind.ID:
            return None
        try:
            return str(UUID(text))
        except ValueError:
            raise DocumentQueryError("this is no id", where=f"{field.name}={text[:60]}") from None
    if field.kind is Kind.TIME:
        return rfc3339(_moment(field, text))
    if field.kind is Kind.NUMBER:
        return _number(field, text)
    return _any(text)


def rfc3339(moment: datetime) -> str:
    """A time as documents hold it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _end(field: Field, text: str) -> datetime | float:
    if field.kind is Kind.TIME:
        return _moment(field, text)
    if field.kind is Kind.NUMBER:
        return _number(field, text)
    raise DocumentQueryError("only numbers and times are compared", where=field.name, remedy="use FIELD=VALUE")


def _moment(field: Field, text: str) -> datetime:
    found = moment_of(text, field.name)
    if found is None:
        raise DocumentQueryError("this is no time", where=field.name, remedy="write 2025-03-01T12:00:00Z")
    return found


def _number(field: Field, text: str) -> float:
    try:
        return int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        raise DocumentQueryError("this is no number", where=f"{field.name}: {text[:60]}") from None


def _any(text: str) -> Scalar:
    try:
        value: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return value if isinstance(value, str | int | float | bool | None) else text
