"""Where a Neo4j server is and how one signs in there, read from settings."""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from clew.kernel.errors import ConfigurationError
from clew.kernel.graph_settings import GRAPH_SCHEMES

if TYPE_CHECKING:
    from clew.kernel.settings import Settings

VARIABLE: Final = "CLEW_GRAPH_URL"
_PREFIX: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}")
_EXAMPLE: Final = "write bolt+s://user:password@host:7687/prefix, with special characters percent-encoded"


@dataclass(frozen=True, slots=True)
class GraphAddress:
    """One server or cluster, and the prefix of what belongs to this installation.

    database: None for the login's home database. timeout_seconds: how long the server may work on one question.
    """

    scheme: str
    host: str
    port: int
    prefix: str = ""
    user: str | None = None
    password: str = field(default="", repr=False)
    database: str | None = None
    ca_file: Path | None = None
    connect_seconds: float = 5.0
    timeout_seconds: float = 30.0

    @property
    def uri(self) -> str:
        """As the driver takes it. With certificates of its own the encryption is asked for beside it."""
        scheme = self.scheme.removesuffix("+s") if self.ca_file is not None else self.scheme
        return f"{scheme}://{self.host}:{self.port}"

    @property
    def encrypted(self) -> bool:
        """Whether the connection is."""
        return self.scheme.endswith("+s")

    @property
    def place(self) -> str:
        """For people: without what one signs in with."""
        return f"{self.scheme}://{self.host}:{self.port}{f'/{self.prefix}' if self.prefix else ''}"

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def address_of(settings: "Settings") -> GraphAddress:
    """The server that `graph_url` names. Raises ConfigurationError, which repeats nothing of the URL."""
    if settings.graph_url is None:
        raise ConfigurationError("no graph engine is set", where=VARIABLE, remedy=_EXAMPLE)
    try:
        url = urlsplit(settings.graph_url.get_secret_value())
        host, port = url.hostname, url.port or 7687
    except ValueError:
        raise _wrong("this is not a valid URL") from None
    prefix = url.path.strip("/")
    if url.scheme not in GRAPH_SCHEMES or not host or url.query or url.fragment:
        raise _wrong("this is not the URL of a Neo4j server")
    if prefix and _PREFIX.fullmatch(prefix) is None:
        raise _wrong("the path is the prefix of this installation: small letters, digits, _ and -")
    ca_file = settings.graph_ca_file
    if ca_file is not None and not ca_file.is_file():
        raise ConfigurationError(
            "this file does not exist", where="CLEW_GRAPH_CA_FILE", remedy="name a file of certificates (PEM)"
        )
    if ca_file is not None and not url.scheme.endswith("+s"):
        raise _wrong("certificates are checked of bolt+s:// and neo4j+s:// only")
    return GraphAddress(
        url.scheme,
        host,
        port,
        prefix,
        unquote(url.username) if url.username else None,
        unquote(url.password or ""),
        settings.graph_database,
        ca_file,
        settings.graph_connect_seconds,
        settings.graph_timeout_seconds,
    )


def _wrong(message: str) -> ConfigurationError:
    return ConfigurationError(message, where=VARIABLE, remedy=_EXAMPLE)
