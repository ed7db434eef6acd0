"""Where an InfluxDB is and how one signs in there, read from settings."""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from clew.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from clew.kernel.settings import Settings

VARIABLE: Final = "CLEW_INFLUXDB_URL"
_PREFIX: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")
_EXAMPLE: Final = "write https://user:password@host:8086/prefix, with special characters percent-encoded"


@dataclass(frozen=True, slots=True)
class InfluxAddress:
    """One server, and the prefix of the names of the databases that belong to this installation."""

    scheme: str
    host: str
    port: int
    prefix: str
    user: str | None = None
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    timeout_seconds: float = 30.0

    @property
    def place(self) -> str:
        """For people: without what one signs in with."""
        return f"{self.base}/{self.prefix}"

    @property
    def base(self) -> str:
        """The server's URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def address_of(settings: "Settings") -> InfluxAddress:
    """The server that `influxdb_url` names. Raises ConfigurationError, which repeats nothing of the URL."""
    if settings.influxdb_url is None:
        raise ConfigurationError("no InfluxDB is set", where=VARIABLE, remedy=_EXAMPLE)
    try:
        url = urlsplit(settings.influxdb_url.get_secret_value())
        host, port = url.hostname, url.port or 8086
    except ValueError:
        raise _wrong("this is not a valid URL") from None
    if url.scheme not in {"http", "https"} or not host or url.query or url.fragment:
        raise _wrong("this is not the URL of an InfluxDB")
    prefix = url.path.strip("/") or "clew"
    if _PREFIX.fullmatch(prefix) is None:
        raise _wrong("the path is the prefix of names: small letters, digits and _, beginning with a letter")
    ca_file = settings.influxdb_ca_file
    if ca_file is not None and not ca_file.is_file():
        raise ConfigurationError(
            "this file does not exist", where="CLEW_INFLUXDB_CA_FILE", remedy="name a file of certificates (PEM)"
        )
    user = unquote(url.username) if url.username else None
    password = unquote(url.password or "")
    timeout = float(settings.influxdb_timeout_seconds)
    return InfluxAddress(url.scheme, host, port, prefix, user, password, ca_file, timeout)


def _wrong(message: str) -> ConfigurationError:
    return ConfigurationError(message, where=VARIABLE, remedy=_EXAMPLE)
