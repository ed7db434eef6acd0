"""Text as tools and spreadsheets write it: encodings, lines, terminal colours."""

import codecs
import io
import re
from collections.abc import Iterator
from typing import Final

_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BEFORE: Final = codecs.BOM_UTF8 + b" \t\r\n"
_TERMINAL_CODE: Final = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]"  # colours, cursor movement, clearing
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # hyperlinks and titles
)


def decode_text(data: bytes) -> str:
    """Text of UTF-8 (with or without byte order mark) or of UTF-16 with one. Never raises.

    Bytes that are not valid stay as lone surrogates, so that only the rows holding them are refused.
    """
    if data.startswith(_UTF_16):
        return data[: len(data) // 2 * 2].decode("utf-16", "surrogatepass")
    return data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")


def as_utf8(data: bytes) -> bytes:
    """UTF-16 with a byte order mark as UTF-8 without one; anything else as it is. Never raises.

    What redirecting a tool's output writes in Windows PowerShell is UTF-16, whatever the tool wrote.
    """
    return encode_text(decode_text(data)) if data.startswith(_UTF_16) else data


def first_byte(data: bytes) -> bytes:
    """The first that is neither blank nor of a byte order mark; empty where there is none."""
    return data.lstrip(_BEFORE)[:1]


def encode_text(text: str) -> bytes:
    """The bytes of a piece of `decode_text`'s result; invalid ones come back as they were."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their 1-based numbers, line ends kept. Only LF, CR and CR LF end a line."""
    return enumerate(io.StringIO(text, newline=""), start=1)


def without_terminal_codes(line: str) -> str:
    """The line as a person saw it: no colours, no hyperlinks, and of a line redrawn with CR only the last state."""
    return _TERMINAL_CODE.sub("", line).strip("\r\n").rpartition("\r")[2].strip()


def whole_lines(head: bytes, *, complete: bool) -> bytes:
    """The sample without a last line that was cut off."""
    if complete:
        return head
    return head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1]
