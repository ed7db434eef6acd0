"""Where a search engine is and how one signs in there, read from settings."""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from clew.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from clew.kernel.settings import Settings

VARIABLE: Final = "CLEW_SEARCH_URL"
_PREFIX: Final = re.compile(r"[a-z0-9][a-z0-9_]{0,40}(?:-[a-z0-9_]{1,40}){0,4}")
_EXAMPLE: Final = "write https://user:password@host:9200/prefix, with special characters percent-encoded"


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """One server (or the balancer before several), and the prefix of the names of what belongs to this installation.

    authorization: the header of that name, None for none. timeout_seconds: of one request.
    """

    scheme: str
    host: str
    port: int
    prefix: str
    authorization: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    timeout_seconds: float = 30.0

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


def address_of(settings: "Settings") -> EngineAddress:
    """The engine that `search_url` names. Raises ConfigurationError, which repeats nothing of the URL."""
    if settings.search_url is None:
        raise ConfigurationError("no search engine is set", where=VARIABLE, remedy=_EXAMPLE)
    try:
        url = urlsplit(settings.search_url.get_secret_value())
        host, port = url.hostname, url.port or 9200
    except ValueError:
        raise _wrong("this is not a valid URL") from None
    prefix = url.path.strip("/")
    if url.scheme not in {"http", "https"} or not host or url.query or url.fragment:
        raise _wrong("this is not the URL of a search engine")
    if prefix and _PREFIX.fullmatch(prefix) is None:
        raise _wrong("the path is the prefix of names: small letters, digits, _ and single -")
    authorization = None
    if settings.search_api_key is not None:
        if url.username:
            raise _wrong("either a login in the URL or CLEW_SEARCH_API_KEY, not both")
        authorization = f"ApiKey {_key(settings.search_api_key.get_secret_value())}"
    elif url.username:
        login = f"{unquote(url.username)}:{unquote(url.password or '')}"
        authorization = f"Basic {b64encode(login.encode()).decode()}"
    ca_file = settings.search_ca_file
    if ca_file is not None and not ca_file.is_file():
        raise ConfigurationError(
            "this file does not exist", where="CLEW_SEARCH_CA_FILE", remedy="name a file of certificates (PEM)"
        )
    return EngineAddress(url.scheme, host, port, prefix, authorization, ca_file, float(settings.search_timeout_seconds))


def _key(text: str) -> str:
    """An API key as the header wants it: engines hand them out so, or as id:secret."""
    return b64encode(text.encode()).decode() if ":" in text else text


def _wrong(message: str) -> ConfigurationError:
    return ConfigurationError(message, where=VARIABLE, remedy=_EXAMPLE)
