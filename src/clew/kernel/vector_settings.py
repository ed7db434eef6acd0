"""Vectors and what makes them, as settings: a part of `clew.kernel.settings.Settings`."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from clew.kernel.setting_kinds import AbsolutePath, HttpUrl


class VectorSettings(BaseSettings):
    """Where vectors are kept, which models make them, and what a model elsewhere costs."""

    vectors: Literal["pgvector", "none"] = Field(
        "pgvector",
        description="What keeps vectors where vectors_url names no engine: pgvector in the record's own server. none: "
        "no vectors, whatever vectors_url says.",
    )
    vectors_url: HttpUrl | None = Field(
        None,
        description="Qdrant that keeps vectors, as https://host:6333/prefix, with a prefix for each installation. "
        "Unset: what vectors says.",
    )
    vectors_api_key: SecretStr | None = Field(None, description="API key for Qdrant.")
    vectors_ca_file: AbsolutePath | None = Field(
        None, description="Certificates that Qdrant's one is checked against. Unset: the system's."
    )
    vectors_timeout_seconds: int = Field(30, ge=1, le=600, description="Seconds to wait for an answer of Qdrant.")
    embedding_models: dict[str, Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        {},
        description="Models by collection of vectors (or * for all), as a JSON object. What is not named is embedded "
        "by clew-ngrams, which needs nothing. A changed model makes the view anew.",
    )
    embedding_url: HttpUrl | None = Field(
        None,
        description="Endpoint of models that speaks OpenAI's protocol, as https://host/v1. Unset: models come from "
        "embedding_model_dir.",
    )
    embedding_api_key: SecretStr | None = Field(None, description="API key for that endpoint.")
    embedding_ca_file: AbsolutePath | None = Field(
        None, description="Certificates that the endpoint's one is checked against. Unset: the system's."
    )
    embedding_timeout_seconds: int = Field(60, ge=1, le=600, description="Seconds to wait for the endpoint's answer.")
    embedding_batch: int = Field(64, ge=1, le=2048, description="Texts that are sent to the endpoint at once.")
    embedding_usd_per_million_tokens: float = Field(
        0.0, ge=0, le=10_000, description="What the endpoint charges, for the record of costs."
    )
    embedding_model_dir: AbsolutePath | None = Field(
        None,
        description="Directory of models on this machine, a directory each, called as the model is; read by "
        "sentence-transformers or fastembed, whichever is installed.",
    )
