"""clew-ngrams: vectors of hashed pieces of text. Nothing to download, nothing to pay, the same on every machine.

Texts are folded (NFKD, no accents, lower case), and cut into words; a word in which digits may stand for letters counts
a second time with these. Of each word the pieces of 3, 4 and 5 letters, its
beginning and end marked, and the word itself are hashed; so are neighbouring words as pairs. Each hash names a place in
the vector and a sign (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009), so that the inner
product of two vectors is, up to noise of about 1/√dimension, that of the bags of pieces. A piece that comes n times
counts 1 + ln n; words count more the longer they are, which stands in for how rare they are.

It finds what is written alike: near-duplicates, look-alike domains, variants of a user name, texts with the same words.
It knows no meaning; models do. Everything is arithmetic on whole arrays: a megabyte of text takes half a second or
less. A change of anything here is a new NGRAMS_VERSION.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clew.projections.vectors.embedding.port import Embedded
from clew.projections.vectors.models import NGRAMS, NGRAMS_VERSION
from clew.projections.vectors.port import Model, Vector

_LENGTHS: Final = (2, 3, 4, 5)
_WEIGHTS: Final = {2: 0.4, 3: 0.8, 4: 1.0, 5: 1.0}
_LONGEST_TEXT: Final = 32_768
_CHARACTERS_AT_ONCE: Final = 1 << 20
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_WORD: Final = np.uint64(0xA24BAED4963EE407)
_PAIR: Final = np.uint64(0x9FB21C651E98DF25)
_BORDER: Final = 0x20
_WORD_WEIGHT: Final = 1.5
_PAIR_WEIGHT: Final = 0.7
_LONG_WORD: Final = 10

_BETWEEN: Final = re.compile(r"[\W_]+")
# A digit or two before a letter, and one at the end, may stand for letters: paypa1, faceb00k. A year does not.
_PLAYED: Final = re.compile(r"(?<!\d)[0134578]{1,2}(?=[a-z])|(?<=[a-z])[0134578]$")
_MIXED: Final = re.compile(r"[a-z][0134578]|[0134578][a-z]")
_LETTERS: Final = str.maketrans("0134578", "oleastb")

_Hashes = NDArray[np.uint64]
_Rows = NDArray[np.int64]
_Weights = NDArray[np.float32]


class NgramEmbedder:
    """Embeds by hashed pieces of words."""

    def __init__(self, dimension: int) -> None:
        self._model = Model(NGRAMS, dimension, NGRAMS_VERSION)

    @property
    def model(self) -> Model:
        """Always clew-ngrams."""
        return self._model

    @property
    def is_costly(self) -> bool:
        """Never: made again sooner than read from anywhere."""
        return False

    def embed(self, texts: Sequence[str]) -> Embedded:
        """The vectors of the texts; that of a text without a letter or digit is zero."""
        folded = [fold(text) for text in texts]
        vectors = np.zeros((len(folded), self._model.dimension), np.float32)
        start = 0
        while start < len(folded):
            stop, characters = start, 0
            while stop < len(folded) and (stop == start or characters + len(folded[stop]) <= _CHARACTERS_AT_ONCE):
                characters += len(folded[stop])
                stop += 1
            _fill(vectors[start:stop], folded[start:stop])
            start = stop
        return Embedded(vectors)


def fold(text: str) -> str:
    """The words of a text, folded, with one space before, between and after them; empty without any."""
    text = text[:_LONGEST_TEXT]
    if not text.isascii():
        text = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    words = _BETWEEN.sub(" ", text.casefold()).split()
    plain = [_PLAYED.sub(lambda found: found[0].translate(_LETTERS), word) for word in words if _MIXED.search(word)]
    return f" {' '.join([*words, *plain])} " if words else ""


def _fill(vectors: Vector, folded: Sequence[str]) -> None:
    """Add every text's pieces to its row."""
    joined = "".join(folded)
    if not joined:
        return
    codes = np.frombuffer(joined.encode("utf-32-le"), "<u4").astype(np.uint64)
    rows = np.repeat(np.arange(len(folded)), [len(text) for text in folded])
    parts = [*_pieces(codes, rows), *_words(codes, rows)]
    hashes = np.concatenate([each[0] for each in parts])
    of_rows = np.concatenate([each[1] for each in parts])
    weights = np.concatenate([each[2] for each in parts])
    # Equal pieces of one text become one, which counts the more the oftener it comes.
    keys = _mixed(hashes + of_rows.astype(np.uint64) * _MULTIPLIER)  # one number sorts several times faster than two
    order = np.argsort(keys)
    keys, hashes, of_rows, weights = keys[order], hashes[order], of_rows[order], weights[order]
    first = np.ones(len(keys), bool)
    first[1:] = keys[1:] != keys[:-1]
    begins = np.flatnonzero(first)
    counts = np.diff(np.append(begins, len(hashes)))
    hashes, of_rows = hashes[begins], of_rows[begins]
    values = weights[begins] * (1 + np.log(counts, dtype=np.float64))
    dimension = np.uint64(vectors.shape[1])
    places = ((hashes >> np.uint64(1)) % dimension).astype(np.int64)
    signs = np.where(hashes & np.uint64(1), 1.0, -1.0)
    flat = np.bincount(of_rows * vectors.shape[1] + places, values * signs, minlength=vectors.size)
    vectors += flat.reshape(vectors.shape).astype(np.float32)


