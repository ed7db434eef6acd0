"""Where analyses are worked out, as settings: a part of `clew.kernel.settings.Settings`."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class ComputeSettings(BaseSettings):
    """One process, Daft, or a Ray cluster."""

    compute: Literal["local", "daft", "ray"] = Field(
        "local",
        description="Where the parts of an analysis that grow with its sessions are worked out: in the process, by "
        "Daft on this machine, or by Daft on a Ray cluster (needs `clew[ray]`). The result is the same.",
    )
    compute_least_sessions: int = Field(
        100_000, ge=0, description="Sessions of an analysis below which it is worked out in the process all the same."
    )
    ray_address: str | None = Field(
        None,
        min_length=1,
        description="The Ray cluster (host:port, or ray://host:port). Unset: a Ray of its own on this machine.",
    )
