"""Two sides of one document, and what both had before: what each changed, and where they contradict each other.

A document is seen as parts: the event or object itself, and what lies in lists whose members have a name of their own
(attributes, objects, tags, sightings …), each with its plain fields. A list without names is a field like any other.
Changes are told by part and field, so that two people who correct different things disturb each other in nothing.

The rule of conflicts (docs/decisions/0031): of two values the one of the newer part is taken, ours if neither is newer;
what one side deleted and the other changed stays, changed. Either way the other side is kept as a named conflict.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Path = tuple[str, ...]
Fields = dict[str, Any]
Parts = dict[Path, Fields]

NEWER: Final = "newer_wins"
KEPT: Final = "change_over_deletion"
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Shape:
    """How documents of a form are made: which lists have named members, and what only one server's book-keeping says.

    `keys` maps the name of a list to the field that names its members. `local` fields are never compared.
    `is_gone` tells members that are there only to say that they were deleted. `age` is when a part was changed.
    """

    keys: Mapping[str, str]
    local: frozenset[str]
    is_gone: Callable[[Fields], bool]
    age: Callable[[Fields], float]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A place where both sides changed to something different. A missing side is None."""

    place: str
    rule: str
    base: Any
    ours: Any
    theirs: Any


@dataclass(slots=True)
class Merged:
    """What both sides make together, in our words where neither changed anything."""

    document: Fields
    contradictions: list[Contradiction] = field(default_factory=list)


def parts_of(document: Fields, shape: Shape) -> Parts:
    """The parts that are there, each with its fields that are compared. Of two of one name the later counts."""
    return {path: _plain(fields, shape) for path, fields in _walk(document, shape, ()) if not shape.is_gone(fields)}


def same(one: Fields | None, other: Fields | None, shape: Shape) -> bool:
    """Whether two documents say the same, book-keeping aside."""
    if one is None or other is None:
        return one is other
    return parts_of(one, shape) == parts_of(other, shape)


def merge(base: Fields, ours: Fields, theirs: Fields, shape: Shape) -> Merged:
    """Our document with what they changed since `base`, as far as the rule lets them. Nothing given is changed."""
    before, mine, other = (parts_of(each, shape) for each in (base, ours, theirs))
    if mine == before:
        return Merged(_copied(theirs))
    if other in (before, mine):
        return Merged(_copied(ours))
    ages = [{path: shape.age(fields) for path, fields in _walk(each, shape, ())} for each in (ours, theirs)]
    wanted, contradictions = _merged_parts(before, mine, other, ages[0], ages[1])
    return Merged(_rebuilt(ours, theirs, wanted, shape), contradictions)


def _merged_parts(
    before: Parts, mine: Parts, other: Parts, my_age: Mapping[Path, float], other_age: Mapping[Path, float]
) -> tuple[Parts, list[Contradiction]]:
    wanted: Parts = {}
    found: list[Contradiction] = []
    for path in sorted(before.keys() | mine.keys() | other.keys()):
        was, here, there = before.get(path), mine.get(path), other.get(path)
        if there in (here, was):
            result = here
        elif here == was:
            result = there
        elif here is None or there is None:
            if was is None:  # cannot be: then one of them equals it
                raise AssertionError(path)
            result = here if there is None else there
            found.append(Contradiction(written(path), KEPT, was, here, there))
        else:
            newer = other_age.get(path, 0.0) > my_age.get(path, 0.0)
            result = _merged_fields(path, was or {}, here, there, found, theirs_wins=newer)
        if result is not None:
            wanted[path] = result
    for path in list(wanted):  # what lies in something that is gone, is gone
        if any(path[:length] not in wanted for length in range(0, len(path), 2)):
            del wanted[path]
    return wanted, found


def _merged_fields(
    path: Path, was: Fields, here: Fields, there: Fields, found: list[Contradiction], *, theirs_wins: bool
) -> Fields:
    result: Fields = {}
    for name in sorted(was.keys() | here.keys() | there.keys()):
        before, mine, other = was.get(name, _ABSENT), here.get(name, _ABSENT), there.get(name, _ABSENT)
        if other in (mine, before):
            value = mine
        elif mine == before:
            value = other
        else:
            value = other if theirs_wins else mine
            shown = [None if each is _ABSENT else each for each in (before, mine, other)]
            found.append(Contradiction(written((*path, name)), NEWER, *shown))
        if value is not _ABSENT:
            result[name] = value
    return result


