"""Vectors from any endpoint that speaks OpenAI's protocol: POST {base}/embeddings.

OpenAI itself, Qwen's models by vLLM, Ollama, LM Studio, text-embeddings-inference and others. Requests are batched, in
bounded time, and tried again where that helps: a lost connection, 408, 409, 429 and 5xx, as long as Retry-After says or
else longer and longer, with jitter. Nothing of an answer is believed before it is looked at.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from clew.kernel.errors import ConfigurationError
from clew.projections.vectors.embedding.port import Embedded, Spent
from clew.projections.vectors.errors import EmbeddingError, EmbeddingUnavailableError
from clew.projections.vectors.port import Model, Vector

if TYPE_CHECKING:
    import httpx2

LONGEST_TEXT: Final = 24_000
"""Characters of a text that are sent: models take some 8,000 tokens, and refuse more."""
_ATTEMPTS: Final = 5
_LONGEST_PAUSE_SECONDS: Final = 20.0
_AGAIN: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_LARGEST_ANSWER: Final = 1 << 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where models are asked for, and how. `shortens`: whether the length of the vectors is asked for."""

    url: str
    key: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    timeout_seconds: float = 60.0
    batch: int = 64
    usd_per_million_tokens: float = 0.0
    shortens: bool = False
    pause_seconds: float = 0.5


