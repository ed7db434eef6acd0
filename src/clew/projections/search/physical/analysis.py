"""What makes words and stems of text: for every engine the same, so that all find the same.

Tantivy's analysers are used as a library here. Engines know stemmers of the same names, but not the same ones: other
versions of Snowball, other lists of common words, none for Tamil.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

from clew.projections.search.languages import STEMMED

LONGEST_WORD: Final = 256
_STOPPED: Final = frozenset(STEMMED.values()) - {"arabic", "greek", "romanian", "tamil", "turkish"}


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


stems_analyzer: Final = lru_cache(maxsize=None)(stem_analyzer)
_words: Final = lru_cache(maxsize=1)(words_analyzer)


def words_of(text: str) -> list[str]:
    """The words of a text, in their order."""
    return _words().analyze(text)


def stems_of(word: str, languages: Iterable[str]) -> dict[str, str]:
    """The stem of a word in each of the languages in which it is not one of the most common words."""
    found = {}
    for language in languages:
        stems = stems_analyzer(language).analyze(word)
        if len(stems) == 1:
            found[language] = stems[0]
    return found
