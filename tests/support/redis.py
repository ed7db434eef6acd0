"""Settings that name a Redis of the tests."""

from typing import Any

from pydantic import SecretStr

from clew.kernel.settings import Settings


def redis_settings(url: str, **changed: Any) -> Settings:
    return Settings(redis_url=SecretStr(url), **changed)
