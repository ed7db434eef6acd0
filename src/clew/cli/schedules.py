"""Schedules as people write them on the command line."""

import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from clew.cli.output import pairs, print_json
from clew.kernel.errors import InputError

if TYPE_CHECKING:
    from clew.cli.options import Invocation
    from clew.domains.jobs.schedules import Schedule

_SECONDS: Final = {"m": 60, "h": 3600, "d": 86_400}


def parsed_span(text: str) -> int:
    """Seconds of a span such as 30m, 6h or 1d. Raises InputError."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", text)
    if found is None:
        raise InputError(f"{text!r} is no span", where="--every", remedy="write it as 30m, 6h or 1d")
    return int(found[1]) * _SECONDS[found[2]]


def parsed_parameters(text: str) -> dict[str, Any]:
    """What is to be different from how jobs of the kind are told usually. Raises InputError."""
    try:
        given = orjson.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise InputError("this is no JSON object", where="--parameters", remedy='write it as {"depth": "deep"}')
    return given


def described(call: "Invocation", schedule: "Schedule") -> None:
    """Show one."""
    if call.json:
        print_json(schedule.as_dict())
        return
    rows: dict[str, object] = {
        "Schedule": schedule.name,
        "Kind": schedule.kind,
        "Every": f"{schedule.every_seconds:,} s",
        "Next": schedule.next_at if schedule.is_active else "rests",
    }
    pairs(rows)
