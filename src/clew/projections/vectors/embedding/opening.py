"""Which embedder a model needs. Models of this machine and connections to endpoints are opened once for the process."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from clew.kernel.errors import ConfigurationError
from clew.projections.vectors.embedding.port import Embedder
from clew.projections.vectors.models import NGRAMS, known_model
from clew.projections.vectors.port import Model

if TYPE_CHECKING:
    from clew.kernel.settings import Settings
    from clew.projections.vectors.embedding.endpoint import Endpoint


def embedder_of(model: Model, settings: "Settings") -> Embedder:
    """What embeds with that model: built in, at the endpoint if one is named, else from the directory of models.

    Raises ConfigurationError where it is nowhere.
    """
    if model.name == NGRAMS:
        from clew.projections.vectors.embedding.ngrams import NgramEmbedder  # noqa: PLC0415  its arrays are large

        return NgramEmbedder(model.dimension)
    if settings.embedding_url is None:
        return _local(settings.embedding_model_dir, model)
    from clew.projections.vectors.embedding.endpoint import Endpoint  # noqa: PLC0415  as above

    known = known_model(model.name)
    url = settings.embedding_url.get_secret_value()
    if urlsplit(url).username:
        raise ConfigurationError(
            "this URL holds a login", where="CLEW_EMBEDDING_URL", remedy="write the key into CLEW_EMBEDDING_API_KEY"
        )
    key = settings.embedding_api_key
    endpoint = Endpoint(
        url=url,
        key=key.get_secret_value() if key else None,
        ca_file=settings.embedding_ca_file,
        timeout_seconds=float(settings.embedding_timeout_seconds),
        batch=settings.embedding_batch,
        usd_per_million_tokens=settings.embedding_usd_per_million_tokens,
        shortens=known is not None and known.shortens and model.dimension != known.dimension,
    )
    return _remote(endpoint, model)


@lru_cache(maxsize=4)
def _local(directory: Path | None, model: Model) -> Embedder:
    from clew.projections.vectors.embedding.local import LocalEmbedder  # noqa: PLC0415  as above

    return LocalEmbedder(directory, model)


@lru_cache(maxsize=4)
def _remote(endpoint: "Endpoint", model: Model) -> Embedder:
    from clew.projections.vectors.embedding.endpoint import EndpointEmbedder  # noqa: PLC0415  as above

    return EndpointEmbedder(endpoint, model)
