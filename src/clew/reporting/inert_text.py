"""Text of the record as a page may show it: nothing in it can steer how what is around it is read.

Markup is no concern here: whatever writes HTML escapes it. What remains are characters that escaping leaves alone,
such as bidirectional overrides that turn a name around, and texts of a megabyte.
"""

import unicodedata
from typing import Final

STEERING_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
HARMLESS_FORMATS: Final = frozenset("\u200c\u200d")
"""Joiners that ordinary text of several languages and many emoji need."""

LONGEST_TEXT: Final = 2000
_MARKS_IN_A_ROW: Final = 4
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def inert(text: str, most: int = LONGEST_TEXT) -> str:
    """At most `most` characters of the text as one line, in which steering characters are written as escapes.

    Marks that pile up on one letter beyond four are left out: a hundred of them cover the lines above.
    """
    # An escape is up to ten characters long, so what is cut off first is never needed.
    written = text[: most + 1]
    if not written.isprintable():
        written = "".join(_escaped(each) if _steers(each) else each for each in written)
    if not written.isascii():
        written = _without_piles(written)
    return written if len(written) <= most else f"{written[: most - 1]}…"


def _steers(character: str) -> bool:
    return unicodedata.category(character) in STEERING_CATEGORIES and character not in HARMLESS_FORMATS


def _escaped(character: str) -> str:
    number = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _without_piles(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MARKS_IN_A_ROW:
            kept.append(character)
    return "".join(kept)
