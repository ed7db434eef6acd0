"""The models that Clew knows by name: what they are, how long their vectors are, and which collection begins with what.

A model is called NAME or NAME@DIMENSION. The latter asks a model that can for shorter vectors (Matryoshka models, such
as Qwen3-Embedding); clew-ngrams makes vectors of any length. A name that is not listed needs its dimension:
nomic-embed-text@768.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from clew.kernel.errors import ConfigurationError
from clew.projections.vectors.port import LONGEST_VECTOR, Collection, Model

NGRAMS: Final = "clew-ngrams"
NGRAMS_VERSION: Final = "1"
_VARIABLE: Final = "CLEW_EMBEDDING_MODELS"
Kind = Literal["built-in", "local", "endpoint", "either"]

DIMENSIONS: Final[Mapping[Collection, int]] = {
    Collection.INVESTIGATIONS: 384,
    Collection.SOCIAL_PROFILES: 384,
    Collection.CONTENT: 768,
    Collection.DOMAINS: 384,
    Collection.KNOWLEDGE: 1536,
}
"""Length of a collection's vectors where its model makes vectors of any length."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model by the name its makers gave it. `shortens`: whether it can be asked for shorter vectors."""

    name: str
    dimension: int
    kind: Kind
    shortens: bool = False


KNOWN: Final = (
    KnownModel(NGRAMS, 0, "built-in", shortens=True),
    KnownModel("all-MiniLM-L6-v2", 384, "either"),
    KnownModel("all-mpnet-base-v2", 768, "either"),
    KnownModel("text-embedding-ada-002", 1536, "endpoint"),
    KnownModel("text-embedding-3-small", 1536, "endpoint", shortens=True),
    KnownModel("text-embedding-3-large", 3072, "endpoint", shortens=True),
    KnownModel("text-embedding-v3", 1024, "endpoint", shortens=True),
    KnownModel("text-embedding-v4", 1024, "endpoint", shortens=True),
    KnownModel("Qwen3-Embedding-0.6B", 1024, "either", shortens=True),
    KnownModel("Qwen3-Embedding-4B", 2560, "either", shortens=True),
    KnownModel("Qwen3-Embedding-8B", 4096, "either", shortens=True),
)
_BY_NAME: Final = {each.name.casefold(): each for each in KNOWN}


def model_of(collection: Collection, named: Mapping[str, str]) -> Model:
    """The model that settings name for a collection. Raises ConfigurationError."""
    wanted = named.get(collection.value, named.get("*", NGRAMS))
    name, _, asked = wanted.partition("@")
    known = known_model(name)
    if asked and not (asked.isascii() and asked.isdigit()):
        raise _wrong(f"{wanted!r}: what follows @ is a number, the length of the vectors")
    if known is None:
        if not asked:
            raise _wrong(f"the length of the vectors of {name!r} is not known", f"write {name}@DIMENSION")
        return _checked(Model(name, int(asked), "1"))
    if known.name == NGRAMS:
        return _checked(Model(NGRAMS, int(asked or DIMENSIONS[collection]), NGRAMS_VERSION))
    dimension = int(asked or known.dimension)
    if dimension > known.dimension or (dimension < known.dimension and not known.shortens):
        raise _wrong(f"{known.name} makes vectors of {known.dimension}, not of {dimension}")
    return _checked(Model(name, dimension, "1"))


def models_of(named: Mapping[str, str]) -> dict[Collection, Model]:
    """The model of every collection. Raises ConfigurationError, also for a collection that there is none of."""
    unknown = sorted(set(named) - {"*", *(each.value for each in Collection)})
    if unknown:
        raise _wrong(
            f"there is no collection {unknown[0][:60]!r}", f"there are: {', '.join(Collection)}, and * for all"
        )
    return {each: model_of(each, named) for each in Collection}


def known_model(name: str) -> KnownModel | None:
    """The listed model of that name, an organization's prefix (as in Qwen/Qwen3-Embedding-0.6B) left aside."""
    return _BY_NAME.get(name.rpartition("/")[2].casefold())


def _checked(model: Model) -> Model:
    if not 8 <= model.dimension <= LONGEST_VECTOR:
        raise _wrong(f"vectors of {model.name} would be {model.dimension} long; 8 to {LONGEST_VECTOR} are kept")
    return model


def _wrong(message: str, remedy: str = "see docs/how-to/find-similar.md for what can be written there") -> Exception:
    return ConfigurationError(message, where=_VARIABLE, remedy=remedy)
