"""The graph view as settings: a part of `clew.kernel.settings.Settings`."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from clew.kernel.setting_kinds import AbsolutePath

GRAPH_SCHEMES = ("bolt", "bolt+s", "neo4j", "neo4j+s")


def _graph_url(url: SecretStr) -> SecretStr:
    if url.get_secret_value().partition("://")[0] not in GRAPH_SCHEMES:
        raise ValueError(
            "must begin with bolt://, bolt+s://, neo4j:// or neo4j+s:// (as in bolt+s://user:password@host)"
        )
    return url


class GraphSettings(BaseSettings):
    """What keeps the graph view, and how far its questions go."""

    graph: Literal["embedded", "none"] = Field(
        "embedded",
        description="What keeps the graph view where graph_url names no engine: files in the data directory. "
        "none: no graph view, whatever graph_url says.",
    )
    graph_url: Annotated[SecretStr, AfterValidator(_graph_url)] | None = Field(
        None,
        description="Neo4j 5 that keeps the graph view, as bolt+s://user:password@host:7687/prefix, with a prefix for "
        "each installation. Unset: what graph says.",
    )
    graph_database: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9.-]{2,62}$",
        description="Database of the Neo4j server. Unset: the login's home database.",
    )
    graph_ca_file: AbsolutePath | None = Field(
        None, description="Certificates that Neo4j's one is checked against. Unset: the system's."
    )
    graph_connect_seconds: float = Field(5.0, gt=0, le=60, description="Seconds to wait for a connection to Neo4j.")
    graph_timeout_seconds: float = Field(
        30.0, gt=0, le=3600, description="Seconds that Neo4j may work on one question before it is told to stop."
    )
    graph_max_degree: int = Field(
        200,
        ge=1,
        le=1_000_000,
        description="Relationships above which an entity is a hub, which questions to the graph do not go through "
        "unless they say otherwise.",
    )
