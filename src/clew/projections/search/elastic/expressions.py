"""How the engine says what is asked for; see matching.Expressions."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from clew.projections.search.elastic.mappings import INNER
from clew.projections.search.fields import Field, FieldKind, SetFields
from clew.projections.search.physical.names import (
    LANGUAGES,
    OTHER,
    STARTS,
    STEMS,
    lower_field,
    stem_of_language,
    words_field,
)

Query = dict[str, Any]

_MOST_ENDINGS: Final = 1_000
_BOOSTED_ITSELF: Final = frozenset({"bool", "dis_max", "constant_score", "terms", "match_all", "match_none", "exists"})
_VERBATIM: Final = frozenset({FieldKind.TEXT, FieldKind.NAME})


def inner(name: str) -> str:
    """The full name of a physical field."""
    return f"{INNER}.{name}"


def whole_place(field: Field) -> str:
    """Where a field's whole values stand as they are."""
    return f"{field.name}.keyword" if field.kind in {FieldKind.NAME, FieldKind.USERNAME} else field.name


def number_place(field: Field) -> str:
    """Where a field's numbers stand; of dates, microseconds."""
    return inner(field.name) if field.kind is FieldKind.DATE else field.name


class ElasticExpressions:
    """Queries for indices of one set."""

    def __init__(self, fields: SetFields) -> None:
        self._places: dict[str, tuple[str, ...]] = {OTHER: (inner(OTHER),)}
        for field in fields.fields:
            place = inner(words_field(field))
            if field.kind in _VERBATIM:
                self._places[words_field(field)] = (field.name, place)
            elif field.kind is FieldKind.USERNAME:
                self._places[words_field(field)] = (place,)

    def words(self, place: str, tokens: Sequence[str]) -> Query:
        """These words next to each other."""
        if len(tokens) == 1:
            return self._in(place, lambda name: {"term": {name: {"value": tokens[0]}}})
        text = " ".join(tokens)
        return self._in(place, lambda name: {"match_phrase": {name: {"query": text, "analyzer": "whitespace"}}})

    def begins(self, place: str, tokens: Sequence[str]) -> Query:
        """The same, of which the last may go on."""
        if len(tokens) == 1:
            return self._in(place, lambda name: {"prefix": {name: {"value": tokens[0]}}})
        asked = {"query": " ".join(tokens), "analyzer": "whitespace", "max_expansions": _MOST_ENDINGS}
        return self._in(place, lambda name: {"match_phrase_prefix": {name: asked}})

    def misspelt(self, place: str, token: str, letters: int) -> Query:
        """Words that differ from this one by so many letters."""
        return self._in(place, lambda name: _fuzzy(name, token, letters))

    def stems(self, stems: Mapping[str, str]) -> list[Query]:
        """Texts with one of the stems, by language."""
        return [{"terms": {inner(STEMS): [stem_of_language(language, stem) for language, stem in stems.items()]}}]

    def starts(self, token: str) -> Query:
        """Names with a word that begins so."""
        return self.constant({"term": {inner(STARTS): token}}, 1.0)

    def identified(self, ids: Sequence[UUID]) -> Query:
        """Documents of these ids."""
        return {"terms": {"id": [str(identifier) for identifier in ids]}}

    def whole(self, field: Field, texts: Sequence[str]) -> Query:
        """The whole value, as it is compared, is one of these."""
        return self.any([{"terms": {name: list(texts)}} for name in _wholes(field)])

    def whole_begins(self, field: Field, text: str) -> Query:
        """The whole value, as it is compared, begins so."""
        return self.any([{"prefix": {name: {"value": text}}} for name in _wholes(field)])

    def whole_misspelt(self, field: Field, text: str, letters: int) -> Query:
        """The whole value, as it is compared, differs by so many letters."""
        return self.any([_fuzzy(name, text, letters) for name in _wholes(field)])

    def numbers(self, field: Field, values: Sequence[int | float]) -> Query:
        """The number is one of these."""
        return {"terms": {number_place(field): list(values)}}

    def between(self, field: Field, low: float | None, high: float | None) -> Query:
        """The number is at least `low` and at most `high`."""
        return _range(number_place(field), low, high)

    def addresses(self, field: Field, low: str | None, high: str | None) -> Query:
        """The address is at least `low` and at most `high`."""
        return _range(inner(field.name), low, high)

    def one_address(self, field: Field, addresses: Sequence[str]) -> Query:
        """The address is one of these."""
        return {"terms": {inner(field.name): list(addresses)}}

    def truth(self, field: Field, value: bool) -> Query:  # noqa: FBT001  the value itself
        """The field is true, or is false."""
        return {"terms": {field.name: [value]}}

    def known(self, field: Field) -> Query:
        """The field has a value."""
        return {"exists": {"field": number_place(field)}}

    def everything(self) -> Query:
        """Every document."""
        return {"match_all": {}}

    def nothing(self) -> Query:
        """No document."""
        return {"match_none": {}}

    def any(self, queries: Sequence[Query]) -> Query:
        """At least one; ranks add up."""
        if len(queries) == 1:
            return queries[0]
        return {"bool": {"should": list(queries), "minimum_should_match": 1}} if queries else self.nothing()

    def all(self, queries: Sequence[Query], *, without: Sequence[Query] = (), better: Sequence[Query] = ()) -> Query:
        """All of `queries`, none of `without`; ranks add up, also those of `better`, that need not be."""
        if len(queries) == 1 and not without and not better:
            return queries[0]
        parts = {"must": list(queries), "must_not": list(without), "should": list(better)}
        return {"bool": {occur: each for occur, each in parts.items() if each}}

    def boosted(self, query: Query, weight: float) -> Query:
        """Its rank times `weight`: said in the query itself, for engines count how deep queries are."""
        ((kind, said),) = query.items()
        if kind in _BOOSTED_ITSELF:
            return {kind: {**said, "boost": said.get("boost", 1.0) * weight}}
        ((name, asked),) = said.items()
        return {kind: {name: {**asked, "boost": asked.get("boost", 1.0) * weight}}}

    def constant(self, query: Query, rank: float) -> Query:
        """The same documents, all of this rank."""
        return {"constant_score": {"filter": query, "boost": rank}}

    def _in(self, place: str, query: Any) -> Query:
        """In the text as it is, or among the other forms of its words: what finds more of them counts."""
        names = self._places[place]
        return query(names[0]) if len(names) == 1 else {"dis_max": {"queries": [query(name) for name in names]}}


LANGUAGES_PLACE: Final = inner(LANGUAGES)


def _fuzzy(name: str, text: str, letters: int) -> Query:
    return {"fuzzy": {name: {"value": text, "fuzziness": letters, "rewrite": "constant_score"}}}


def _range(name: str, low: float | str | None, high: float | str | None) -> Query:
    ends = {"gte": low, "lte": high}
    return {"range": {name: {end: value for end, value in ends.items() if value is not None}}}


def _wholes(field: Field) -> tuple[str, ...]:
    return (whole_place(field), inner(lower_field(field)))
