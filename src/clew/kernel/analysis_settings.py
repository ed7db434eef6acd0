"""Analyses, and who writes their text, as settings: a part of `clew.kernel.settings.Settings`."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class AnalysisSettings(BaseSettings):
    """How long an analysis may take, and which language model is asked for its text, if any."""

    analysis_timeout_seconds: int = Field(
        3600, ge=1, le=604_800, description="Seconds after which an analysis that is still worked on fails."
    )
    assessment_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        description="Language model that words the summary of analyses: base address of an OpenAI-compatible API "
        "(http://127.0.0.1:8080/v1) or of Ollama (http://127.0.0.1:11434). Its host may be one of the own network. "
        "Unset: templates.",
    )
    assessment_protocol: Literal["openai", "ollama"] = Field("openai", description="What is spoken at that address.")
    assessment_model: str = Field("", max_length=200, description="Name of the model that is asked for there.")
    assessment_api_key: SecretStr | None = Field(None, description="API key for that address. Unset: none is sent.")
    assessment_timeout_seconds: float = Field(
        30.0, gt=0, le=600, description="Seconds to wait for the model; then the template writes."
    )
    assessment_maximum_tokens: int = Field(600, ge=50, le=8000, description="Longest answer of the model, in tokens.")
    assessment_input_price: float = Field(
        0.0, ge=0, description="Price in USD of a million tokens that the model is given, for the record of costs."
    )
    assessment_output_price: float = Field(
        0.0, ge=0, description="Price in USD of a million tokens that the model answers."
    )