class EndpointEmbedder:
    """Embeds by one model of an endpoint. Usable from several threads; close it."""

    def __init__(self, endpoint: Endpoint, model: Model) -> None:
        import httpx2  # noqa: PLC0415  loaded only where a model is elsewhere

        self._endpoint = endpoint
        self._model = model
        headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
        self._client = httpx2.Client(
            headers=headers, timeout=endpoint.timeout_seconds, verify=_trusted(endpoint.ca_file), follow_redirects=False
        )

    @property
    def model(self) -> Model:
        """What it asks for."""
        return self._model

    @property
    def is_costly(self) -> bool:
        """Always: by time, if not by money."""
        return True

    def embed(self, texts: Sequence[str]) -> Embedded:
        """The vectors of the texts; that of an empty one is zero and costs nothing.

        Raises EmbeddingUnavailableError if the endpoint stays away, EmbeddingError for an answer that is none, and
        ConfigurationError if it refuses the key or knows no such model.
        """
        vectors = np.zeros((len(texts), self._model.dimension), np.float32)
        wanted = [number for number, text in enumerate(texts) if text.strip()]
        spent = Spent()
        for start in range(0, len(wanted), self._endpoint.batch):
            numbers = wanted[start : start + self._endpoint.batch]
            answer = self._asked([texts[number][:LONGEST_TEXT] for number in numbers])
            vectors[numbers] = self._vectors(answer, len(numbers))
            tokens = _tokens(answer)
            usd = tokens * self._endpoint.usd_per_million_tokens / 1e6
            spent += Spent(1, len(numbers), tokens, usd)
        return Embedded(vectors, spent)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _asked(self, texts: Sequence[str]) -> Any:
        import httpx2  # noqa: PLC0415  loaded already
        import tenacity  # noqa: PLC0415  as httpx2

        body: dict[str, Any] = {"model": self._model.name, "input": list(texts), "encoding_format": "float"}
        if self._endpoint.shortens:
            body["dimensions"] = self._model.dimension
        trying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            wait=self._pause,
            retry=tenacity.retry_if_exception_type(EmbeddingUnavailableError),
            reraise=True,
        )
        for attempt in trying:
            with attempt:
                try:
                    response = self._client.post(f"{self._endpoint.url.rstrip('/')}/embeddings", json=body)
                except httpx2.TransportError as error:
                    raise self._away(f"does not answer: {type(error).__name__}") from error
                return self._answer(response)
        raise AssertionError("either answered or raised")

    def _answer(self, response: "httpx2.Response") -> Any:
        status = response.status_code
        if status in _AGAIN:
            raise self._away(f"answers {status}: {_reason(response)}", retry_after=_retry_after(response))
        if status in {401, 403}:
            raise ConfigurationError(
                f"the endpoint refuses the key ({status})",
                where=self._endpoint.url,
                remedy="correct CLEW_EMBEDDING_API_KEY",
            )
        if status in {404, 405} or 300 <= status < 400:
            raise ConfigurationError(
                f"there is no model {self._model.name!r} at this address ({status}: {_reason(response)})",
                where=self._endpoint.url,
                remedy="correct CLEW_EMBEDDING_URL (it ends before /embeddings) or CLEW_EMBEDDING_MODELS",
            )
        if status != 200 or len(response.content) > _LARGEST_ANSWER:
            raise self._bad(f"answers {status}: {_reason(response)}")
        try:
            return response.json()
        except ValueError:
            raise self._bad("answers with what is no JSON") from None

    def _vectors(self, answer: Any, count: int) -> Vector:
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, list) or len(data) != count:
            found = len(data) if isinstance(data, list) else "no list of"
            raise self._bad(f"gave {found} vectors for {count} texts")
        vectors = np.zeros((count, self._model.dimension), np.float32)
        seen: set[int] = set()
        for position, entry in enumerate(data):
            index = entry.get("index", position) if isinstance(entry, dict) else None
            numbers = entry.get("embedding") if isinstance(entry, dict) else None
            if type(index) is not int or not 0 <= index < count or index in seen:
                raise self._bad(f"names text {index!r} of {count}")
            seen.add(index)
            vectors[index] = self._row(numbers)
        return vectors

    def _row(self, numbers: Any) -> Vector:
        if not isinstance(numbers, list) or len(numbers) != self._model.dimension:
            length = len(numbers) if isinstance(numbers, list) else "no list of"
            raise self._bad(f"gave {length} numbers where {self._model} has {self._model.dimension}")
        try:
            with np.errstate(over="ignore"):
                row = np.array(numbers, np.float32)
        except (TypeError, ValueError, OverflowError):
            raise self._bad("gave something else than numbers") from None
        if row.ndim != 1 or not np.isfinite(row).all() or not row.any():
            raise self._bad("gave a vector that points nowhere")
        return row

    def _pause(self, state: Any) -> float:
        import random  # noqa: PLC0415  seldom

        told = state.outcome.exception().retry_after
        pause = self._endpoint.pause_seconds * 2.0 ** (state.attempt_number - 1)
        jittered: float = pause * (0.5 + random.random() / 2)  # noqa: S311  jitter, not a secret
        return float(min(_LONGEST_PAUSE_SECONDS, max(jittered, told or 0.0)))

    def _away(self, message: str, *, retry_after: float | None = None) -> EmbeddingUnavailableError:
        return EmbeddingUnavailableError(
            f"the endpoint of {self._model.name} {message}",
            where=self._endpoint.url,
            remedy="it is tried again later",
            retry_after=retry_after,
        )

    def _bad(self, message: str) -> EmbeddingError:
        return EmbeddingError(
            f"the endpoint of {self._model.name} {message}",
            where=self._endpoint.url,
            remedy="see whether CLEW_EMBEDDING_MODELS names the model and the length of its vectors as they are",
        )


def _tokens(answer: Any) -> int:
    usage = answer.get("usage") if isinstance(answer, dict) else None
    tokens = usage.get("total_tokens", usage.get("prompt_tokens")) if isinstance(usage, dict) else None
    return tokens if type(tokens) is int and tokens >= 0 else 0


def _reason(response: "httpx2.Response") -> str:
    """What the endpoint says was wrong, in one line."""
    try:
        told = response.json()
    except ValueError:
        told = response.text
    error = told.get("error", told.get("detail", told)) if isinstance(told, dict) else told
    message = error.get("message", error) if isinstance(error, dict) else error
    return " ".join(str(message).split())[:300]


def _retry_after(response: "httpx2.Response") -> float | None:
    try:
        seconds = float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _trusted(ca_file: Path | None) -> Any:
    if ca_file is None:
        return True
    if not ca_file.is_file():
        raise ConfigurationError(
            "this file does not exist", where="CLEW_EMBEDDING_CA_FILE", remedy="name a file of certificates (PEM)"
        )
    import ssl  # noqa: PLC0415  seldom

    return ssl.create_default_context(cafile=str(ca_file))