def restricted(document: Fields, to: Fields, shape: Shape) -> Fields:
    """The fields and parts of a document that the other one has, too."""
    result: Fields = {}
    for name, value in document.items():
        if name not in to:
            continue
        if not _is_list_of_parts(name, value, shape):
            result[name] = value
            continue
        there = {key: each for key, each in _named(name, to[name], shape) if not shape.is_gone(each)}
        result[name] = [restricted(each, there[key], shape) for key, each in _named(name, value, shape) if key in there]
    return result


def extended(document: Fields, by: Fields, unless: Fields, shape: Shape) -> Fields:
    """The document, each part with the fields that the same part of `by` has, and that of `unless` has not.

    For what a server adds to everything that it is sent: on all sides, it is no change of any.
    """
    result = dict(document)
    for name, value in by.items():
        if name not in result and name not in unless and not _is_list_of_parts(name, value, shape):
            result[name] = value
    for name, value in document.items():
        if _is_list_of_parts(name, value, shape):
            more, less = (dict(_named(name, each.get(name), shape)) for each in (by, unless))
            result[name] = [
                extended(each, more[key], less.get(key, {}), shape) if key in more else each
                for key, each in _named(name, value, shape)
            ]
    return result


def written(path: Path) -> str:
    """A place for people and programs: `/Attribute/UUID/comment`."""
    return "/" + "/".join(each.replace("~", "~0").replace("/", "~1") for each in path)


def read_place(place: str) -> Path:
    """The path that `written` wrote."""
    inner = place.removeprefix("/")
    return tuple(each.replace("~1", "/").replace("~0", "~") for each in inner.split("/")) if inner else ()


def with_value(document: Fields, path: Path, value: Any, shape: Shape) -> Fields:
    """The document with one field (a path of odd length) or part set to a value; None takes it away."""
    result: Fields = _copied(document)
    holder: Any = result
    steps = list(path)
    while len(steps) > 2:
        holder = _member(holder, steps[0], steps[1], shape)
        if holder is None:
            return result
        steps = steps[2:]
    if len(steps) == 1:
        if value is None:
            holder.pop(steps[0], None)
        else:
            holder[steps[0]] = value
    elif steps:
        kept = [each for each in holder.get(steps[0]) or () if str(each.get(shape.keys[steps[0]])) != steps[1]]
        holder[steps[0]] = kept if value is None else [*kept, value]
    return result


def _member(holder: Fields, list_name: str, key: str, shape: Shape) -> Fields | None:
    members = holder.get(list_name)
    for each in members if isinstance(members, list) else ():
        if isinstance(each, dict) and str(each.get(shape.keys.get(list_name, ""))) == key:
            return each
    return None


def _walk(document: Fields, shape: Shape, path: Path) -> Iterator[tuple[Path, Fields]]:
    yield path, document
    for name, value in document.items():
        for key, member in _named(name, value, shape):
            yield from _walk(member, shape, (*path, name, key))


def _named(name: str, value: Any, shape: Shape) -> list[tuple[str, Fields]]:
    """The members of a list that has named ones; none of a list of which one member has no name."""
    key = shape.keys.get(name)
    if key is None or not isinstance(value, list):
        return []
    if not all(isinstance(each, dict) and isinstance(each.get(key), str | int) for each in value):
        return []
    return [(str(each[key]), each) for each in value]


def _plain(fields: Fields, shape: Shape) -> Fields:
    return {
        name: value
        for name, value in fields.items()
        if name not in shape.local and not _is_list_of_parts(name, value, shape)
    }


def _is_list_of_parts(name: str, value: Any, shape: Shape) -> bool:
    return name in shape.keys and isinstance(value, list) and (not value or bool(_named(name, value, shape)))


def _rebuilt(ours: Fields, theirs: Fields, wanted: Parts, shape: Shape) -> Fields:
    """Our document brought to hold just the wanted parts; book-keeping comes from where a part was taken."""
    here = dict(_walk(ours, shape, ()))
    there = dict(_walk(theirs, shape, ()))

    def build(path: Path) -> Fields:
        origin = here[path] if path in here and not shape.is_gone(here[path]) else there[path]
        fields = wanted[path]
        result = {name: value for name, value in origin.items() if name in fields or name in shape.local}
        result |= fields
        lists = dict.fromkeys([*_lists(here.get(path), shape), *_lists(there.get(path), shape)])
        for name in lists:
            members = children.get((*path, name), [])
            if members or name in origin:
                result[name] = [build((*path, name, key)) for key in members]
        return result

    order = dict.fromkeys([*here, *there])
    children: dict[Path, list[str]] = {}
    for path in order:
        if path in wanted and path:
            children.setdefault(path[:-1], []).append(path[-1])
    return build(())


def _lists(fields: Fields | None, shape: Shape) -> list[str]:
    return [name for name, value in (fields or {}).items() if _is_list_of_parts(name, value, shape)]


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(each) for name, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value
