"""Vectors by a model on this machine, read from a directory: by sentence-transformers or fastembed, if installed.

Neither belongs to Clew's own packages (each brings a runtime of some hundred megabytes), and neither is allowed to
fetch anything: a model is a directory that the user put there.
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from clew.kernel.errors import ConfigurationError
from clew.projections.vectors.embedding.port import Embedded
from clew.projections.vectors.errors import EmbeddingError
from clew.projections.vectors.port import Model

_BATCH: Final = 32
_VARIABLE: Final = "CLEW_EMBEDDING_MODEL_DIR"


class LocalEmbedder:
    """Embeds by a model in a directory. Raises ConfigurationError if it is not there, or nothing can read it."""

    def __init__(self, directory: Path | None, model: Model) -> None:
        self._model = model
        place = _directory_of(directory, model)
        if _is_installed("sentence_transformers"):
            self._embed = _by_sentence_transformers(place)
        elif _is_installed("fastembed"):
            self._embed = _by_fastembed(place, model)
        else:
            raise ConfigurationError(
                f"nothing that is installed can read the model {model.name}",
                where=_VARIABLE,
                remedy="install sentence-transformers or fastembed beside Clew, name an endpoint in "
                "CLEW_EMBEDDING_URL, or use clew-ngrams, which needs neither",
            )

    @property
    def model(self) -> Model:
        """What it embeds with."""
        return self._model

    @property
    def is_costly(self) -> bool:
        """A text takes such a model milliseconds at least."""
        return True

    def embed(self, texts: Sequence[str]) -> Embedded:
        """The vectors of the texts. Raises EmbeddingError if the model makes others than its name says."""
        if not texts:
            return Embedded(np.zeros((0, self._model.dimension), np.float32))
        vectors = np.asarray(self._embed(list(texts)), np.float32)
        if vectors.shape != (len(texts), self._model.dimension):
            raise EmbeddingError(
                f"the model in the directory makes vectors of {vectors.shape[-1]}, not of {self._model.dimension}",
                where=self._model.name,
                remedy="write the model's name and @ with the length of its vectors in CLEW_EMBEDDING_MODELS",
            )
        return Embedded(vectors)


def _directory_of(directory: Path | None, model: Model) -> Path:
    if directory is None:
        raise ConfigurationError(
            f"the model {model.name} is neither built in nor anywhere that is named",
            where=_VARIABLE,
            remedy="name the directory that holds it there, or an endpoint in CLEW_EMBEDDING_URL",
        )
    place = directory / model.name.rpartition("/")[2]
    if place.name in {"", ".", ".."} or not place.is_dir():
        raise ConfigurationError(
            f"there is no model {model.name} in this directory",
            where=f"{_VARIABLE}={directory}",
            remedy=f"put the model's files into {place}",
        )
    return place


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _by_sentence_transformers(place: Path) -> Any:
    package: Any = importlib.import_module("sentence_transformers")
    model = package.SentenceTransformer(str(place), local_files_only=True)

    def embed(texts: list[str]) -> Any:
        return model.encode(texts, batch_size=_BATCH, show_progress_bar=False, convert_to_numpy=True)

    return embed


def _by_fastembed(place: Path, model: Model) -> Any:
    package: Any = importlib.import_module("fastembed")
    embedding = package.TextEmbedding(
        model_name=model.name, specific_model_path=str(place), local_files_only=True, cuda=False
    )

    def embed(texts: list[str]) -> Any:
        return np.stack(list(embedding.embed(texts, batch_size=_BATCH)))

    return embed
