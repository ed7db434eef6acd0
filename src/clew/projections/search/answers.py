"""How documents that an engine found become what the port answers, whatever engine it is."""

from clew.projections.search.fields import FieldKind, SearchIndex, SetFields
from clew.projections.search.highlighting import Highlighter
from clew.projections.search.port import Document, Hit, SearchRequest, SearchResult, Statistics, Suggestion
from clew.projections.search.words import fold, folded_words

_NAMES = (FieldKind.USERNAME, FieldKind.NAME)


def hit_of(
    index: SearchIndex, fields: SetFields, document: Document, score: float, highlighter: Highlighter | None
) -> Hit:
    """A document that was found."""
    return Hit(
        document["id"],
        index,
        _type_of(fields, document),
        str(document.get(fields.title) or ""),
        score,
        highlighter.highlights(document) if highlighter is not None else {},
        document,
    )


def nothing_found(request: SearchRequest, took_ms: float) -> SearchResult:
    """The answer where there is nothing to search."""
    nothing = Statistics(0, None, None, None, None)
    stats = dict.fromkeys(request.stats, nothing)
    return SearchResult(0, took_ms, (), dict.fromkeys(request.facets, ()), (), stats)


def suggestion(fields: SetFields, document: Document, score: float, prefix: str) -> Suggestion:
    """The name, or the first of the other suggested fields that holds what was typed where the name does not."""
    tokens = folded_words(prefix[:100])[:8]
    names = (fields.title, *(field.name for field in fields.fields if field.kind in _NAMES))
    values = (document.get(name) for name in names)
    holding = (value for value in values if isinstance(value, str) and tokens and tokens[-1] in fold(value))
    text = next(holding, str(document.get(fields.title) or ""))
    return Suggestion(text, _type_of(fields, document), document["id"], score)


def _type_of(fields: SetFields, document: Document) -> str:
    return str(document.get(fields.type_field) or document.get("doc_type") or "")
