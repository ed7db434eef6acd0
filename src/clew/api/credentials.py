"""What a request brings to show who is calling."""

import base64
import binascii
from dataclasses import dataclass
from typing import Final, Literal

from starlette.datastructures import Headers

from clew.domains.identity.key_format import PREFIX
from clew.kernel.errors import AuthenticationError, InputError

Kind = Literal["key", "token", "session"]

KEY_HEADER: Final = "X-API-Key"
_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """An API key, an access token, or the token of a session's cookie."""

    kind: Kind
    text: str


def credential_of(headers: Headers, cookie_name: str, *, basic: bool = False) -> Credential | None:
    """What the request shows; None if nothing. With `basic` also an API key as the password of Basic (RFC 7617).

    Raises InputError for two at once, because which of them counts would be anybody's guess, AuthenticationError for
    an Authorization of another kind.
    """
    found = [Credential("key", text) for text in headers.getlist(KEY_HEADER)]
    found += [_authorization(text, basic=basic) for text in headers.getlist("Authorization")]
    found += [Credential("session", text) for text in cookies_named(headers, cookie_name)]
    if len(found) > 1:
        raise InputError(
            "more than one credential was given",
            where=", ".join(sorted({each.kind for each in found})),
            remedy=f"send one {KEY_HEADER}, or one Authorization, or one cookie",
        )
    if found and len(found[0].text) > _LONGEST:
        raise AuthenticationError("this credential is too long to be one", remedy="copy it again")
    return found[0] if found else None


def cookies_named(headers: Headers, name: str) -> list[str]:
    """The values of every cookie of that name: a second one was put there by somebody else."""
    pairs = (pair.strip().partition("=") for line in headers.getlist("Cookie") for pair in line.split(";"))
    return [value.strip() for key, _, value in pairs if key.strip() == name]


def _authorization(text: str, *, basic: bool) -> Credential:
    scheme, _, value = text.strip().partition(" ")
    if basic and scheme.lower() == "basic":
        return Credential("key", _password(value.strip()))
    if scheme.lower() != "bearer" or not value.strip():
        raise AuthenticationError("this kind of Authorization is not known", remedy="send `Bearer …`")
    shown = value.strip()
    return Credential("key" if shown.startswith(PREFIX) else "token", shown)


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode("ascii").partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        raise AuthenticationError("this Basic Authorization cannot be read", remedy="send user:KEY in base64") from None
