"""Where the words that were asked for stand in a document's text."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Final

from clew.projections.search.fields import FieldKind, SetFields
from clew.projections.search.port import Document, Highlight
from clew.projections.search.query import Both, Either, Node, Phrase, Without, Word, loosely
from clew.projections.search.words import WORD_CHARACTER, fold, folded_words, is_unspaced

_FRAGMENT: Final = 160
_FRAGMENTS: Final = 3
_BEFORE: Final = 50
_MOST_TEXT: Final = 200_000
_MOST_MARKS: Final = 200
_KINDS: Final = frozenset({FieldKind.TEXT, FieldKind.NAME, FieldKind.USERNAME, FieldKind.KEYWORD, FieldKind.IP})
_WORD_AT: Final = re.compile(f"{WORD_CHARACTER}+")

Stems = Callable[[str], frozenset[str]]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Folded words, by how they are looked for; `field` None is everywhere."""

    field: str | None
    whole: frozenset[str]
    beginnings: tuple[str, ...]
    fuzzy: tuple[tuple[str, int], ...]
    unspaced: tuple[str, ...]


class Highlighter:
    """Marks what a query's words are in the documents it found.

    stems: the stems a folded word can have, for inflected forms. Without query, nothing is marked.
    """

    def __init__(self, node: Node | None, fields: SetFields, stems: Stems) -> None:
        self._fields = fields
        self._stems = stems
        self._wanted: dict[str | None, _Wanted] = {}
        leaves = [] if node is None else list(_leaves(node))
        for field in {leaf.field for leaf in leaves}:
            self._wanted[field] = _wanted(field, [leaf for leaf in leaves if leaf.field == field])
        self._matchers = {field: self._matcher(field) for field in fields.by_name} if leaves else {}

    def highlights(self, document: Document) -> dict[str, tuple[Highlight, ...]]:
        """For each field with marks, its pieces of text in the order of the document."""
        found: dict[str, tuple[Highlight, ...]] = {}
        for name, matcher in self._matchers.items():
            value = document.get(name)
            if matcher is None or not value:
                continue
            texts = value if isinstance(value, list | tuple) else [value]
            pieces = tuple(chain.from_iterable(self._pieces(text, matcher) for text in texts if isinstance(text, str)))
            if pieces:
                found[name] = pieces[:_FRAGMENTS]
        return found

    def _matcher(self, name: str) -> "_Matcher | None":
        field = self._fields.by_name[name]
        if field.kind not in _KINDS:
            return None
        wanted = [self._wanted[key] for key in ((None, name) if field.searched else (name,)) if key in self._wanted]
        return _Matcher(wanted, self._stems if field.kind is FieldKind.TEXT else None) if wanted else None

    def _pieces(self, text: str, matcher: "_Matcher") -> list[Highlight]:
        marks = matcher.marks(text[:_MOST_TEXT])
        if not marks:
            return []
        if len(text) <= 2 * _FRAGMENT:
            return [Highlight(text, tuple(marks))]
        pieces: list[Highlight] = []
        while marks and len(pieces) < _FRAGMENTS:
            start = _blank_before(text, max(0, marks[0][0] - _BEFORE), marks[0][0])
            end = max(_blank_after(text, start + _FRAGMENT), marks[0][1])
            inside = [mark for mark in marks if mark[1] <= end]
            pieces.append(Highlight(text[start:end], tuple((a - start, b - start) for a, b in inside)))
            marks = [mark for mark in marks if mark[0] >= end]
        return pieces


