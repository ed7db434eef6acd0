"""The server that a call names, and the key it is called with."""

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import typer

from clew import __version__
from clew.cli.options import (
    AUTHORITY_VARIABLE,
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    Invocation,
)
from clew.cli.output import warn
from clew.client import Client, Patience, Transport
from clew.client.address import is_exposed
from clew.kernel.errors import ConfigurationError, InputError

_LONGEST_KEY: Final = 8192
PATIENCE: Final = Patience(longest_pause=60.0, answer=300.0)  # a key's minute; retries and comparisons take long

Result = TypeVar("Result")


@contextlib.contextmanager
def connected(call: Invocation) -> Iterator[Client]:
    """A client of the server that the call names, as the owner of its key.

    Raises ConfigurationError without a key, InputError for one that cannot be one.
    """
    address = call.address or ""
    for option, given in (("--org", call.organization), ("--data-dir", call.data_dir)):
        if given is not None:
            raise typer.BadParameter("with --server, the key says whose record it is", param_hint=option)
    if is_exposed(address):
        warn(f"the key and all that is read crosses the network in the clear: {address} is not https")
    authority = os.environ.get(AUTHORITY_VARIABLE)
    with Client(
        Transport(
            address,
            key_of(call),
            patience=PATIENCE,
            ca_file=Path(authority) if authority else None,
            agent=f"clew/{__version__}",
        )
    ) as client:
        yield client


def key_of(call: Invocation) -> str:
    """The key from where the call says, else from the environment. Raises ConfigurationError, InputError."""
    if call.key is not None and call.key_file is not None:
        raise typer.BadParameter("give the key or its file", param_hint="--key, --key-file")
    if call.key is not None:
        return call.key
    if call.key_file is not None:
        return _read(call.key_file)
    for variable, read in ((KEY_VARIABLE, str), (KEY_FILE_VARIABLE, _read)):
        given = os.environ.get(variable)
        if given:
            return read(given)
    raise ConfigurationError(
        "a server wants to know who is calling",
        where=call.address,
        remedy=f"give a key by --key-file FILE, {KEY_VARIABLE} or {KEY_FILE_VARIABLE}; `clew key create` makes one",
    )


def shaped(answer: object, kind: type[Result], **given: object) -> Result:
    """What a server showed as the object that commands show; `given` is what the server does not say."""
    if not given:
        return msgspec.convert(answer, kind, from_attributes=True)
    fields = msgspec.structs.asdict(answer) if isinstance(answer, msgspec.Struct) else {}
    return msgspec.convert(fields | given, kind, from_attributes=True)


def _read(name: str) -> str:
    if name == "-":
        return sys.stdin.readline(_LONGEST_KEY).strip()
    path = Path(name)
    try:
        with path.open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IRGRP | stat.S_IROTH):
                warn(f"others can read the key in {name}: chmod 600 {name}")
            return file.readline(_LONGEST_KEY).strip()
    except (OSError, UnicodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InputError(f"the key's file cannot be read: {said}", where=name, remedy="check the path") from None
