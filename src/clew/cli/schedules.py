"""Schedules as people write them on the command line."""

import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from clew.cli.output import pairs, print_json
from clew.kernel.errors import InputError

if TYPE_CHECKING:
    from clew.cli.options import Invocation
    from clew.domains.jobs.schedules import Schedule

_QUEUES: Final = {"analyze": "analysis", "projection_verify": "projections"}
_DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "analyze": {"depth": "standard"},
    "projection_verify": {"projection": "search", "repair": False},
}
_SECONDS: Final = {"m": 60, "h": 3600, "d": 86_400}


def parsed_span(text: str) -> int:
    """Seconds of a span such as 30m, 6h or 1d. Raises InputError."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", text)
    if found is None:
        raise InputError(f"{text!r} is no span", where="--every", remedy="write it as 30m, 6h or 1d")
    return int(found[1]) * _SECONDS[found[2]]


def parsed_parameters(kind: str, text: str) -> tuple[dict[str, Any], str]:
    """What a job of that kind is told, what is not given being as usual, and its queue. Raises InputError."""
    if kind not in _QUEUES:
        raise InputError(
            f"jobs of kind {kind!r} cannot be scheduled", where="KIND", remedy=f"name one of {', '.join(_QUEUES)}"
        )
    try:
        given = orjson.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise InputError("this is no JSON object", where="--parameters", remedy='write it as {"depth": "deep"}')
    return _DEFAULTS[kind] | given, _QUEUES[kind]


def described(call: "Invocation", schedule: "Schedule") -> None:
    """Show one."""
    if call.json:
        print_json(schedule.as_dict())
        return
    rows: dict[str, object] = {
        "Schedule": schedule.name,
        "Kind": schedule.kind,
        "Every": f"{schedule.every_seconds:,} s",
        "Next": schedule.next_at,
    }
    pairs(rows)
