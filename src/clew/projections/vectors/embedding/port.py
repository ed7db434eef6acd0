"""What turns texts into vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from clew.projections.vectors.port import Model, Vector


@dataclass(frozen=True, slots=True)
class Spent:
    """What embedding cost. `tokens`: as the endpoint counts them; 0 where nothing is charged."""

    requests: int = 0
    texts: int = 0
    tokens: int = 0
    usd: float = 0.0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.requests + other.requests,
            self.texts + other.texts,
            self.tokens + other.tokens,
            self.usd + other.usd,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """Vectors, a row for each text in their order, and what they cost."""

    vectors: Vector
    spent: Spent = Spent()


class Embedder(Protocol):
    """Makes vectors by one model. The same text gives the same vector, but for the last digits of some endpoints."""

    @property
    def model(self) -> Model:
        """What it embeds with."""

    @property
    def is_costly(self) -> bool:
        """Whether its vectors are worth being kept rather than made again: by an endpoint, or a large model."""

    def embed(self, texts: Sequence[str]) -> Embedded:
        """The vectors of the texts, of any length. Raises EmbeddingError, EmbeddingUnavailableError."""
