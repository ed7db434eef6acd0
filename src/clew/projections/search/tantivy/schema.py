"""The product's fields as fields of a Tantivy index: see physical.names; of Tantivy alone are these.

_id      key of a document, 22 letters that stand for its uuid. Tantivy deletes surely only by text [M: 0.27 takes a
         whole number for a signed one and deletes nothing, or ends the process]
_hi _lo  the halves of the uuid, to order by and to break ties
_tie     a weight between 0 and 0.03 made from the uuid, see ordering
_doc     the document as it was put, JSON
"""

import tantivy
from tantivy import TextAnalyzerBuilder, Tokenizer

from clew.projections.search.fields import SETS, DocumentSet, Field, FieldKind
from clew.projections.search.languages import STEMMED
from clew.projections.search.physical.analysis import stem_analyzer, words_analyzer
from clew.projections.search.physical.names import (
    has_stems,
    has_whole,
    has_words,
    is_counted,
    lower_field,
    stem_field,
    whole_field,
    words_field,
)
from clew.projections.search.words import LONGEST_BEGINNING


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


def register_analyzers(index: tantivy.Index, document_set: DocumentSet) -> None:
    """Give an index what its writer needs."""
    index.register_tokenizer("words", words_analyzer())
    beginnings = Tokenizer.ngram(1, LONGEST_BEGINNING, prefix_only=True)
    index.register_tokenizer("beginnings", TextAnalyzerBuilder(beginnings).build())
    if has_stems(document_set):
        for language in STEMMED:
            index.register_tokenizer(f"stem_{language}", stem_analyzer(language))
