"""Where a MongoDB is, read from settings."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from clew.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from clew.kernel.settings import Settings

VARIABLE: Final = "CLEW_DOCUMENTS_URL"
_EXAMPLE: Final = "write mongodb://user:password@host:27017/database?tls=true, special characters percent-encoded"
_DEFAULT_DATABASE: Final = "clew"
# Ways to talk to a server without knowing which it is.
_UNSAFE: Final = frozenset({"tlsinsecure", "tlsallowinvalidcertificates", "tlsallowinvalidhostnames", "ssl_cert_reqs"})


@dataclass(frozen=True, slots=True)
class MongoAddress:
    """One server or replica set, and the database of this installation there. `url` holds the login."""

    url: str = field(repr=False)
    database: str
    place: str  # for people: without what one signs in with
    encrypted: bool
    is_local: bool
    ca_file: Path | None = None
    timeout_seconds: float = 30.0


def address_of(settings: "Settings") -> MongoAddress:
    """The server that `documents_url` names. Raises ConfigurationError, which repeats nothing of the URL."""
    if settings.documents_url is None:
        raise ConfigurationError("no MongoDB is set", where=VARIABLE, remedy=_EXAMPLE)
    text = settings.documents_url.get_secret_value()
    try:
        url = urlsplit(text)
        options = {name.lower(): value.lower() for name, value in parse_qsl(url.query, keep_blank_values=True)}
    except ValueError:
        raise _wrong("this is not a valid URL") from None
    hosts = url.netloc.rpartition("@")[2]
    database = url.path.strip("/") or _DEFAULT_DATABASE
    if url.scheme not in {"mongodb", "mongodb+srv"} or not hosts or url.fragment or "/" in database:
        raise _wrong("this is not the URL of a MongoDB")
    unsafe = sorted(_UNSAFE & options.keys())
    if unsafe:
        raise _wrong(f"{unsafe[0]} would let any server pass for this one")
    ca_file = settings.documents_ca_file
    if ca_file is not None and not ca_file.is_file():
        raise ConfigurationError(
            "this file does not exist", where="CLEW_DOCUMENTS_CA_FILE", remedy="name a file of certificates (PEM)"
        )
    switched = options.get("tls", options.get("ssl", "true" if url.scheme == "mongodb+srv" else "false"))
    return MongoAddress(
        url=text,
        database=database,
        place=f"{url.scheme}://{hosts}/{database}",
        encrypted=switched == "true",
        is_local=all(map(_is_local, hosts.split(","))),
        ca_file=ca_file,
        timeout_seconds=float(settings.documents_timeout_seconds),
    )


def _is_local(host: str) -> bool:
    name = host.rpartition(":")[0].strip("[]") if ":" in host else host
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.startswith("%2F")


def _wrong(message: str) -> ConfigurationError:
    return ConfigurationError(message, where=VARIABLE, remedy=_EXAMPLE)
