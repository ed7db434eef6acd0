"""What can go wrong with vectors."""

from clew.kernel.errors import ClewError, ConfigurationError, ConflictError, InputError, NotFoundError


class VectorQueryError(InputError):
    """The request cannot be answered as it stands: `where` names the part of it."""

    code = "vector_query"


class ModelMismatchError(ConflictError):
    """A vector of one model is no vector of another's collection: nothing can be said of their likeness."""

    code = "model_mismatch"


class VectorViewMissingError(NotFoundError):
    """There is no view of vectors to read yet: it has to be built."""

    code = "vector_view_missing"


class VectorViewBusyError(ConflictError):
    """Another process is writing this view."""

    code = "vector_view_busy"
    transient = True


class VectorEngineUnavailableError(ClewError):
    """The engine that keeps vectors cannot be reached or does not answer in time; what was asked may be again."""

    code = "vector_engine_unavailable"
    exit_code = 7
    transient = True


class PgvectorMissingError(ConfigurationError):
    """The record's server has no pgvector; the remedy names the choices."""

    code = "pgvector_missing"


class EmbeddingError(ClewError):
    """A model did not give what was asked of it: a bad answer, or none that can be used. Terminal."""

    code = "embedding"


class EmbeddingUnavailableError(ClewError):
    """The endpoint of a model cannot be reached, is too busy, or does not answer in time.

    `retry_after`: the seconds it asked for, if it did.
    """

    code = "embedding_unavailable"
    exit_code = 7
    transient = True

    def __init__(
        self, message: str, *, where: str | None = None, remedy: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, where=where, remedy=remedy)
        self.retry_after = retry_after
