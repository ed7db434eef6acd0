"""`clew report`: a case as one page, or as JSON."""

import contextlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation


class Format(StrEnum):
    """What a report is written as."""

    HTML = "html"
    JSON = "json"


def report(
    context: typer.Context,
    case: Annotated[str, typer.Argument(metavar="CASE", help="Name or id of the case.")],
    wanted: Annotated[
        Format | None, typer.Option("--format", help="One page to read, or everything for programs (else html).")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Write to this file, readable by you alone.")
    ] = None,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a case's report.

    Entities, relations, timeline, map and sources on one page that needs no network; or all of it as JSON. Without
    --output it goes to standard output; with it, a file of that name is replaced.
    """
    import sys

    from clew.cli.desk.opening import reports_of
    from clew.cli.output import line, print_json

    call = invocation(context, as_json, organization, data_dir)
    kind = wanted or (Format.JSON if call.json else Format.HTML)
    _require_somewhere_to_go(kind, output, as_json=call.json, terminal=sys.stdout.isatty())
    if output is None:
        reports_of(call).write(case, kind.value, sys.stdout.write)
        return
    with private_file(output) as file:
        reports_of(call).write(case, kind.value, file.write)
    if call.json:
        print_json({"file": output, "format": kind.value, "bytes": file.size, "sha256": file.digest.hexdigest()})
    else:
        line(f"wrote {output}: {kind.upper()}, {file.size:,} bytes, readable by you alone")


def _require_somewhere_to_go(kind: Format, output: Path | None, *, as_json: bool, terminal: bool) -> None:
    if output is not None or kind is Format.JSON:
        return
    if as_json:
        raise typer.BadParameter("with --json a page needs --output FILE", param_hint="--format")
    if terminal:
        raise typer.BadParameter("a page is not for a terminal: name a file to write", param_hint="--output")


class _Written:
    """A file in the making: what goes into it is counted and digested on the way."""

    def __init__(self, descriptor: int) -> None:
        import hashlib
        import os

        self._file = os.fdopen(descriptor, "wb")
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, text: str) -> None:
        self.write_bytes(text.encode(errors="backslashreplace"))

    def write_bytes(self, content: bytes) -> None:
        self._file.write(content)
        self.digest.update(content)
        self.size += len(content)

    def finish(self) -> None:
        import os

        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        self._file.close()


@contextlib.contextmanager
def private_file(path: Path) -> Iterator[_Written]:
    """A file of mode 0600 that takes its name when it is complete. Raises InputError where that cannot be."""
    import os
    import secrets

    from clew.kernel.errors import InputError

    if path.is_dir():
        raise InputError("this is a directory", where=str(path), remedy="name a file in it, such as report.html")
    # A random name opened exclusively: nobody who may write to the directory can lead us to another file by a link.
    temporary = path.with_name(f".{path.name[:80]}.{secrets.token_hex(8)}")
    try:
        written = _Written(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        try:
            yield written
            written.finish()
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                written.abandon()
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(
            f"the report cannot be written: {error.strerror}",
            where=str(path),
            remedy="choose another place with --output, or make room there",
        ) from error
