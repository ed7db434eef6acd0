"""Where each setting comes from, and variables that set nothing."""

import os
from collections.abc import Iterator

from pydantic import SecretStr

from clew.cli.diagnosis.finding import Finding, Status
from clew.cli.options import DEBUG_VARIABLE, ORGANIZATION_VARIABLE
from clew.kernel.settings import CONFIG_NAME, CONFIG_VARIABLE, PREFIX, Settings, unknown_variables

OWN_VARIABLES = frozenset({ORGANIZATION_VARIABLE, DEBUG_VARIABLE})


def examine_settings(settings: Settings, given: frozenset[str]) -> Iterator[Finding]:
    """The settings that are not defaults, without secrets; `given` are those set by options."""
    file = os.environ.get(CONFIG_VARIABLE) or settings.data_dir / CONFIG_NAME
    changed = [f"{name}={_value(settings, name)} ({_origin(name, given, str(file))})" for name in _set(settings, given)]
    yield Finding("settings", "; ".join(changed) or f"all as by default (no variable, no {file})")
    for name, nearest in unknown_variables(os.environ):
        if name not in OWN_VARIABLES:
            meant = f"did you mean {nearest}? Else unset it" if nearest else "unset it"
            yield Finding("unknown variable", f"{name} sets nothing", Status.WARN, meant)


def _set(settings: Settings, given: frozenset[str]) -> list[str]:
    return sorted(settings.model_fields_set | given)


def _value(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    return "(set, not shown)" if isinstance(value, SecretStr) else str(value)


def _origin(name: str, given: frozenset[str], file: str) -> str:
    if name in given:
        return "option"
    variable = f"{PREFIX}{name}".upper()
    return variable if os.environ.get(variable) else file
