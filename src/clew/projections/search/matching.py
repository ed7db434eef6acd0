"""From the product's query to an engine's, piece by piece; no text of the user ever reaches an engine's own parser.

What is asked for is the same in every engine; how an engine says it is said by its Expressions.

Rank: what a word matches adds up, so that the word itself is worth more than its folded form, that more than its stem,
that more than a beginning, and that more than a word with other letters.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

from clew.projections.search.errors import SearchQueryError
from clew.projections.search.fields import Field, FieldKind, SearchIndex, SetFields
from clew.projections.search.physical.analysis import stems_of, words_of
from clew.projections.search.physical.names import OTHER, has_whole, has_words, words_field
from clew.projections.search.physical.values import comparable
from clew.projections.search.port import AnyOf, Between, Filter, Scalar, SearchRequest
from clew.projections.search.query import Both, Either, Node, Phrase, Without, Word, loosely
from clew.projections.search.requests import address, micros, network, number
from clew.projections.search.words import LONGEST_BEGINNING, asked, folded_words, is_unspaced

FOLDED: Final = 0.8
STEMMED: Final = 0.5
BEGINNING: Final = 0.2
FUZZY: Final = 0.1
WHOLE: Final = 8.0
SUGGESTED_WHOLE: Final = 10.0
_NAMES: Final = frozenset({FieldKind.NAME, FieldKind.USERNAME})
_DATE_PREFIX: Final = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_LONGEST_PREFIX: Final = 100
_MOST_TOKENS: Final = 8

Q = TypeVar("Q")


class Expressions(Protocol[Q]):
    """How an engine says what is asked for. `place` is a physical field of words; see physical.names."""

    def words(self, place: str, tokens: Sequence[str]) -> Q:
        """These words next to each other; ranked by how often, in texts of what length."""

    def begins(self, place: str, tokens: Sequence[str]) -> Q:
        """The same, of which the last may go on."""

    def misspelt(self, place: str, token: str, letters: int) -> Q:
        """Words that differ from this one by so many letters."""

    def stems(self, stems: Mapping[str, str]) -> list[Q]:
        """Texts with one of the stems, by language."""

    def starts(self, token: str) -> Q:
        """Names with a word that begins so."""

    def identified(self, ids: Sequence[UUID]) -> Q:
        """Documents of these ids."""

    def whole(self, field: Field, texts: Sequence[str]) -> Q:
        """The whole value, as it is compared, is one of these."""

    def whole_begins(self, field: Field, text: str) -> Q:
        """The whole value, as it is compared, begins so."""

    def whole_misspelt(self, field: Field, text: str, letters: int) -> Q:
        """The whole value, as it is compared, differs by so many letters."""

    def numbers(self, field: Field, values: Sequence[int | float]) -> Q:
        """The number is one of these; of dates, microseconds."""

    def between(self, field: Field, low: float | None, high: float | None) -> Q:
        """The number is at least `low` and at most `high`."""

    def addresses(self, field: Field, low: str | None, high: str | None) -> Q:
        """The address is at least `low` and at most `high`."""

    def one_address(self, field: Field, addresses: Sequence[str]) -> Q:
        """The address is one of these."""

    def truth(self, field: Field, value: bool) -> Q:  # noqa: FBT001  the value itself
        """The field is true, or is false."""

    def known(self, field: Field) -> Q:
        """The field has a value."""

    def everything(self) -> Q:
        """Every document."""

    def nothing(self) -> Q:
        """No document."""

    def any(self, queries: Sequence[Q]) -> Q:
        """At least one; ranks add up."""

    def all(self, queries: Sequence[Q], *, without: Sequence[Q] = (), better: Sequence[Q] = ()) -> Q:
        """All of `queries`, one at least, none of `without`; ranks add up, also those of `better`, that need not be."""

    def boosted(self, query: Q, weight: float) -> Q:
        """Its rank times `weight`."""

    def constant(self, query: Q, rank: float) -> Q:
        """The same documents, all of this rank."""


class Matcher(Generic[Q]):
    """Builds queries for one index. languages: those its texts are stemmed in."""

    def __init__(self, say: Expressions[Q], fields: SetFields, languages: Sequence[str]) -> None:
        self._say = say
        self._fields = fields
        self._languages = languages
        worded = {words_field(field): field.weight for field in fields.searched if has_words(field)}
        self._everywhere = {**worded, OTHER: 1.0}

    def text(self, node: Node, typed: str) -> Q:
        """The query of a tree; documents whose whole name is what was typed come first."""
        query = self._node(node)
        title = self._fields.by_name[self._fields.title]
        if not has_whole(title):
            return query
        named = [title]
        if "normalized_name" in self._fields.by_name:
            named.append(self._fields.by_name["normalized_name"])
        whole = self._say.any([self._whole(field, typed.strip().strip('"')) for field in named])
        return self._say.all([query], better=[self._say.boosted(self._say.constant(whole, 1.0), WHOLE)])

    def suggested(self, prefix: str) -> Q | None:
        """Names with words that begin as typed; whole ones first. None if no word was typed."""
        tokens = folded_words(prefix[:_LONGEST_PREFIX])[:_MOST_TOKENS]
        if not tokens:
            return None
        named = [words_field(field) for field in self._fields.fields if field.kind in _NAMES]
        must = []
        for token in tokens:
            must.append(self._say.starts(token[:LONGEST_BEGINNING]))
            if len(token) > LONGEST_BEGINNING:
                must.append(self._say.any([self._say.begins(place, [token]) for place in named]))
        better: list[Q] = []
        title = self._fields.by_name[self._fields.title]
        if words_field(title) in named:
            better.append(self._say.constant(self._whole(title, prefix.strip()), SUGGESTED_WHOLE))
            better += [self._say.words(words_field(title), [token]) for token in tokens]
        return self._say.all(must, better=better)

    def filter(self, filter_: Filter) -> Q:
        """The query of a filter. Raises SearchQueryError."""
        field = self._fields.by_name[filter_.field]
        where = f"filter {filter_.field}"
        if isinstance(filter_, AnyOf):
            found = self._any_of(field, filter_.values, where)
            return self._without(found) if filter_.excluded else found
        if field.kind is FieldKind.IP:
            low = None if filter_.at_least is None else address(filter_.at_least, where)
            high = None if filter_.at_most is None else address(filter_.at_most, where)
            return self._say.addresses(field, low, high)
        return self._between(field, filter_, where)

    def conditions(self, request: SearchRequest) -> list[Q]:
        """All that the request asks for besides its text and places. Raises SearchQueryError."""
        return [
            *self.scope(request.index, request.entity_types),
            *(self.filter(filter_) for filter_ in request.filters),
            *self._period(request.since, request.until),
        ]

    def scope(self, index: SearchIndex, entity_types: Sequence[str] = ()) -> list[Q]:
        """What makes an index of its set, and documents of these types of it."""
        wanted = {"doc_type": index.doc_types, self._fields.type_field: tuple(entity_types)}
        return [self._any_of(self._fields.by_name[name], values, name) for name, values in wanted.items() if values]

    def filtered(self, query: Q, conditions: Sequence[Q]) -> Q:
        """The query where all conditions hold, which do not change its ranks."""
        if not conditions:
            return query
        return self._say.all([query, *(self._say.constant(condition, 0.0) for condition in conditions)])

    def _period(self, since: datetime | None, until: datetime | None) -> list[Q]:
        """What ends at or after `since` and begins before `until`; where only one of both times is known, it counts."""
        end, begin = self._fields.time_field, self._fields.began_field
        found = []
        if since is not None:
            found.append(self._or_other(end, begin, micros(since), None))
        if until is not None:
            found.append(self._or_other(begin, end, None, micros(until) - 1))
        return found

    def _or_other(self, name: str, other: str, low: int | None, high: int | None) -> Q:
        field, instead = self._fields.by_name[name], self._fields.by_name[other]
        found = self._say.between(field, low, high)
        if name == other:
            return found
        if_unknown = self._say.all([self._say.between(instead, low, high)], without=[self._say.known(field)])
        return self._say.any([found, if_unknown])

    def _without(self, query: Q) -> Q:
        return self._say.all([self._say.everything()], without=[query])

    def _node(self, node: Node) -> Q:
        match node:
            case Word():
                return self._word(node)
            case Phrase():
                return self._phrase(node)
            case Either(parts):
                return self._say.any([self._node(part) for part in parts])
            case Without(part):
                return self._without(self._node(part))
            case Both(parts):
                wanted = [self._node(part) for part in parts if not isinstance(part, Without)]
                unwanted = [self._node(part.part) for part in parts if isinstance(part, Without)]
                return self._say.all(wanted or [self._say.everything()], without=unwanted)

    def _word(self, word: Word) -> Q:
        if word.field is not None:
            field = self._fields.by_name[word.field]
            if not has_words(field):
                return self._value(field, word)
            places = {words_field(field): 1.0}
        else:
            field, places = None, self._everywhere
        prefix = word.prefix or (len(word.text) == 1 and is_unspaced(word.text))
        clauses = self._tokens(word.text, places, prefix=prefix)
        if not prefix:
            clauses += self._inflected(word.text, field)
            if word.fuzzy:
                clauses += self._misspelt(word, places)
        if field is None:
            clauses += self._identified(word.text)
            clauses += self._begun(word.text)
        return self._say.any(clauses)

    def _phrase(self, phrase: Phrase) -> Q:
        if phrase.field is not None:
            field = self._fields.by_name[phrase.field]
            if not has_words(field):
                return self._value(field, Word(phrase.text, phrase.field))
            return self._say.any(self._tokens(phrase.text, {words_field(field): 1.0}))
        return self._say.any(self._tokens(phrase.text, self._everywhere))

    def _tokens(self, text: str, places: dict[str, float], *, prefix: bool = False) -> list[Q]:
        """The words of a text, next to each other, in each of the places; `prefix`: the last may go on."""
        clauses = []
        tried: list[list[str]] = []
        for number_of_form, form in enumerate(asked(text)):
            tokens = words_of(form)
            if not tokens or tokens in tried:
                continue
            tried.append(tokens)
            for place, weight in places.items():
                query = self._say.begins(place, tokens) if prefix else self._say.words(place, tokens)
                clauses.append(self._say.boosted(query, weight * (FOLDED if number_of_form else 1.0)))
        return clauses

    def _inflected(self, text: str, field: Field | None) -> list[Q]:
        if field is not None and field.kind is not FieldKind.TEXT:
            return []
        if text.isascii() and len(words_of(text)) != 1:
            return []
        stems = stems_of(text, self._languages)
        return [self._say.boosted(query, STEMMED) for query in self._say.stems(stems)] if stems else []

    def _misspelt(self, word: Word, places: dict[str, float]) -> list[Q]:
        """Of a domain, an address or a word with hyphens: all its parts in any order, those of letters misspelt."""
        tokens = folded_words(word.text)
        loose = loosely(tokens)
        if not loose:
            return []
        clauses = []
        for place, weight in places.items():
            parts = [
                self._say.misspelt(place, token, word.fuzzy) if token in loose else self._say.words(place, [token])
                for token in tokens
            ]
            clauses.append(self._say.boosted(parts[0] if len(parts) == 1 else self._say.all(parts), weight * FUZZY))
        return clauses

    def _begun(self, text: str) -> list[Q]:
        """Names that go on where the word ends: its last part begins a word of theirs, the ones before are in it."""
        tokens = folded_words(text)
        if not tokens or not 2 <= len(tokens[-1]) <= LONGEST_BEGINNING:
            return []
        begun = self._say.starts(tokens[-1])
        if len(tokens) > 1:
            named = [words_field(field) for field in self._fields.searched if field.kind in _NAMES]
            begun = self._say.all([begun, self._say.any([self._say.words(place, tokens[:-1]) for place in named])])
        return [self._say.boosted(begun, BEGINNING)]

    def _identified(self, text: str) -> list[Q]:
        """Ids and addresses in any spelling, in the searched fields that hold them."""
        clauses = []
        identifier = _uuid(text)
        if identifier is not None:
            clauses.append(self._say.identified([identifier]))
        canonical = _address(text)
        if canonical is not None:
            if canonical != text:
                clauses += self._tokens(canonical, self._everywhere)
            for field in self._fields.searched:
                if field.kind is FieldKind.IP:
                    clauses.append(self._say.addresses(field, canonical, canonical))
        return clauses

    def _value(self, field: Field, word: Word) -> Q:
        """field:value for fields without words of their own."""
        where = f"text, {field.name}:"
        if field.kind is FieldKind.KEYWORD:
            return self._keyword(field, word)
        if field.kind is FieldKind.IP:
            return self._say.addresses(field, *network(word.text, where))
        if field.kind is FieldKind.INTEGER:
            if re.fullmatch(r"-?\d{1,19}", word.text, re.ASCII) is None:
                raise SearchQueryError(f"“{word.text[:40]}” is no whole number", where=where, remedy="give digits only")
            return self._any_of(field, (int(word.text),), where)
        if field.kind is FieldKind.FLOAT:
            try:
                value = float(word.text)
            except ValueError:
                value = float("nan")
            return self._say.numbers(field, [number(field, value, where)])
        if field.kind is FieldKind.DATE:
            first, after = _span(word.text, where)
            return self._say.between(field, micros(first), micros(after) - 1)
        if field.kind is FieldKind.BOOLEAN and word.text.lower() in ("true", "false"):
            return self._say.truth(field, word.text.lower() == "true")
        raise SearchQueryError(f"{field.name} cannot be looked for by text", where=where, remedy="leave it out")

    def _keyword(self, field: Field, word: Word) -> Q:
        if field.name == "id":
            return self._any_of(field, (word.text,), "id")
        text = comparable(word.text)
        if word.prefix:
            return self._say.whole_begins(field, text)
        clauses = [self._say.whole(field, [text])]
        if word.fuzzy:
            clauses.append(self._say.boosted(self._say.whole_misspelt(field, text, word.fuzzy), FUZZY))
        return self._say.any(clauses)

    def _whole(self, field: Field, value: str) -> Q:
        return self._say.whole(field, [comparable(value)])

    def _any_of(self, field: Field, values: Sequence[Scalar], where: str) -> Q:
        if field.name == "id":
            found = (_uuid(str(value)) for value in values)
            return self._say.identified([identifier for identifier in found if identifier is not None])
        if has_whole(field):
            return self._say.whole(field, [comparable(str(value)) for value in values])
        if field.kind is FieldKind.IP:
            return self._networks(field, [network(str(value), where) for value in values])
        if field.kind is FieldKind.INTEGER:
            return self._say.numbers(field, [number(field, value, where) for value in values])
        return self._say.any([self._say.truth(field, bool(value)) for value in values])

    def _networks(self, field: Field, networks: Sequence[tuple[str, str]]) -> Q:
        single = [low for low, high in networks if low == high]
        wide = [self._say.addresses(field, low, high) for low, high in networks if low != high]
        return self._say.any([self._say.one_address(field, single), *wide] if single or not wide else wide)

    def _between(self, field: Field, between: Between, where: str) -> Q:
        low = None if between.at_least is None else number(field, between.at_least, where)
        high = None if between.at_most is None else number(field, between.at_most, where)
        if low is not None and high is not None and low > high:
            return self._say.nothing()
        return self._say.between(field, low, high)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) >= 32 else None
    except ValueError:
        return None


def _address(text: str) -> str | None:
    if text.count(".") != 3 and ":" not in text:
        return None
    try:
        return str(ip_address(text.strip("[]")))
    except ValueError:
        return None


def _span(text: str, where: str) -> tuple[datetime, datetime]:
    """The year, month or day that a text names, in UTC: its beginning and the beginning of the next."""
    match = _DATE_PREFIX.fullmatch(text)
    year, month, day = (int(part) if part else None for part in match.groups()) if match is not None else (None,) * 3
    try:
        first = datetime(year or 0, month or 1, day or 1, tzinfo=UTC)
        if day is not None:
            return first, first + timedelta(days=1)
        if month is not None and month < 12:
            return first, first.replace(month=month + 1)
        return first, first.replace(year=first.year + 1, month=1)
    except (ValueError, OverflowError):
        remedy = "write 2024, 2024-05 or 2024-05-31"
        raise SearchQueryError(f"“{text[:40]}” is no day, month or year", where=where, remedy=remedy) from None
