"""What commands write: text for people, escaped, or one JSON document; anything else goes to standard error.

Names, payloads and file names come from attackers. Every string passes through `shown` (or `json_text`), and Rich's
markup, emoji codes and highlighting are off, so that nothing in the record can steer a terminal.
"""

import json
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

if TYPE_CHECKING:
    from rich.console import Console

    from clew.kernel.errors import ClewError

NOTHING = "–"
LONGEST_CELL = 300
LONGEST_VALUE = 2000
# Joiners that ordinary text of several languages and many emoji need; they cannot reorder or hide what is around them.
HARMLESS_FORMATS = frozenset("\u200c\u200d")
STEERING_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def shown(value: object) -> str:
    """The value as one line of text in which every character that could steer a terminal is written as an escape.

    That is control characters (ANSI sequences begin with one, line breaks are some), bidirectional overrides and
    other invisible format characters, and halves of surrogate pairs.
    """
    text = _text(value)
    return text if text.isprintable() else "".join(_escaped(each) if _steers(each) else each for each in text)


def json_text(document: object) -> str:
    """The document as indented JSON, with the same characters escaped as in `shown`."""
    lines = json.dumps(_plain(document), ensure_ascii=False, indent=2).split("\n")
    return "\n".join(
        text if text.isprintable() else "".join(_json_escaped(each) if _steers(each) else each for each in text)
        for text in lines
    )


def print_json(document: object) -> None:
    """Write the command's one JSON document to standard output."""
    sys.stdout.write(json_text(document) + "\n")


def line(text: object = "", *, style: str = "", indent: int = 0) -> None:
    """Write one line to standard output, longer ones wrapped by the terminal itself."""
    _write(_console(stderr=False), text, style, indent)


def note(text: object, *, style: str = "") -> None:
    """Write one line to standard error."""
    _write(_console(stderr=True), text, style, 0)


def warn(text: object) -> None:
    """Write a warning to standard error."""
    note(f"warning: {text}", style="yellow")


def heading(text: object) -> None:
    """Write a heading with an empty line before it."""
    line()
    line(text, style="bold")


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: Sequence[int] = (),
    whole: Sequence[int] = (),
) -> None:
    """Write a table. Columns numbered in `right` are aligned to the right; those in `whole` are never folded."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for number, title in enumerate(headings):
        justify: Literal["left", "right"] = "right" if number in right else "left"
        drawn.add_column(title, justify=justify, overflow="fold", no_wrap=number in whole or number in right)
    for row in rows:
        drawn.add_row(*(Text(shortened(shown(cell), LONGEST_CELL)) for cell in row))
    _console(stderr=False).print(drawn)


def pairs(rows: Mapping[str, object]) -> None:
    """Write names and values below each other."""
    width = max(map(len, rows), default=0)
    for name, value in rows.items():
        line(f"{shown(name):<{width}}  {shortened(shown(value), LONGEST_VALUE)}", indent=2)


def shortened(text: str, most: int) -> str:
    """The text cut to so many characters; programs get all of it by --json."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def print_error(error: "ClewError", *, as_json: bool) -> None:
    """Say on standard error what was wrong, where, and what to do."""
    print_failure(error.code, error.message, error.where, error.remedy, as_json=as_json)


def print_failure(
    code: str, message: str, where: str | None = None, remedy: str | None = None, *, as_json: bool
) -> None:
    """Say the same of a failure that has no class of its own."""
    if as_json:
        document = {"error": {"code": code, "message": message, "where": where, "remedy": remedy}}
        sys.stderr.write(json_text(document) + "\n")
        return
    for label, text in (("error: ", message), ("  where: ", where), ("  do: ", remedy)):
        for number, part in enumerate((text or "").splitlines()):
            note(f"{label if not number else ' ' * len(label)}{part}", style="red" if label == "error: " else "")


def _write(console: "Console", text: object, style: str, indent: int) -> None:
    from rich.text import Text

    console.print(Text(" " * indent + shown(text), style=style), soft_wrap=True)


def _console(*, stderr: bool) -> "Console":
    from clew.cli.console import PlainConsole

    # Made for each use: the stream may be replaced, and a console keeps nothing worth keeping.
    return PlainConsole(stderr=stderr)


def _text(value: object) -> str:
    match value:
        case None | "":
            return NOTHING if value is None else ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        case Mapping():
            return ", ".join(f"{key}={_text(inner)}" for key, inner in value.items())
        case list() | tuple() | set() | frozenset():
            return ", ".join(map(_text, value))
        case _:
            return str(value)


def _steers(character: str) -> bool:
    return unicodedata.category(character) in STEERING_CATEGORIES and character not in HARMLESS_FORMATS


def _escaped(character: str) -> str:
    number = ord(character)
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    if character in short:
        return short[character]
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _json_escaped(character: str) -> str:
    return json.dumps(character)[1:-1] if character != "\x7f" else "\\u007f"


def _plain(value: Any) -> Any:
    """The value in JSON's own types."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Decimal():
            return float(value)
        case UUID() | Path():
            return str(value)
        case Mapping():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case set() | frozenset() | Iterator():
            return sorted((_plain(inner) for inner in value), key=str)
    raise TypeError(f"no JSON for {type(value).__name__}")