def _pieces(codes: _Hashes, rows: _Rows) -> list[tuple[_Hashes, _Rows, _Weights]]:
    """Pieces of words: no space within them but at their ends."""
    border = codes == _BORDER
    found = []
    for length in _LENGTHS:
        count = len(codes) - length + 1
        if count <= 0:
            continue
        hashes = np.full(count, length, np.uint64)
        inner = np.zeros(count, bool)
        for offset in range(length):
            hashes = _mixed(hashes * _MULTIPLIER + codes[offset : offset + count])
            if 0 < offset < length - 1:
                inner |= border[offset : offset + count]
        ends = border[:count] & border[length - 1 : length - 1 + count]
        # Of one letter and a border there is no telling; a word between two borders is counted as a word.
        odd = (border[:count] | border[length - 1 : length - 1 + count]) if length == 2 else ends
        keep = ~inner & ~odd & (rows[:count] == rows[length - 1 : length - 1 + count])
        kept = hashes[keep]
        found.append((kept, rows[:count][keep], np.full(len(kept), _WEIGHTS[length], np.float32)))
    return found


def _words(codes: _Hashes, rows: _Rows) -> list[tuple[_Hashes, _Rows, _Weights]]:
    """Whole words, and pairs of neighbours. Every text begins and ends with a border."""
    border = codes == _BORDER
    begins = np.flatnonzero(~border & np.append(True, border[:-1]))
    ends = np.flatnonzero(border & np.append(False, ~border[:-1]))
    # A word's hash is the sum of its letters', each multiplied by a power that says where it stands.
    positions = _offsets(begins, len(codes))
    letters = _mixed(codes * _MULTIPLIER + positions.astype(np.uint64) * _PAIR)
    letters[border] = 0
    sums = np.append(np.uint64(0), np.cumsum(letters, dtype=np.uint64))
    words = _mixed((sums[ends] - sums[begins]) ^ _WORD)
    of_rows = rows[begins]
    lengths = ends - begins
    weights = (_WORD_WEIGHT * np.minimum(lengths, _LONG_WORD) / _LONG_WORD).astype(np.float32)
    neighbours = of_rows[1:] == of_rows[:-1]
    pairs = _mixed(words[:-1] * _PAIR + words[1:])[neighbours]
    pair_weights = (_PAIR_WEIGHT * np.minimum(weights[:-1], weights[1:]))[neighbours].astype(np.float32)
    return [(words, of_rows, weights), (pairs, of_rows[1:][neighbours], pair_weights)]


def _offsets(begins: _Rows, length: int) -> _Rows:
    """For each character how many there are before it since its word began."""
    starts = np.zeros(length, np.int64)
    starts[begins] = begins
    return np.arange(length) - np.maximum.accumulate(starts)


def _mixed(values: _Hashes) -> _Hashes:
    """The finalizer of SplitMix64 (Steele et al., 2014): every bit of the outcome depends on every bit of the value."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
