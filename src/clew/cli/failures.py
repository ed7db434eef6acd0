"""What the user is told when a command fails, and with which exit code it then ends."""

import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import typer

from clew.cli.options import DEBUG_VARIABLE
from clew.cli.output import print_error, print_failure
from clew.kernel.errors import ClewError

UNEXPECTED = 70  # EX_SOFTWARE of sysexits.h: a defect of the program itself
USAGE_ERROR = 2
INTERRUPTED = 130


class InterruptedLoadError(ClewError):
    """Ctrl-C ended a load; what its report counts is in the record."""

    code = "interrupted"
    exit_code = INTERRUPTED


def report_failure(error: BaseException, arguments: Sequence[str]) -> int:
    """Say on standard error what was wrong, where, and what to do; the exit code."""
    as_json = "--json" in arguments
    if os.environ.get(DEBUG_VARIABLE) and not isinstance(error, typer.TyperException):
        sys.stderr.write("".join(traceback.format_exception(error)))
    if isinstance(error, ClewError):
        print_error(error, as_json=as_json)
        return error.exit_code
    if isinstance(error, typer.TyperException):
        return _usage(error, as_json=as_json)
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        print_failure("interrupted", "interrupted; nothing half-done was kept", as_json=as_json)
        return INTERRUPTED
    return _unexpected(error, arguments, as_json=as_json)


def _usage(error: typer.TyperException, *, as_json: bool) -> int:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "clew"
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(f"{error.format_message()}\n")
    else:
        print_failure("usage", error.format_message(), remedy=f"see `{path} --help`", as_json=as_json)
    return USAGE_ERROR


def _unexpected(error: BaseException, arguments: Sequence[str], *, as_json: bool) -> int:
    summary = f"unexpected {type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
    kept = _keep_traceback(error, arguments)
    remedy = (
        "this is a defect of clew; nothing half-done was kept. Report it with that file and what `clew doctor` says"
        if kept
        else f"this is a defect of clew; run the same again with {DEBUG_VARIABLE}=1 and report what it says"
    )
    print_failure("unexpected", summary, str(kept) if kept else None, remedy, as_json=as_json)
    return UNEXPECTED


def _keep_traceback(error: BaseException, arguments: Sequence[str]) -> Path | None:
    """Write the traceback into the data directory, for this user's eyes only; None where there is no such place."""
    from clew.kernel.directories import ensure_own_directory, myself, write_privately
    from clew.kernel.settings import load_settings

    try:
        directory = load_settings(**_given_directory(arguments)).data_dir
        if not directory.is_dir():
            return None
        folder = directory / "crashes"
        ensure_own_directory(folder, myself())
        file = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.txt"
        write_privately(file, "".join(traceback.format_exception(error)).encode(errors="backslashreplace"), myself())
    except (OSError, ClewError):
        return None
    return file


def _given_directory(arguments: Sequence[str]) -> dict[str, str]:
    for argument, following in pairwise([*arguments, ""]):
        if argument == "--data-dir" and following:
            return {"data_dir": following}
        if argument.startswith("--data-dir="):
            return {"data_dir": argument.partition("=")[2]}
    return {}
