"""Paths into JSON values: member names with dots, [0] for an element, [*] for each. Bounded, and nothing is evaluated.

user.name      addresses[0].ip      tags[*]      "name with.dots".value
"""

import re
from functools import lru_cache
from typing import Any, Final

MAXIMUM_STEPS: Final = 16
MAXIMUM_EACH: Final = 2
MAXIMUM_VALUES: Final = 1_000
_STEP: Final = re.compile(r'\.?(?:"([^"]{0,200})"|([^."\[\]]{1,200}))|\[(\d{1,6}|\*)\]')

Step = str | int | None
"""A member's name, an element's number, or None for each element."""


class PathError(ValueError):
    """A text that is no path, or one of more steps than are followed."""


@lru_cache(maxsize=1_024)
def parse_path(text: str) -> tuple[Step, ...]:
    """The steps of a path. Raises PathError."""
    steps: list[Step] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None or (position == 0 and text[0] == "."):
            raise PathError(f"character {position + 1} cannot stand there")
        if match[3] is not None:
            steps.append(None if match[3] == "*" else int(match[3]))
        elif position > 0 and not match[0].startswith("."):
            raise PathError(f"a dot is missing before character {position + 1}")
        else:
            steps.append(match[1] if match[1] is not None else match[2].strip())
        position = match.end()
    if not steps or len(steps) > MAXIMUM_STEPS:
        raise PathError(f"a path has 1 to {MAXIMUM_STEPS} steps")
    if steps.count(None) > MAXIMUM_EACH:
        raise PathError(f"[*] may stand in it {MAXIMUM_EACH} times at most")
    return tuple(steps)


def values_at(value: Any, path: str) -> list[Any]:
    """What stands at a path, at most 1,000 values; what is missing or null gives none. Raises PathError."""
    found = [value]
    for step in parse_path(path):
        found = [inner for each in found for inner in _inner(each, step)][:MAXIMUM_VALUES]
    return [each for each in found if each is not None]


def paths_of(value: Any, *, depth: int = 4, most: int = 500) -> list[str]:
    """The paths that lead to plain values, for near matches; at most so many."""
    found: list[str] = []
    pending: list[tuple[str, Any, int]] = [("", value, 0)]
    while pending and len(found) < most:
        path, each, level = pending.pop(0)
        if isinstance(each, dict) and level < depth:
            pending += [(f"{path}.{_quoted(key)}".lstrip("."), inner, level + 1) for key, inner in each.items()]
        elif isinstance(each, list) and each and level < depth:
            pending.append((f"{path}[*]", each[0], level + 1))
        elif path:
            found.append(path)
    return found


def _inner(value: Any, step: Step) -> list[Any]:
    if isinstance(step, str):
        return [value[step]] if isinstance(value, dict) and step in value else []
    if not isinstance(value, list):
        return []
    return value if step is None else value[step : step + 1]


def _quoted(name: str) -> str:
    return name if re.fullmatch(r'[^."\[\]\s]+', name) else f'"{name}"'
