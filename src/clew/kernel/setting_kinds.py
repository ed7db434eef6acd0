"""Kinds of values that settings have: paths that are absolute, addresses of engines, amounts of bytes."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, SecretStr

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE
GIBIBYTE = 1024 * MEBIBYTE


def absolute(path: Path) -> Path:
    """The path from the root, with `~` as the home."""
    return path.expanduser().resolve()


def _postgresql_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        raise ValueError("must begin with postgresql:// (as in postgresql://user:password@host:5432/database)")
    return url


def _search_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("https://", "http://")):
        raise ValueError("must begin with https:// or http:// (as in https://user:password@host:9200/prefix)")
    return url


def _http_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("https://", "http://")):
        raise ValueError("must begin with https:// or http:// (as in https://host:8443/path)")
    return url


def _redis_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("rediss://", "redis://", "unix://")):
        raise ValueError("must begin with rediss://, redis:// or unix:// (as in rediss://user:password@host:6379/0)")
    return url


def _influx_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("https://", "http://")):
        raise ValueError("must begin with https:// or http:// (as in https://user:password@host:8086/prefix)")
    return url


def _mongo_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("mongodb://", "mongodb+srv://")):
        raise ValueError("must begin with mongodb:// or mongodb+srv:// (as in mongodb://user:password@host:27017/name)")
    return url


AbsolutePath = Annotated[Path, AfterValidator(absolute)]
PostgresqlUrl = Annotated[SecretStr, AfterValidator(_postgresql_url)]
SearchUrl = Annotated[SecretStr, AfterValidator(_search_url)]
HttpUrl = Annotated[SecretStr, AfterValidator(_http_url)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
InfluxUrl = Annotated[SecretStr, AfterValidator(_influx_url)]
MongoUrl = Annotated[SecretStr, AfterValidator(_mongo_url)]
