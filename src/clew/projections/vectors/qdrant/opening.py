"""The view in the Qdrant that the settings name."""

import hashlib
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from clew.kernel.errors import ConfigurationError
from clew.projections.vectors.qdrant.connection import QdrantAddress, QdrantConnection, connection_to
from clew.projections.vectors.qdrant.view import QdrantView

if TYPE_CHECKING:
    from clew.kernel.settings import Settings

_VARIABLE: Final = "CLEW_VECTORS_URL"
_PREFIX: Final = re.compile(r"[a-z0-9][a-z0-9_]{0,40}")
_EXAMPLE: Final = "write https://host:6333/prefix, and the key into CLEW_VECTORS_API_KEY"


def qdrant_view(settings: "Settings") -> QdrantView:
    """The view; its lock lies in the data directory. Raises ConfigurationError for settings that name no Qdrant."""
    address = address_of(settings)
    place = hashlib.sha256(address.place.encode()).hexdigest()[:16]
    directory = settings.data_dir / "vectors" / f"engine-{place}"
    return QdrantView(connection_to(address), directory, prefix=address.prefix)


def qdrant_connection(settings: "Settings") -> QdrantConnection:
    """The process's connection to the Qdrant that the settings name."""
    return connection_to(address_of(settings))


def address_of(settings: "Settings") -> QdrantAddress:
    """The Qdrant that `vectors_url` names. Raises ConfigurationError, which repeats nothing of the URL."""
    if settings.vectors_url is None:
        raise ConfigurationError("no Qdrant is set", where=_VARIABLE, remedy=_EXAMPLE)
    try:
        url = urlsplit(settings.vectors_url.get_secret_value())
        host, port = url.hostname, url.port or 6333
    except ValueError:
        raise _wrong("this is not a valid URL") from None
    prefix = url.path.strip("/") or "clew"
    if url.scheme not in {"http", "https"} or not host or url.query or url.fragment or url.username:
        raise _wrong("this is not the URL of a Qdrant")
    if _PREFIX.fullmatch(prefix) is None:
        raise _wrong("the path is the prefix of names: small letters, digits and _")
    ca_file = settings.vectors_ca_file
    if ca_file is not None and not ca_file.is_file():
        raise ConfigurationError(
            "this file does not exist", where="CLEW_VECTORS_CA_FILE", remedy="name a file of certificates (PEM)"
        )
    key = settings.vectors_api_key
    return QdrantAddress(
        url.scheme,
        host,
        port,
        prefix,
        key.get_secret_value() if key else None,
        ca_file,
        settings.vectors_timeout_seconds,
    )


def _wrong(message: str) -> ConfigurationError:
    return ConfigurationError(message, where=_VARIABLE, remedy=_EXAMPLE)
