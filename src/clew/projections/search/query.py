"""The text of a request as a tree: a small parser of its own, bounded in length, depth and number of words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from clew.projections.search.errors import SearchQueryError
from clew.projections.search.fields import SetFields
from clew.projections.search.port import MAXIMUM_CLAUSES, MAXIMUM_DEPTH, MAXIMUM_FUZZY, MAXIMUM_TEXT


@dataclass(frozen=True, slots=True)
class Word:
    """One word as typed. field: only there. prefix: what begins so. fuzzy: letters that may differ."""

    text: str
    field: str | None = None
    prefix: bool = False
    fuzzy: int = 0


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in this order."""

    text: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Both:
    """All of these."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of these."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Without:
    """Not this."""

    part: "Node"


Node = Word | Phrase | Both | Either | Without

_BLANK: Final = re.compile(r"\s+")
_FIELD: Final = re.compile(r"([A-Za-z_]{1,40}):(?=\S)")
_BARE: Final = re.compile(r"[^\s()\"]+")
_FUZZY: Final = re.compile(r"~(\d*)\Z")
_WRITTEN: Final = re.compile(r"\w")
SHORTEST_FUZZY: Final = 4
_LONGEST_FUZZY: Final = 64


def loosely(tokens: Sequence[str]) -> tuple[str, ...]:
    """Of a fuzzy word's parts, those that may be written otherwise: one alone, of several those of enough letters."""
    if len(tokens) == 1:
        return tuple(tokens)
    return tuple(each for each in tokens if len(each) >= SHORTEST_FUZZY and each.isalpha())


def parse(text: str, fields: SetFields, fuzzy: int = 0) -> Node | None:
    """The tree of a text; None for an empty one. `fuzzy` is applied to every plain word that is long enough.

    Raises SearchQueryError, with the position of what is wrong.
    """
    if len(text) > MAXIMUM_TEXT:
        raise SearchQueryError(
            f"the text has {len(text):,} characters; at most {MAXIMUM_TEXT:,} are searched for",
            where="text",
            remedy="search for the words that matter",
        )
    return _Parser(text, fields, fuzzy).parse()


class _Parser:
    def __init__(self, text: str, fields: SetFields, fuzzy: int) -> None:
        self._text = text
        self._fields = fields.by_name
        self._fuzzy = fuzzy
        self._at = 0
        self._clauses = 0

    def parse(self) -> Node | None:
        if not self._text.strip():
            return None
        node = self._either(0)
        if self._peek() == ")":
            raise self._wrong("a closing parenthesis without an opening one", 'put literal ones into "quotation marks"')
        if node is None:
            raise self._wrong("there is no word to look for", "type letters or digits")
        return node

    def _either(self, depth: int) -> Node | None:
        parts = [self._both(depth)]
        while self._operator("OR"):
            parts.append(self._both(depth))
        found = tuple(part for part in parts if part is not None)
        return found[0] if len(found) == 1 else Either(found) if found else None

    def _both(self, depth: int) -> Node | None:
        parts: list[Node] = []
        while self._peek() not in ("", ")") and not self._operator("OR", take=False):
            if self._operator("AND"):
                continue
            part = self._one(depth)
            if part is not None:
                parts.append(part)
        return parts[0] if len(parts) == 1 else Both(tuple(parts)) if parts else None

    def _one(self, depth: int) -> Node | None:
        if depth > MAXIMUM_DEPTH:
            raise self._wrong(f"more than {MAXIMUM_DEPTH} levels of parentheses or negations", "write it flatter")
        if self._operator("NOT") or self._minus():
            if self._peek() in ("", ")"):
                return None
            part = self._one(depth + 1)
            return None if part is None else Without(part)
        if self._peek() == "(":
            return self._group(depth)
        field = self._field()
        if self._peek() == '"':
            return self._phrase(field)
        return self._word(field)

    def _group(self, depth: int) -> Node | None:
        opened = self._at
        self._at += 1
        node = self._either(depth + 1)
        if self._peek() != ")":
            self._at = opened
            raise self._wrong("an opening parenthesis that is not closed", 'close it, or put it into "quotation marks"')
        self._at += 1
        return node

    def _field(self) -> str | None:
        match = _FIELD.match(self._text, self._at)
        if match is None or match[1].lower() not in self._fields or self._text.startswith("//", match.end()):
            return None
        self._at = match.end()
        return match[1].lower()

    def _phrase(self, field: str | None) -> Node | None:
        end = self._text.find('"', self._at + 1)
        if end < 0:
            raise self._wrong("a quotation mark that is not closed", "close it or leave it out")
        inner = self._text[self._at + 1 : end]
        self._count()
        self._at = end + 1
        return Phrase(inner, field) if _WRITTEN.search(inner) else None

    def _word(self, field: str | None) -> Node | None:
        match = _BARE.match(self._text, self._at)
        if match is None:  # only after a field: `name:(…`
            raise self._wrong("a field needs a value", 'write field:value or field:"several words"')
        word, fuzzy = match[0], 0
        self._count()
        marked = _FUZZY.search(word)
        if marked is not None:
            fuzzy = self._fuzziness(marked[1])
            word = word[: marked.start()]
        prefix = word.endswith("*")
        word = word.rstrip("*")
        self._at = match.end()
        if not _WRITTEN.search(word):
            return None
        if fuzzy and len(word) < SHORTEST_FUZZY:
            raise self._wrong(f"“{word}” is too short to be looked for with other letters", "give four letters or more")
        if not fuzzy and not prefix and field is None and SHORTEST_FUZZY <= len(word) <= _LONGEST_FUZZY:
            fuzzy = self._fuzzy if len(word) >= 2 * SHORTEST_FUZZY else min(self._fuzzy, 1)
        return Word(word, field, prefix, fuzzy if len(word) <= _LONGEST_FUZZY else 0)

    def _fuzziness(self, digits: str) -> int:
        if len(digits) > 3 or int(digits or "1") > MAXIMUM_FUZZY:
            raise self._wrong(f"words may differ by at most {MAXIMUM_FUZZY} letters", "write ~1 or ~2")
        return int(digits or "1")

    def _count(self) -> None:
        self._clauses += 1
        if self._clauses > MAXIMUM_CLAUSES:
            raise self._wrong(f"more than {MAXIMUM_CLAUSES} words", "search for the words that matter")

    def _operator(self, word: str, *, take: bool = True) -> bool:
        self._peek()
        end = self._at + len(word)
        if not self._text.startswith(word, self._at) or (end < len(self._text) and self._text[end] not in ' \t\r\n()"'):
            return False
        if take:
            self._at = end
        return True

    def _minus(self) -> bool:
        if self._peek() != "-" or self._at + 1 >= len(self._text) or self._text[self._at + 1].isspace():
            return False
        self._at += 1
        return True

    def _peek(self) -> str:
        blank = _BLANK.match(self._text, self._at)
        if blank is not None:
            self._at = blank.end()
        return self._text[self._at : self._at + 1]

    def _wrong(self, message: str, remedy: str) -> SearchQueryError:
        return SearchQueryError(message, where=f"text, character {self._at + 1}", remedy=remedy)
