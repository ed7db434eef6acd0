"""The group at the root of the command line."""

from collections.abc import Callable
from typing import Any

from typer.core import TyperGroup


class RootGroup(TyperGroup):
    """Leaves options that were not given alone, their callbacks (--help, --version) included.

    Typer would load Pydantic to convert even those, which takes longer than all else that `clew COMMAND --help` does.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        """The options before a command's name, and --help."""
        parameters = super().get_params(ctx)
        for parameter in parameters:
            vars(parameter)["process_value"] = _unless_missing(type(parameter).process_value, parameter)
        return parameters


class SimilarGroup(TyperGroup):
    """`clew similar VALUE …` is short for `clew similar to VALUE …`, where VALUE is no command's name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments, with the command's name before them."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["to", *args]
        return super().parse_args(ctx, args)


def _unless_missing(process: Callable[[Any, Any, Any], Any], parameter: Any) -> Callable[[Any, Any], Any]:
    return lambda context, value: None if value is None else process(parameter, context, value)
