"""What server processes share, as settings: the first part of `clew.kernel.settings.Settings`."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from clew.kernel.setting_kinds import AbsolutePath, RedisUrl


class SharedSettings(BaseSettings):
    """Redis, and who does jobs."""

    redis_url: RedisUrl | None = Field(
        None,
        description="Redis 7 or newer for what server processes share: limits, caches, live events, news of jobs. "
        "Unset: the memory of the one server process.",
    )
    redis_ca_file: AbsolutePath | None = Field(None, description="Certificates to check a rediss:// server against.")
    redis_pool_size: int = Field(100, ge=1, le=10_000, description="Connections to Redis that a process makes at most.")
    redis_connect_seconds: float = Field(2.0, gt=0, le=60, description="Seconds to wait for a connection to Redis.")
    redis_timeout_seconds: float = Field(0.5, gt=0, le=60, description="Seconds to wait for an answer of Redis.")
    job_warm_process: bool = Field(
        default=True,
        description="Keep one process of the server (or `clew worker`) ready for jobs, some 130 MB, so that the first "
        "analysis need not wait for libraries. Not with Celery.",
    )
    job_runner: Literal["server", "celery"] = Field(
        "server",
        description="Who does jobs: the server (and any `clew worker`), or Celery's workers (`clew worker`, by Redis).",
    )
