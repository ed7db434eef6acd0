"""How many requests are taken: of one caller to one route, of one address without credentials, and of all together.

Windows slide, so nobody gets twice the limit around a full minute, and live in the cache: they shield the server and
are not worth a write to the database. What a key's owner was promised (per minute, hour, day and month) is counted
exactly in PostgreSQL, by `quotas`.
"""

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, Self
from uuid import UUID

from clew.domains.identity.principal import Principal
from clew.domains.identity.quotas import Allowance
from clew.kernel.cache.keys import CALLERS, RATE_LIMIT, RATE_LIMIT_OF_ADDRESS
from clew.kernel.cache.port import Cache, Room, Window, Windows
from clew.kernel.errors import LimitError
from clew.kernel.settings import Settings
from clew.kernel.stored_text import neighbourhood

CALLER: Final = "caller"
ADDRESS: Final = "address"
EVERYBODY: Final = "everybody"

_LENGTHS: Final = {"minute": 60, "hour": 3600, "day": 86_400, "month": 2_592_000}
_NO_ADDRESS: Final = "unknown"
_MOST_WINDOWS: Final = 4096
_MOST_MET: Final = 100_000


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands with one limit: what the answer's headers tell.

    `resets_in` are the seconds until the next request is allowed where none remains, else until all of the limit is
    free again if nobody asks for more.
    """

    name: str
    limit: int
    remaining: int
    window_seconds: int
    resets_in: int


class TooManyRequestsError(LimitError):
    """A limit on requests is reached; `standings` tell of all that were looked at."""

    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after: int, standings: tuple[Standing, ...]) -> None:
        super().__init__(message, retry_after=retry_after, remedy=f"wait {retry_after} s and send it again")
        self.standings = standings


@dataclass(frozen=True, slots=True)
class LimiterRules:
    """Requests that are taken; 0 is no limit."""

    caller_per_minute: int = 1200
    address_per_hour: int = 2000
    everybody_per_minute: int = 120_000

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The rules that the settings name."""
        return cls(
            settings.limit_caller_per_minute, settings.limit_address_per_hour, settings.limit_everybody_per_minute
        )


class Limiter:
    """Counts requests in a cache. Made once per process, used by many threads; a call takes some 30 microseconds."""

    def __init__(self, cache: Windows, rules: LimiterRules) -> None:
        self._cache = cache
        self._rules = rules
        self._everybody = Window(
            RATE_LIMIT.key(subject=EVERYBODY, endpoint="all"), rules.everybody_per_minute, RATE_LIMIT.span
        )
        self._met = _Met()
        # A caller comes again and again, and making the key takes longer than counting under it.
        self._window_of = lru_cache(_MOST_WINDOWS)(self._made_window)

    def admit(self, principal: Principal, endpoint: str) -> tuple[Standing, ...]:
        """Count a request of a caller who is known. `endpoint` is method and pattern of the route, never a path.

        Raises TooManyRequestsError; what is refused is not counted.
        """
        subject = ("key", principal.key_id) if principal.is_key else ("user", principal.user_id)
        window = self._window_of(*subject, endpoint)
        self._met.add(endpoint, window.key)
        return self._take(CALLER, window)

    def admit_address(self, client_ip: str | None, endpoint: str) -> tuple[Standing, ...]:
        """Count a request without credentials, or with such as are none, to the address it came from.

        Neighbours in one IPv6 network of 64 bits count as one, for each has as many addresses as they like. Raises
        TooManyRequestsError.
        """
        subject = f"address:{neighbourhood(client_ip) if client_ip else _NO_ADDRESS}"
        key = RATE_LIMIT_OF_ADDRESS.key(subject=subject, endpoint=endpoint)
        return self._take(ADDRESS, Window(key, self._rules.address_per_hour, RATE_LIMIT_OF_ADDRESS.span))

    def note_callers(self, cache: Cache) -> None:
        """Count the callers of late among the different ones of each endpoint. Raises CacheUnavailableError."""
        for endpoint, callers in self._met.take().items():
            cache.note(CALLERS.key(endpoint=endpoint), sorted(callers), lifetime=CALLERS.span)

    def callers(self, cache: Cache) -> dict[str, int]:
        """About how many callers each endpoint had within a minute, of those that this process answers for."""
        return {endpoint: cache.distinct(CALLERS.key(endpoint=endpoint)) for endpoint in self._met.endpoints()}

    def _made_window(self, kind: str, caller: UUID, endpoint: str) -> Window:
        key = RATE_LIMIT.key(subject=f"{kind}:{caller}", endpoint=endpoint)
        return Window(key, self._rules.caller_per_minute, RATE_LIMIT.span)

    def _take(self, name: str, own: Window) -> tuple[Standing, ...]:
        named = [(kind, window) for kind, window in ((name, own), (EVERYBODY, self._everybody)) if window.limit]
        if not named:
            return ()
        taken = self._cache.take([window for _, window in named])
        # How busy the whole server is, is nobody's business as long as it takes requests.
        standings = [
            _standing(kind, room) for (kind, _), room in zip(named, taken.rooms, strict=True) if kind != EVERYBODY
        ]
        if taken.allowed:
            return tuple(standings)
        full = [
            (room, kind) for (kind, _), room in zip(named, taken.rooms, strict=True) if room.used >= room.window.limit
        ]
        room, kind = max(full, key=lambda each: each[0].freed_after)
        who = {CALLER: "you may send to this route", ADDRESS: "this address may send to this route without signing in"}
        asked = who.get(kind, "the server takes from everybody together")
        length = int(room.window.length.total_seconds())
        raise TooManyRequestsError(
            f"{room.window.limit} requests in {length} s are all that {asked}",
            retry_after=_whole(room.freed_after),
            standings=tuple(standings),
        )


class _Met:
    """Who called which endpoint since that was last counted. Endpoints are routes, of which there are some hundred."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._met: dict[str, set[str]] = {}
        self._endpoints: set[str] = set()

    def add(self, endpoint: str, caller: str) -> None:
        with self._guard:
            met = self._met.setdefault(endpoint, set())
            if len(met) < _MOST_MET:
                met.add(caller)

    def take(self) -> dict[str, set[str]]:
        with self._guard:
            met, self._met = self._met, {}
            self._endpoints |= met.keys()
            return met

    def endpoints(self) -> list[str]:
        with self._guard:
            return sorted(self._endpoints)


def standings_of(allowances: Iterable[Allowance], now: datetime) -> tuple[Standing, ...]:
    """The limits of an API key as headers tell them; windows without a limit are left out."""
    return tuple(
        Standing(each.window, each.limit, each.remaining, _LENGTHS[each.window], _whole(each.resets_at - now))
        for each in allowances
        if each.remaining is not None
    )


def _standing(name: str, room: Room) -> Standing:
    reset = room.empty_after if room.remaining else room.freed_after
    length = int(room.window.length.total_seconds())
    return Standing(name, room.window.limit, room.remaining, length, _whole(reset))


def _whole(span: timedelta) -> int:
    return max(1, math.ceil(span.total_seconds()))
