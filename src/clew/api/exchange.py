"""What is known of one request while it is being answered, kept in its scope."""

import re
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from starlette.types import Scope

from clew.kernel.clock import Clock, system_clock
from clew.kernel.ids import new_id
from clew.kernel.stored_text import storable_address

if TYPE_CHECKING:
    from clew.domains.identity.limiting import Standing
    from clew.domains.identity.principal import Principal
    from clew.domains.identity.quotas import Allowance

KNOWN_CALLER: Final = "clew.known_caller"
"""Where, in the scope of a request made within this process, the Principal stands who makes it.

What comes over a network cannot get there: a server makes scopes itself, of header lines, paths and addresses.
"""
_KEY: Final = "clew.exchange"
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
NO_ROUTE: Final = "(none)"


@dataclass(slots=True)
class Exchange:
    """A request and its answer. `route` is the pattern, never a path with somebody's data in it."""

    request_id: str
    client_ip: str | None
    began: float = field(default_factory=time.perf_counter)
    at: datetime = field(default_factory=system_clock)
    route: str = NO_ROUTE
    code: str | None = None  # of the problem, if it ended in one
    principal: "Principal | None" = None
    allowances: "tuple[Allowance, ...]" = ()
    standings: "tuple[Standing, ...]" = ()
    request_bytes: int = 0
    response_bytes: int = 0
    status: int = 0


def open_exchange(scope: Scope, clock: Clock = system_clock) -> Exchange:
    """Begin to keep what becomes known of this request."""
    client = scope.get("client")
    # Proxies may say anything; what is no address is none.
    exchange = Exchange(_request_id(scope), storable_address(client[0]) if client else None, at=clock())
    scope[_KEY] = exchange
    return exchange


def exchange_of(scope: Scope) -> Exchange:
    """What is known of the request."""
    found: Exchange = scope[_KEY]
    return found


def _request_id(scope: Scope) -> str:
    """The caller's own id for the request if it is well-formed, else a new one: it goes into logs and headers."""
    given = [value for name, value in scope["headers"] if name == b"x-request-id"]
    if len(given) == 1:
        text = given[0].decode("latin-1")
        if _REQUEST_ID.fullmatch(text):
            return str(text)
    return str(new_id())
