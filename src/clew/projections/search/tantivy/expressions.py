"""How Tantivy says what is asked for."""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import tantivy
from tantivy import FieldType, Occur, Query

from clew.projections.search.fields import Field, FieldKind
from clew.projections.search.physical.names import STARTS, lower_field, stem_field, whole_field
from clew.projections.search.physical.rows import key_of

_SPECIAL: Final = re.compile(r"([\\.+*?()|\[\]{}^$])")
_NUMBER: Final = {
    FieldKind.INTEGER: FieldType.Integer,
    FieldKind.DATE: FieldType.Integer,
    FieldKind.FLOAT: FieldType.Float,
}


class TantivyExpressions:
    """Queries for indexes of one schema; see matching.Expressions."""

    def __init__(self, schema: tantivy.Schema) -> None:
        self._schema = schema

    def words(self, place: str, tokens: Sequence[str]) -> Query:
        """These words next to each other."""
        if len(tokens) == 1:
            return Query.term_query(self._schema, place, tokens[0])
        return Query.phrase_query(self._schema, place, list(tokens))

    def begins(self, place: str, tokens: Sequence[str]) -> Query:
        """The same, of which the last may go on."""
        if len(tokens) == 1:
            return Query.regex_query(self._schema, place, f"{_escaped(tokens[0])}.*")
        patterns: list[str | tuple[int, str]] = [_escaped(token) for token in tokens]
        return Query.regex_phrase_query(self._schema, place, [*patterns[:-1], f"{patterns[-1]}.*"])

    def misspelt(self, place: str, token: str, letters: int) -> Query:
        """Words that differ from this one by so many letters."""
        return Query.fuzzy_term_query(self._schema, place, token, letters)

    def stems(self, stems: Mapping[str, str]) -> list[Query]:
        """Texts with one of the stems, by language."""
        return [Query.term_query(self._schema, stem_field(language), stem, "freq") for language, stem in stems.items()]

    def starts(self, token: str) -> Query:
        """Names with a word that begins so."""
        return Query.term_query(self._schema, STARTS, token, "basic")

    def identified(self, ids: Sequence[UUID]) -> Query:
        """Documents of these ids."""
        keys = [key_of(identifier.int) for identifier in ids]
        if len(keys) == 1:
            return Query.term_query(self._schema, "_id", keys[0], "basic")
        return Query.term_set_query(self._schema, "_id", keys)

    def whole(self, field: Field, texts: Sequence[str]) -> Query:
        """The whole value, as it is compared, is one of these."""
        if len(texts) == 1:
            return self.any([Query.term_query(self._schema, name, texts[0], "basic") for name in _wholes(field)])
        return self.any([Query.term_set_query(self._schema, name, texts) for name in _wholes(field)])

    def whole_begins(self, field: Field, text: str) -> Query:
        """The whole value, as it is compared, begins so."""
        pattern = f"{_escaped(text)}.*"
        return self.any([Query.regex_query(self._schema, name, pattern) for name in _wholes(field)])

    def whole_misspelt(self, field: Field, text: str, letters: int) -> Query:
        """The whole value, as it is compared, differs by so many letters."""
        return self.any([Query.fuzzy_term_query(self._schema, name, text, letters) for name in _wholes(field)])

    def numbers(self, field: Field, values: Sequence[int | float]) -> Query:
        """The number is one of these."""
        if field.kind is FieldKind.FLOAT:
            return self.any([self.between(field, value, value) for value in values])
        return Query.term_set_query(self._schema, field.name, values)

    def between(self, field: Field, low: float | None, high: float | None) -> Query:
        """The number is at least `low` and at most `high`."""
        return Query.range_query(self._schema, field.name, _NUMBER[field.kind], low, high)

    def addresses(self, field: Field, low: str | None, high: str | None) -> Query:
        """The address is at least `low` and at most `high`."""
        if low is not None and low == high:
            return Query.term_query(self._schema, field.name, low)
        return Query.range_query(self._schema, field.name, FieldType.IpAddr, low, high)

    def one_address(self, field: Field, addresses: Sequence[str]) -> Query:
        """The address is one of these."""
        return self.any([self.addresses(field, each, each) for each in addresses])

    def truth(self, field: Field, value: bool) -> Query:  # noqa: FBT001  the value itself
        """The field is true, or is false."""
        return Query.term_query(self._schema, field.name, value)

    def known(self, field: Field) -> Query:
        """The field has a value."""
        return Query.exists_query(field.name)

    def everything(self) -> Query:
        """Every document."""
        return Query.all_query()

    def nothing(self) -> Query:
        """No document."""
        return Query.empty_query()

    def any(self, queries: Sequence[Query]) -> Query:
        """At least one; ranks add up."""
        if len(queries) == 1:
            return queries[0]
        return Query.boolean_query([(Occur.Should, query) for query in queries])

    def all(self, queries: Sequence[Query], *, without: Sequence[Query] = (), better: Sequence[Query] = ()) -> Query:
        """All of `queries`, none of `without`; ranks add up, also those of `better`, that need not be."""
        return Query.boolean_query(
            [
                *((Occur.Must, query) for query in queries),
                *((Occur.MustNot, query) for query in without),
                *((Occur.Should, query) for query in better),
            ]
        )

    def boosted(self, query: Query, weight: float) -> Query:
        """Its rank times `weight`."""
        return Query.boost_query(query, weight)

    def constant(self, query: Query, rank: float) -> Query:
        """The same documents, all of this rank."""
        return Query.const_score_query(query, rank)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _wholes(field: Field) -> tuple[str, ...]:
    return (whole_field(field), lower_field(field)) if field.facet else (lower_field(field),)