class _Matcher:
    """Finds the wanted words in one text: a pattern for candidates, then a look at each."""

    def __init__(self, wanted: list[_Wanted], stems: Stems | None) -> None:
        self._whole = frozenset(chain.from_iterable(each.whole for each in wanted))
        self._beginnings = tuple(chain.from_iterable(each.beginnings for each in wanted))
        self._fuzzy = tuple(chain.from_iterable(each.fuzzy for each in wanted))
        self._unspaced = tuple(chain.from_iterable(each.unspaced for each in wanted))
        self._stems = stems
        self._wanted_stems = frozenset(chain.from_iterable(map(stems, self._whole))) if stems else frozenset()
        self._known: dict[str, bool] = {}
        roots = {word[: max(2, min(len(word) - 2, 6))] if stems else word for word in self._whole}
        roots |= {stem[: max(2, len(stem) - 1)] for stem in self._wanted_stems} | set(self._beginnings)
        roots = {root for root in roots if not any(other != root and root.startswith(other) for other in roots)}
        pattern = "|".join(re.escape(root) for root in sorted(roots))
        self._candidates = (
            _WORD_AT
            if self._fuzzy
            else re.compile(rf"(?<!{WORD_CHARACTER})(?:{pattern}){WORD_CHARACTER}*")
            if roots
            else None
        )
        self._runs = re.compile("|".join(map(re.escape, self._unspaced))) if self._unspaced else None

    def marks(self, text: str) -> list[tuple[int, int]]:
        """Start and end of what is to be marked, in order, not overlapping."""
        folded, origin = _folded(text)
        spans = []
        if self._candidates is not None:
            for match in self._candidates.finditer(folded):
                if self._is_wanted(match[0]):
                    spans.append(match.span())
                    if len(spans) >= _MOST_MARKS:
                        break
        if self._runs is not None:
            spans = sorted([*spans, *(match.span() for match in self._runs.finditer(folded))])[:_MOST_MARKS]
        if origin is not None:
            spans = [(origin[start], origin[end - 1] + 1) for start, end in spans]
        return _merged(spans)

    def _is_wanted(self, word: str) -> bool:
        known = self._known.get(word)
        if known is None:
            known = self._known[word] = self._decide(word)
        return known

    def _decide(self, word: str) -> bool:
        if word in self._whole or word.startswith(self._beginnings):
            return True
        if self._wanted_stems and self._stems is not None and not self._wanted_stems.isdisjoint(self._stems(word)):
            return True
        return any(_within(word, other, most) for other, most in self._fuzzy)


def _leaves(node: Node) -> Iterable[Word | Phrase]:
    match node:
        case Word() | Phrase():
            yield node
        case Both(parts) | Either(parts):
            for part in parts:
                yield from _leaves(part)
        case Without():
            return


def _wanted(field: str | None, leaves: list[Word | Phrase]) -> _Wanted:
    whole: set[str] = set()
    beginnings: list[str] = []
    fuzzy: list[tuple[str, int]] = []
    unspaced: list[str] = []
    for leaf in leaves:
        if is_unspaced(leaf.text):
            unspaced.append(fold(leaf.text))
            continue
        words = folded_words(leaf.text)
        whole.update(words)
        if isinstance(leaf, Word) and words:
            if leaf.prefix:
                beginnings.append(words[-1])
            elif len(words[-1]) >= 2 and field is None:
                beginnings.append(words[-1])  # half a name finds the whole one
            if leaf.fuzzy:
                fuzzy += [(each, leaf.fuzzy) for each in loosely(words)]
    return _Wanted(field, frozenset(whole), tuple(beginnings), tuple(fuzzy), tuple(unspaced))


def _folded(text: str) -> tuple[str, list[int] | None]:
    """The folded text, and for each of its characters the position it comes from (None: the same)."""
    if text.isascii():
        return text.lower(), None
    pieces, origin = [], []
    for position, character in enumerate(text):
        piece = character.lower() if character.isascii() else fold(character)
        pieces.append(piece)
        origin.extend([position] * len(piece))
    return "".join(pieces), origin


def _within(word: str, other: str, most: int) -> bool:
    """Whether two words differ by at most `most` letters, neighbours exchanged counting as one."""
    if abs(len(word) - len(other)) > most:
        return False
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(word, 1):
        next_row = [i]
        for j, wanted in enumerate(other, 1):
            cost = min(row[j] + 1, next_row[j - 1] + 1, row[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and word[i - 2] == wanted:
                cost = min(cost, before[j - 2] + 1)
            next_row.append(cost)
        if min(next_row) > most:
            return False
        before, row = row, next_row
    return row[-1] <= most


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _blank_before(text: str, start: int, mark: int) -> int:
    if start == 0:
        return 0
    blank = text.find(" ", start, mark)
    return blank + 1 if blank >= 0 else start


def _blank_after(text: str, end: int) -> int:
    if end >= len(text):
        return len(text)
    blank = text.rfind(" ", end - 40, end)
    return blank if blank >= 0 else end
