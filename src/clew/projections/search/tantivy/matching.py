"""From the product's query to Tantivy's, piece by piece; no text of the user ever reaches Tantivy's own parser.

Rank: what a word matches adds up, so that the word itself is worth more than its folded form, that more than its stem,
that more than a beginning, and that more than a word with other letters.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from typing import Final
from uuid import UUID

import tantivy
from tantivy import FieldType, Occur, Query

from clew.projections.search.errors import SearchQueryError
from clew.projections.search.fields import Field, FieldKind, SetFields
from clew.projections.search.port import AnyOf, Between, Filter, Scalar
from clew.projections.search.query import Both, Either, Node, Phrase, Without, Word
from clew.projections.search.requests import address, micros, network, number
from clew.projections.search.tantivy.documents import key_of
from clew.projections.search.tantivy.schema import (
    has_whole,
    has_words,
    lower_field,
    stem_analyzer,
    stem_field,
    whole_field,
    words_analyzer,
    words_field,
)
from clew.projections.search.tantivy.values import comparable
from clew.projections.search.words import LONGEST_BEGINNING, asked, folded_words, is_unspaced

FOLDED: Final = 0.8
STEMMED: Final = 0.5
BEGINNING: Final = 0.2
FUZZY: Final = 0.1
WHOLE: Final = 8.0
_NAMES: Final = frozenset({FieldKind.NAME, FieldKind.USERNAME})
_SPECIAL: Final = re.compile(r"([\\.+*?()|\[\]{}^$])")
_DATE_PREFIX: Final = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_NUMBER: Final = {
    FieldKind.INTEGER: FieldType.Integer,
    FieldKind.DATE: FieldType.Integer,
    FieldKind.FLOAT: FieldType.Float,
}

stems_analyzer = lru_cache(maxsize=None)(stem_analyzer)
_words = lru_cache(maxsize=1)(words_analyzer)


def stems_of(word: str, languages: Iterable[str]) -> dict[str, str]:
    """The stem of a word in each of the languages in which it is not one of the most common words."""
    found = {}
    for language in languages:
        stems = stems_analyzer(language).analyze(word)
        if len(stems) == 1:
            found[language] = stems[0]
    return found


class Matcher:
    """Builds queries for one index. languages: those its texts are stemmed in."""

    def __init__(self, schema: tantivy.Schema, fields: SetFields, languages: tuple[str, ...]) -> None:
        self._schema = schema
        self._fields = fields
        self._languages = languages
        worded = {words_field(field): field.weight for field in fields.searched if has_words(field)}
        self._everywhere = {**worded, "_other": 1.0}

    def text(self, node: Node, typed: str) -> Query:
        """The query of a tree; documents whose whole name is what was typed come first."""
        query = self._node(node)
        title = self._fields.by_name[self._fields.title]
        if not has_whole(title):
            return query
        whole = [self._whole(title, typed.strip().strip('"'))]
        if "normalized_name" in self._fields.by_name:
            whole.append(self._whole(self._fields.by_name["normalized_name"], typed.strip().strip('"')))
        preferred = Query.boost_query(Query.const_score_query(_any(whole), 1.0), WHOLE)
        return Query.boolean_query([(Occur.Must, query), (Occur.Should, preferred)])

    def filter(self, filter_: Filter) -> Query:
        """The query of a filter. Raises SearchQueryError."""
        field = self._fields.by_name[filter_.field]
        where = f"filter {filter_.field}"
        if isinstance(filter_, AnyOf):
            found = self._any_of(field, filter_.values, where)
            return _without(found) if filter_.excluded else found
        if field.kind is FieldKind.IP:
            low = None if filter_.at_least is None else address(filter_.at_least, where)
            high = None if filter_.at_most is None else address(filter_.at_most, where)
            return self.range(field.name, FieldType.IpAddr, low, high)
        return self._between(field, filter_, where)

    def any_of(self, name: str, values: Iterable[str]) -> Query:
        """Documents with one of these whole values."""
        return self._any_of(self._fields.by_name[name], tuple(values), name)

    def period(self, since: datetime | None, until: datetime | None) -> list[Query]:
        """What ends at or after `since` and begins before `until`; where only one of both times is known, it counts."""
        end, begin = self._fields.time_field, self._fields.began_field
        found = []
        if since is not None:
            found.append(self._or_other(end, begin, micros(since), None))
        if until is not None:
            found.append(self._or_other(begin, end, None, micros(until) - 1))
        return found

    def range(self, name: str, kind: FieldType, low: float | str | None, high: float | str | None) -> Query:
        """Values from `low` to `high`, both included."""
        return Query.range_query(self._schema, name, kind, low, high)

    def _or_other(self, name: str, other: str, low: int | None, high: int | None) -> Query:
        found = self.range(name, FieldType.Integer, low, high)
        if name == other:
            return found
        instead = Query.boolean_query(
            [
                (Occur.Must, self.range(other, FieldType.Integer, low, high)),
                (Occur.MustNot, Query.exists_query(name)),
            ]
        )
        return _any([found, instead])

    def _node(self, node: Node) -> Query:
        match node:
            case Word():
                return self._word(node)
            case Phrase():
                return self._phrase(node)
            case Either(parts):
                return _any([self._node(part) for part in parts])
            case Without(part):
                return _without(self._node(part))
            case Both(parts):
                clauses = [
                    (Occur.MustNot, self._node(part.part))
                    if isinstance(part, Without)
                    else (Occur.Must, self._node(part))
                    for part in parts
                ]
                if all(occur == Occur.MustNot for occur, _ in clauses):
                    clauses.append((Occur.Must, Query.all_query()))
                return Query.boolean_query(clauses)

    def _word(self, word: Word) -> Query:
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
        return _any(clauses)

    def _phrase(self, phrase: Phrase) -> Query:
        if phrase.field is not None:
            field = self._fields.by_name[phrase.field]
            if not has_words(field):
                return self._value(field, Word(phrase.text, phrase.field))
            return _any(self._tokens(phrase.text, {words_field(field): 1.0}))
        return _any(self._tokens(phrase.text, self._everywhere))

    def _tokens(self, text: str, places: dict[str, float], *, prefix: bool = False) -> list[Query]:
        """The words of a text, next to each other, in each of the places; `prefix`: the last may go on."""
        clauses = []
        tried: list[list[str]] = []
        for number_of_form, form in enumerate(asked(text)):
            tokens = _words().analyze(form)
            if not tokens or tokens in tried:
                continue
            tried.append(tokens)
            for place, weight in places.items():
                query = self._begins(place, tokens) if prefix else self._sequence(place, tokens)
                clauses.append(Query.boost_query(query, weight * (FOLDED if number_of_form else 1.0)))
        return clauses

    def _sequence(self, place: str, tokens: list[str]) -> Query:
        if len(tokens) == 1:
            return Query.term_query(self._schema, place, tokens[0])
        return Query.phrase_query(self._schema, place, list(tokens))

    def _begins(self, place: str, tokens: list[str]) -> Query:
        if len(tokens) == 1:
            return Query.regex_query(self._schema, place, f"{escaped(tokens[0])}.*")
        patterns: list[str | tuple[int, str]] = [escaped(token) for token in tokens]
        return Query.regex_phrase_query(self._schema, place, [*patterns[:-1], f"{patterns[-1]}.*"])

    def _inflected(self, text: str, field: Field | None) -> list[Query]:
        if field is not None and field.kind is not FieldKind.TEXT:
            return []
        if text.isascii() and len(_words().analyze(text)) != 1:
            return []
        return [
            Query.boost_query(Query.term_query(self._schema, stem_field(language), stem, "freq"), STEMMED)
            for language, stem in stems_of(text, self._languages).items()
        ]

    def _misspelt(self, word: Word, places: dict[str, float]) -> list[Query]:
        tokens = folded_words(word.text)
        if len(tokens) != 1:
            return []
        return [
            Query.boost_query(Query.fuzzy_term_query(self._schema, place, tokens[0], word.fuzzy), weight * FUZZY)
            for place, weight in places.items()
        ]

    def _begun(self, text: str) -> list[Query]:
        """Names that go on where the word ends: its last part begins a word of theirs, the ones before are in it."""
        tokens = folded_words(text)
        if not tokens or not 2 <= len(tokens[-1]) <= LONGEST_BEGINNING:
            return []
        begun = Query.term_query(self._schema, "_starts", tokens[-1], "basic")
        if len(tokens) > 1:
            named = [words_field(field) for field in self._fields.searched if field.kind in _NAMES]
            before = [self._sequence(place, tokens[:-1]) for place in named]
            begun = Query.boolean_query([(Occur.Must, begun), (Occur.Must, _any(before))])
        return [Query.boost_query(begun, BEGINNING)]

    def _identified(self, text: str) -> list[Query]:
        """Ids and addresses in any spelling, in the searched fields that hold them."""
        clauses = []
        key = _key(text)
        if key is not None:
            clauses.append(Query.term_query(self._schema, "_id", key, "basic"))
        canonical = _address(text)
        if canonical is not None:
            if canonical != text:
                clauses += self._tokens(canonical, self._everywhere)
            for field in self._fields.searched:
                if field.kind is FieldKind.IP:
                    clauses.append(Query.term_query(self._schema, field.name, canonical))
        return clauses

    def _value(self, field: Field, word: Word) -> Query:
        """field:value for fields without words of their own."""
        where = f"text, {field.name}:"
        if field.kind is FieldKind.KEYWORD:
            return self._keyword(field, word)
        if field.kind is FieldKind.IP:
            return self._network(field, word.text, where)
        if field.kind is FieldKind.INTEGER:
            if re.fullmatch(r"-?\d{1,19}", word.text, re.ASCII) is None:
                raise SearchQueryError(f"“{word.text[:40]}” is no whole number", where=where, remedy="give digits only")
            return self._any_of(field, (int(word.text),), where)
        if field.kind is FieldKind.FLOAT:
            try:
                value = float(word.text)
            except ValueError:
                value = float("nan")
            return self.range(field.name, FieldType.Float, *(number(field, value, where),) * 2)
        if field.kind is FieldKind.DATE:
            first, after = _span(word.text, where)
            return self.range(field.name, FieldType.Integer, micros(first), micros(after) - 1)
        if field.kind is FieldKind.BOOLEAN and word.text.lower() in ("true", "false"):
            return Query.term_query(self._schema, field.name, word.text.lower() == "true")
        raise SearchQueryError(f"{field.name} cannot be looked for by text", where=where, remedy="leave it out")

    def _keyword(self, field: Field, word: Word) -> Query:
        if field.name == "id":
            return self._any_of(field, (word.text,), "id")
        if word.prefix:
            pattern = f"{escaped(comparable(word.text))}.*"
            return _any([Query.regex_query(self._schema, name, pattern) for name in _wholes(field)])
        clauses = [self._whole(field, word.text)]
        if word.fuzzy:
            text = comparable(word.text)
            for name in _wholes(field):
                fuzzy = Query.fuzzy_term_query(self._schema, name, text, word.fuzzy)
                clauses.append(Query.boost_query(fuzzy, FUZZY))
        return _any(clauses)

    def _whole(self, field: Field, value: str) -> Query:
        text = comparable(value)
        return _any([Query.term_query(self._schema, name, text, "basic") for name in _wholes(field)])

    def _any_of(self, field: Field, values: tuple[Scalar, ...], where: str) -> Query:
        if field.name == "id":
            keys = [key for key in (_key(str(value)) for value in values) if key is not None]
            return Query.term_set_query(self._schema, "_id", keys)
        if has_whole(field):
            texts = [comparable(str(value)) for value in values]
            return _any([Query.term_set_query(self._schema, name, texts) for name in _wholes(field)])
        if field.kind is FieldKind.IP:
            return _any([self._network(field, str(value), where) for value in values])
        if field.kind is FieldKind.INTEGER:
            return Query.term_set_query(self._schema, field.name, [number(field, value, where) for value in values])
        return _any([Query.term_query(self._schema, field.name, bool(value)) for value in values])

    def _network(self, field: Field, text: str, where: str) -> Query:
        low, high = network(text, where)
        if low == high:
            return Query.term_query(self._schema, field.name, low)
        return self.range(field.name, FieldType.IpAddr, low, high)

    def _between(self, field: Field, between: Between, where: str) -> Query:
        low = None if between.at_least is None else number(field, between.at_least, where)
        high = None if between.at_most is None else number(field, between.at_most, where)
        if low is not None and high is not None and low > high:
            return Query.empty_query()
        return self.range(field.name, _NUMBER[field.kind], low, high)


def escaped(text: str) -> str:
    """Text as the part of a regular expression that means just it."""
    return _SPECIAL.sub(r"\\\1", text)


def _wholes(field: Field) -> tuple[str, ...]:
    return (whole_field(field), lower_field(field)) if field.facet else (lower_field(field),)


def _any(queries: list[Query]) -> Query:
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Should, query) for query in queries])


def _without(query: Query) -> Query:
    return Query.boolean_query([(Occur.Must, Query.all_query()), (Occur.MustNot, query)])


def _key(text: str) -> str | None:
    try:
        return key_of(UUID(text).int) if len(text) >= 32 else None
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
