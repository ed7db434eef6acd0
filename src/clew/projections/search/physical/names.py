"""The physical fields in which engines keep what a logical field is found by: the same in every engine.

A logical field becomes up to three physical ones: its whole value as it is compared (`__lower`; where values are
counted also as it is given, and then `__lower` only where they differ), its words (`__words`), its number. What begins
with an underscore serves the engine:

_starts  beginnings of the words of names, which are put one by one
_other   words of every searched field that has no words of its own
_stem_xx stems of texts in language xx; _lang says which languages there are
_stems   the same for engines that are given the document itself: stems with their language before them, as in en:walk
_cells _point _lat _lon   places, see geography
"""

from typing import Final

from clew.projections.search.fields import SETS, DocumentSet, Field, FieldKind

OTHER: Final = "_other"
STARTS: Final = "_starts"
LANGUAGES: Final = "_lang"
STEMS: Final = "_stems"
LATITUDE: Final = "_lat"
LONGITUDE: Final = "_lon"
_WHOLE: Final = frozenset({FieldKind.KEYWORD, FieldKind.NAME, FieldKind.USERNAME})
_WORDED: Final = frozenset({FieldKind.TEXT, FieldKind.NAME, FieldKind.USERNAME})
_COUNTED: Final = frozenset({FieldKind.INTEGER, FieldKind.DATE})


def whole_field(field: Field) -> str:
    """Physical field of whole values."""
    return field.name


def lower_field(field: Field) -> str:
    """Physical field of whole values as they are compared, where that is not the value itself."""
    return f"{field.name}__lower"


def words_field(field: Field) -> str:
    """Physical field of words."""
    return f"{field.name}__words" if has_words(field) else OTHER


def stem_field(language: str) -> str:
    """Physical field of stems."""
    return f"_stem_{language}"


def stem_of_language(language: str, stem: str) -> str:
    """A stem as STEMS holds it."""
    return f"{language}:{stem}"


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
