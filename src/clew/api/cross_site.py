"""That a request with a session's cookie was meant by whoever sits at the browser (OWASP: cross-site request forgery).

SameSite=Strict keeps the cookie at home in all present browsers. Where it does not, two more things hold: the browser
says where the request comes from, and the request repeats a value that only pages of Clew's own can have read.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response

from clew.api.errors import CrossSiteError
from clew.domains.identity.sessions import NewSession
from clew.kernel.clock import Clock
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.settings import Settings

HEADER: Final = "X-CSRF-Token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})


@dataclass(frozen=True, slots=True, repr=False)
class CookieRules:
    """How the session's cookie is set, and what must come with it."""

    key: bytes
    origin: str
    secure: bool

    @classmethod
    def of(cls, settings: Settings, secret: InstallationSecret) -> Self:
        """The rules that follow from the address under which people reach Clew."""
        parts = urlsplit(settings.public_url)
        return cls(secret.key("cross-site request tokens"), f"{parts.scheme}://{parts.netloc}", parts.scheme == "https")

    @property
    def name(self) -> str:
        """The cookie's name; with the prefix no other host or path can set it."""
        return "__Host-clew_session" if self.secure else "clew_session"

    def proof(self, session_token: str) -> str:
        """What unsafe requests of that session repeat in X-CSRF-Token."""
        return hmac.new(self.key, session_token.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def require_meant(self, method: str, headers: Headers, session_token: str) -> None:
        """Raises CrossSiteError unless the method is safe, or the request proves where it comes from."""
        if method in SAFE_METHODS:
            return
        self.require_own_site(headers)
        given = headers.getlist(HEADER)
        if len(given) != 1 or not hmac.compare_digest(given[0].encode(), self.proof(session_token).encode()):
            raise CrossSiteError(
                f"the header {HEADER} is missing or wrong",
                where=HEADER,
                remedy="send the csrf_token of GET /api/v1/session along",
            )

    def require_own_site(self, headers: Headers) -> None:
        """Raises CrossSiteError if the browser says that another site's page sent this."""
        site = headers.get("Sec-Fetch-Site")
        origin = headers.get("Origin")
        foreign = origin is not None and origin not in {self.origin, f"http://{headers.get('Host', '')}"}
        if foreign or (site is not None and site not in _OWN_SITES):
            raise CrossSiteError(
                "this request comes from another site",
                where="Origin",
                remedy="open Clew under the address that CLEW_PUBLIC_URL names",
            )

    def set_cookie(self, response: Response, session: NewSession, clock: Clock) -> None:
        """Give the session's token to the browser, out of reach of scripts and of other sites."""
        seconds = max(0, int((session.expires_at - clock()).total_seconds()))
        response.set_cookie(
            self.name, session.token, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite="strict"
        )

    def drop_cookie(self, response: Response) -> None:
        """Take it away again."""
        response.delete_cookie(self.name, path="/", secure=self.secure, httponly=True, samesite="strict")
