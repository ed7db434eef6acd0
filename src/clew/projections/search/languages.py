"""Which language a text is written in, among those whose words can be reduced to stems."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from clew.projections.search.words import WORD_CHARACTER

if TYPE_CHECKING:
    from lingua import LanguageDetector

# ISO 639-1 codes with the names by which engines know their stemmers.
STEMMED: Final = {
    "ar": "arabic",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}
_SAME: Final = {"nb": "no", "nn": "no"}
_SHORTEST: Final = 20
_ENOUGH: Final = 240
_FEWEST_BLANKS: Final = 3
# Four words in a row: lists of values, addresses and commands are in no language, and asking costs 0.1 ms.
_SENTENCE: Final = re.compile(rf"(?:{WORD_CHARACTER}{{2,}}[,;:'’]?[ \n]+){{3}}{WORD_CHARACTER}{{2,}}")


def language_of(text: str, declared: object = None) -> str | None:
    """The stemmed language of a text: the declared one (an ISO 639-1 code, `en-GB` too) if there is one, else detected.

    None for other languages and for texts too short to tell.
    """
    if isinstance(declared, str) and len(declared) >= 2:
        code = declared[:2].lower()
        if len(declared) == 2 or not declared[2].isalpha():
            code = _SAME.get(code, code)
            return code if code in STEMMED else None
    if len(text) < _SHORTEST or text.count(" ") + text.count("\n") < _FEWEST_BLANKS:
        return None
    if _SENTENCE.search(text, 0, _ENOUGH) is None:
        return None
    found = _detector().detect_language_of(text[:_ENOUGH])
    if found is None:
        return None
    code = found.iso_code_639_1.name.lower()
    return _SAME.get(code, code)


@lru_cache(maxsize=1)
def _detector() -> "LanguageDetector":
    # Loaded by the first text that needs it: 0.2 s. The small models are enough to choose a stemmer.
    from lingua import Language, LanguageDetectorBuilder  # noqa: PLC0415 - loaded only where a text needs it

    names = {("bokmal" if name == "norwegian" else name).upper() for name in STEMMED.values()}
    languages = [language for language in Language.all() if language.name in names]
    return LanguageDetectorBuilder.from_languages(*languages).with_low_accuracy_mode().build()
