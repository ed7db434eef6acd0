"""How text becomes words: the same for what is stored and what is asked, whatever engine holds it."""

import re
import unicodedata
from typing import Final

LONGEST_BEGINNING: Final = 15

# Scripts written without blanks between words: found by pairs of neighbouring letters.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]+"
)
# Marks that take a letter's accent, vowel or tone and without which people type it, too.
_MARKS: Final = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u0e47-\u0e4e]+"
)
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+")
_UNDECOMPOSED: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
)
_ENCODED_LABEL: Final = re.compile(r"xn--([a-z0-9-]{1,59})", re.IGNORECASE)
_LONG_RUN_OF_MARKS: Final = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{32,}"
)
# Vowel signs of Indic scripts are no letters to regular expressions, but no ends of words either.
WORD_CHARACTER: Final = "(?:[^\\W_]|[\u0900-\u0963\u0966-\u0d7f])"
_WORD: Final = re.compile(f"{WORD_CHARACTER}+")
_LETTERS_AND_DIGITS: Final = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")


def fold(text: str) -> str:
    """Text without case, accents, vowel signs that are usually left out, and width: what two spellings share."""
    if text.isascii():
        return text.lower()
    text = _LONG_RUN_OF_MARKS.sub("", _INVISIBLE.sub("", text))  # normalising a long run takes quadratic time
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold().translate(_UNDECOMPOSED))
    return unicodedata.normalize("NFC", _MARKS.sub("", decomposed))


def spaced(text: str) -> str:
    """Text with every run of a script without blanks as its overlapping pairs of letters (and its last letter)."""
    if text.isascii():
        return text
    return _UNSPACED.sub(_pairs, text)


def asked(text: str) -> list[str]:
    """The forms in which a word or phrase is looked for: of scripts without blanks only whole pairs of letters."""
    found = [text]
    readable = decoded(text)
    folded = fold(readable)
    for candidate in (readable, folded if folded.isascii() else _UNSPACED.sub(_whole_pairs, folded)):
        if candidate not in found and candidate != text.lower():
            found.append(candidate)
    return found


def is_unspaced(text: str) -> bool:
    """Whether there is a letter of a script without blanks."""
    return not text.isascii() and _UNSPACED.search(text) is not None


def decoded(text: str) -> str:
    """Text with internationalised labels of domains (xn--…) as people read them; what is none stays."""
    return _ENCODED_LABEL.sub(_label, text)


def forms(text: str) -> list[str]:
    """What of a text is indexed: itself, and where they differ its folded form and the one with domains decoded."""
    lowered = text.lower()
    if text.isascii() and "xn--" not in lowered:
        return [text]
    found = [text]
    readable = decoded(text) if "xn--" in lowered else text
    for candidate in (readable, spaced(fold(readable))):
        if candidate not in found and candidate != lowered:
            found.append(candidate)
    return found


def split_digits(name: str) -> str | None:
    """A user name with its letters and digits apart; None if that changes nothing."""
    apart = _LETTERS_AND_DIGITS.sub(" ", name)
    return apart if apart != name else None


def folded_words(text: str) -> list[str]:
    """The folded words of a text, in order; pairs of letters where there are no blanks."""
    if text.isascii():
        lowered = text.lower()
        return _WORD.findall(lowered if "xn--" not in lowered else spaced(fold(decoded(lowered))))
    return _WORD.findall(spaced(fold(decoded(text))))


def _pairs(match: re.Match[str]) -> str:
    run = match[0]
    pairs = [run[index : index + 2] for index in range(len(run))]  # the last one is a single letter
    return f" {' '.join(pairs)} "


def _whole_pairs(match: re.Match[str]) -> str:
    run = match[0]
    pairs = [run[index : index + 2] for index in range(len(run) - 1)] or [run]
    return f" {' '.join(pairs)} "


def _label(match: re.Match[str]) -> str:
    try:
        label = match[1].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError):
        return match[0]
    return label if all(character.isalnum() or character == "-" for character in label) else match[0]
