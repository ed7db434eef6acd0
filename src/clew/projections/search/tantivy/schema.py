"""The product's fields as fields of a Tantivy index.

A logical field becomes up to three physical ones: its whole value as it is compared (`__lower`; where values are
counted also as it is given, and then `__lower` only where they differ), its words (`__words`), its number. What begins
with an underscore serves the engine:

_id      key of a document, 22 letters that stand for its uuid. Tantivy deletes surely only by text [M: 0.27 takes a
         whole number for a signed one and deletes nothing, or ends the process]
_hi _lo  the halves of the uuid, to order by and to break ties
_tie     a weight between 0 and 0.03 made from the uuid, see ordering
_doc     the document as it was put, JSON
_starts  beginnings of the words of names, which are put one by one
_other   words of every searched field that has no words of its own
_stem_xx stems of texts in language xx; _lang says which languages there are
_cells _point _lat _lon   places, see geography
"""

import tantivy
from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

from clew.projections.search.fields import SETS, DocumentSet, Field, FieldKind
from clew.projections.search.languages import STEMMED
from clew.projections.search.words import LONGEST_BEGINNING

LONGEST_WORD = 256
_STOPPED = frozenset(STEMMED.values()) - {"arabic", "greek", "romanian", "tamil", "turkish"}
_WHOLE = frozenset({FieldKind.KEYWORD, FieldKind.NAME, FieldKind.USERNAME})
_WORDED = frozenset({FieldKind.TEXT, FieldKind.NAME, FieldKind.USERNAME})
_COUNTED = frozenset({FieldKind.INTEGER, FieldKind.DATE})


def whole_field(field: Field) -> str:
    """Physical field of whole values."""
    return field.name


def lower_field(field: Field) -> str:
    """Physical field of whole values as they are compared, where that is not the value itself."""
    return f"{field.name}__lower"


def words_field(field: Field) -> str:
    """Physical field of words."""
    return f"{field.name}__words" if has_words(field) else "_other"


def stem_field(language: str) -> str:
    """Physical field of stems."""
    return f"_stem_{language}"


def has_words(field: Field) -> bool:
    """Whether the field has words of its own to be found by."""
    return field.kind in _WORDED


def has_whole(field: Field) -> bool:
    """Whether whole values are kept as text."""
    return field.kind in _WHOLE and field.name != "id"


def is_counted(field: Field) -> bool:
    """Whether the value is kept as a signed whole number."""
    return field.kind in _COUNTED


def has_stems(document_set: DocumentSet) -> bool:
    """Whether the set has texts."""
    return any(field.kind is FieldKind.TEXT for field in SETS[document_set].fields)


def build_schema(document_set: DocumentSet) -> tantivy.Schema:
    """The schema of one set's index."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("_id", tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("_hi", fast=True)
    builder.add_unsigned_field("_lo", fast=True)
    builder.add_float_field("_tie", fast=True)
    builder.add_bytes_field("_doc", stored=True)
    builder.add_text_field("_other", tokenizer_name="words")
    builder.add_text_field("_starts", tokenizer_name="beginnings", index_option="basic")
    builder.add_text_field("_lang", tokenizer_name="raw", index_option="basic")
    if has_stems(document_set):
        for language in STEMMED:
            builder.add_text_field(stem_field(language), tokenizer_name=f"stem_{language}", index_option="freq")
    for field in SETS[document_set].fields:
        _add(builder, field)
    return builder.build()


def _add(builder: tantivy.SchemaBuilder, field: Field) -> None:
    if has_whole(field):
        if field.facet:
            builder.add_text_field(whole_field(field), fast=True, tokenizer_name="raw", index_option="basic")
        builder.add_text_field(lower_field(field), tokenizer_name="raw", index_option="basic")
    if has_words(field):
        builder.add_text_field(words_field(field), tokenizer_name="words")
    if is_counted(field):
        builder.add_integer_field(field.name, fast=True, indexed=field.kind is FieldKind.INTEGER)
    elif field.kind is FieldKind.FLOAT:
        builder.add_float_field(field.name, fast=True)
    elif field.kind is FieldKind.BOOLEAN:
        builder.add_boolean_field(field.name, indexed=True, fast=True)
    elif field.kind is FieldKind.IP:
        builder.add_ip_addr_field(field.name, indexed=True, fast=True)
    elif field.kind is FieldKind.GEO:
        builder.add_unsigned_field("_cells", indexed=True)
        builder.add_text_field("_point", fast=True, tokenizer_name="raw", index_option="basic")
        builder.add_float_field("_lat", fast=True)
        builder.add_float_field("_lon", fast=True)


def words_analyzer() -> TextAnalyzer:
    """Words of letters and digits, in lower case; longer ones than LONGEST_WORD bytes are nobody's words."""
    return (
        TextAnalyzerBuilder(Tokenizer.simple())
        .filter(Filter.remove_long(LONGEST_WORD))
        .filter(Filter.lowercase())
        .build()
    )


def stem_analyzer(language: str) -> TextAnalyzer:
    """Stems of one language, without its most common words where Tantivy knows them."""
    name = STEMMED[language]
    # The simple tokenizer ends a Tamil word at every sign of a missing vowel, which leaves a stemmer nothing to do.
    tokenizer = Tokenizer.regex(r"\w+") if language == "ta" else Tokenizer.simple()
    builder = TextAnalyzerBuilder(tokenizer).filter(Filter.remove_long(LONGEST_WORD)).filter(Filter.lowercase())
    if name in _STOPPED:
        builder = builder.filter(Filter.stopword(name))
    return builder.filter(Filter.stemmer(name)).build()


def register_analyzers(index: tantivy.Index, document_set: DocumentSet) -> None:
    """Give an index what its writer needs."""
    index.register_tokenizer("words", words_analyzer())
    beginnings = Tokenizer.ngram(1, LONGEST_BEGINNING, prefix_only=True)
    index.register_tokenizer("beginnings", TextAnalyzerBuilder(beginnings).build())
    if has_stems(document_set):
        for language in STEMMED:
            index.register_tokenizer(f"stem_{language}", stem_analyzer(language))
