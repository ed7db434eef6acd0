"""Cleaning and folding of text, without knowing what it stands for."""

import re
import unicodedata
from typing import Final

from anyascii import anyascii

from clew.ontology.value import MAXIMUM_CHARACTERS, InvalidValueError

_MAXIMUM_MARKS: Final = 255
_FOLDED_SCRIPTS: Final = frozenset({"LATIN", "GREEK", "CYRILLIC"})
_JOINERS: Final = "\u200c\u200d"  # they change how a word is read in Persian and Indic scripts, and join emoji
_EDGES: Final = (
    " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"  # every blank Unicode has, and below every mark that cannot be seen
    "\xad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufeff"
)
_FORBIDDEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_REFANGED: Final = (
    (re.compile(r"\s?(?:\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\{dot\})\s?", re.IGNORECASE), "."),
    (re.compile(r"\s?(?:\[@\]|\(@\)|\[at\]|\(at\)|\{at\})\s?", re.IGNORECASE), "@"),
    (re.compile(r"\[:\]"), ":"),
    (re.compile(r"\A(h)(?:xx|\*\*|tt)(ps?)(?=:|\[:)", re.IGNORECASE), r"\1tt\2"),
    (re.compile(r"\Afxp(?=s?:)", re.IGNORECASE), "ftp"),
    (re.compile(r"\[:?//\]"), "://"),
)


def check_length(value: str) -> None:
    """Raises InvalidValueError("too_long") for a value of more characters than any type may have."""
    if len(value) > MAXIMUM_CHARACTERS:
        raise InvalidValueError("too_long", f"a value of {len(value)} characters, more than {MAXIMUM_CHARACTERS}")


def check_marks(text: str) -> None:
    """Raises InvalidValueError("too_many_marks") for a longer run of combining marks than any script stacks.

    Unicode normalisation sorts each run in quadratic time: 65,000 marks would take seconds.
    """
    if len(text) <= _MAXIMUM_MARKS or text.isascii():
        return
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run > _MAXIMUM_MARKS:
            raise InvalidValueError("too_many_marks", f"more than {_MAXIMUM_MARKS} combining marks on one letter")


def identifier(value: str) -> str:
    """An identifier without blanks and invisible marks around it, as copying from a page leaves them.

    Raises InvalidValueError: "empty", or "invalid_characters" for control characters and lone surrogates inside,
    and those of `check_length` and `check_marks`.
    """
    check_length(value)
    check_marks(value)
    stripped = value.strip(_EDGES)
    if not stripped:
        raise InvalidValueError("empty", "an empty value")
    if _FORBIDDEN.search(stripped):
        raise InvalidValueError("invalid_characters", "control characters or broken encoding inside an identifier")
    return stripped


def refanged(value: str) -> str:
    """An indicator as it was before someone made it unclickable: hxxp://, example[.]org, alice[at]example.org."""
    if "[" not in value and "(" not in value and "{" not in value and "xp" not in value.lower() and "*" not in value:
        return value
    for pattern, replacement in _REFANGED:
        value = pattern.sub(replacement, value)
    return value


def verbatim(value: str) -> str:
    r"""What the other side sent, unchanged but for what PostgreSQL cannot store.

    NUL and lone surrogates become visible escapes (`\x00`, `\xff` for an undecodable byte, `\ud800`).
    Raises InvalidValueError("too_long").
    """
    check_length(value)
    if value.isascii() and "\x00" not in value:
        return value
    return _UNSTORABLE.sub(_escape, value)


def clean_name(value: str) -> str:
    """A name as people write it: NFC, single blanks, no control or invisible characters; may be empty.

    Joiners stay, because words differ by them; broken encoding becomes U+FFFD.
    Raises InvalidValueError as `check_length` and `check_marks` do.
    """
    check_length(value)
    check_marks(value)
    if value.isascii():
        return " ".join(_CONTROLS.sub(" ", value).split())
    text = _CONTROLS.sub(" ", _SURROGATES.sub("\ufffd", value))
    text = "".join(c for c in text if c in _JOINERS or unicodedata.category(c) != "Cf")
    return " ".join(unicodedata.normalize("NFC", text).split()).strip(_JOINERS + " ")


def fold_case(text: str) -> str:
    """Compatibility form without case (NFKC, full case folding), stable under repetition; accents stay.

    Raises InvalidValueError("too_many_marks").
    """
    if text.isascii():
        return " ".join(text.lower().split())
    check_marks(text)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    folded = "".join(c for c in folded if unicodedata.category(c) != "Cf")
    again = unicodedata.normalize("NFKC", folded.casefold())
    return " ".join(again.split())


def fold_name(text: str) -> str:
    """`fold_case`, and accents taken off Latin, Greek and Cyrillic letters; marks that are letters elsewhere stay."""
    folded = fold_case(text)
    if folded.isascii():
        return folded
    letters: list[str] = []
    strip_marks = False
    for character in unicodedata.normalize("NFD", folded):
        if unicodedata.category(character) == "Mn":
            if strip_marks:
                continue
        else:
            script = _script(character)
            strip_marks = script in _FOLDED_SCRIPTS
            if script == "LATIN" and not character.isascii():
                letters.append(anyascii(character).casefold() or character)  # letters that do not decompose: ø, ł, æ
                continue
        letters.append(character)
    return " ".join(unicodedata.normalize("NFC", "".join(letters)).split())


def _script(character: str) -> str:
    """The first word of the character's Unicode name, which for letters is the script."""
    return unicodedata.name(character, "").partition(" ")[0] if character.isalpha() else ""


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code == 0:
        return r"\x00"
    return rf"\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else rf"\u{code:04x}"
