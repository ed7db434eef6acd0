"""Whether a document meets a condition: the one meaning that all adapters give it, whatever their engines think."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from clew.projections.documents.errors import DocumentQueryError
from clew.projections.documents.fields import Kind, field_at, field_names
from clew.projections.documents.port import (
    MAXIMUM_CONDITIONS,
    MAXIMUM_DEPTH,
    MAXIMUM_LIMIT,
    Condition,
    Document,
    DocumentCollection,
    DocumentRequest,
    Is,
    Path,
    Scalar,
)

_ABSENT: Final = object()
_LONGEST: Final = 10_000


def matches(document: Document, condition: Condition) -> bool:
    """Whether it does."""
    found = at(document, condition.path)
    if isinstance(condition, Is):
        return same(found, condition.value) or (
            isinstance(found, list) and len(condition.path) == 1 and any(same(each, condition.value) for each in found)
        )
    value = moment(found) if isinstance(condition.least or condition.below, datetime) else number(found)
    if value is None:
        return False
    return (condition.least is None or value >= condition.least) and (  # type: ignore[operator]
        condition.below is None or value < condition.below  # type: ignore[operator]
    )


def at(document: Any, path: Path) -> Any:
    """The value at a path of keys; a mark of its own where there is none."""
    for key in path:
        if not isinstance(document, Mapping) or key not in document:
            return _ABSENT
        document = document[key]
    return document


def same(found: Any, wanted: Scalar) -> bool:
    """Whether a JSON value is this one: true is no 1, 1 is 1.0."""
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    if isinstance(found, int | float) and isinstance(wanted, int | float):
        return found == wanted
    return type(found) is type(wanted) and bool(found == wanted)


def moment(value: Any) -> datetime | None:
    """A document's time."""
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def number(value: Any) -> float | None:
    """A document's number."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def require_askable(collection: DocumentCollection, request: DocumentRequest) -> None:
    """Raises DocumentQueryError for what no adapter answers: callers may be programs that nobody checked."""
    if not 1 <= request.limit <= MAXIMUM_LIMIT:
        raise DocumentQueryError("this is no number of documents", where="limit", remedy=f"1 to {MAXIMUM_LIMIT}")
    if len(request.conditions) > MAXIMUM_CONDITIONS:
        raise DocumentQueryError("too many conditions", where="where", remedy=f"{MAXIMUM_CONDITIONS} at most")
    for condition in request.conditions:
        _require_condition(collection, condition)


def _require_condition(collection: DocumentCollection, condition: Condition) -> None:
    name = ".".join(condition.path)[:100]
    keys: tuple[object, ...] = condition.path
    if len(keys) > MAXIMUM_DEPTH or not all(isinstance(key, str) and "\0" not in key for key in keys):
        raise DocumentQueryError("this is no path", where=name, remedy=f"text keys, {MAXIMUM_DEPTH} at most")
    field = field_at(collection, condition.path)
    if field is None:
        raise DocumentQueryError(
            "there is no such field", where=name, remedy=f"there are: {', '.join(field_names(collection))}"
        )
    if isinstance(condition, Is):
        if not isinstance(condition.value, str | int | float | bool | None):
            raise DocumentQueryError("only text, numbers, true, false and null can be asked for", where=name)
        if isinstance(condition.value, str) and ("\0" in condition.value or len(condition.value) > _LONGEST):
            raise DocumentQueryError("no document holds such a text", where=name)
        if not _fits(field.kind, condition.value):
            raise DocumentQueryError(f"this field holds {field.kind}, not such a value", where=name)
    elif field.kind not in {Kind.TIME, Kind.NUMBER}:
        raise DocumentQueryError("only numbers and times lie between two others", where=name)
    else:
        wanted = datetime if field.kind is Kind.TIME else (int, float)
        ends = [end for end in (condition.least, condition.below) if end is not None]
        if not ends or not all(isinstance(end, wanted) for end in ends):
            raise DocumentQueryError(f"this field is compared with a {field.kind}", where=name)
        if any(isinstance(end, datetime) and end.tzinfo is None for end in ends):
            raise DocumentQueryError("a time without zone", where=name, remedy="say which: 2025-03-01T00:00:00Z")


def _fits(kind: Kind, value: Scalar) -> bool:
    """Whether a field of that kind may hold the value: what it cannot is a mistake of who asks."""
    if value is None or kind is Kind.ANY:
        return True
    if kind is Kind.NUMBER:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if not isinstance(value, str):
        return False
    try:
        if kind in {Kind.ID, Kind.IDS}:
            return str(UUID(value)) == value
        return kind is Kind.TEXT or datetime.fromisoformat(value).isoformat(timespec="microseconds") == value
    except ValueError:
        return False
