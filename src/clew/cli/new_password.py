"""Getting a new password to the program: typed twice, read from standard input, or made up – never as an argument."""

import secrets
import sys
from dataclasses import dataclass, field

import typer

from clew.kernel.errors import InputError

_GENERATED_BYTES = 18


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password, and whether the program made it up: then it is to be shown, this once."""

    text: str = field(repr=False)
    generated: bool


def obtain_password(*, from_stdin: bool, generate: bool) -> NewPassword:
    """The password in the way that was asked for; else typed at a terminal, and made up where there is none.

    Raises InputError if both ways were asked for, or nothing came.
    """
    if from_stdin and generate:
        raise InputError(
            "a password is either read or generated", where="--password-stdin, --generate", remedy="give one of them"
        )
    if from_stdin:
        text = sys.stdin.readline().rstrip("\r\n")
        if not text:
            raise InputError("no password came", where="standard input", remedy="write it as the first line")
        return NewPassword(text, generated=False)
    if generate or not sys.stdin.isatty():
        return NewPassword(secrets.token_urlsafe(_GENERATED_BYTES), generated=True)
    return NewPassword(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True), generated=False)
