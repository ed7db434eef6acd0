"""How far an analysis is that is being worked on, for whoever asks meanwhile: live state, which may be lost.

Only where server processes share a Redis can others see it; without one, the job's row tells (`clew jobs show`).
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from clew.kernel.cache.keys import ANALYSIS_STATE
from clew.kernel.cache.opening import opened_cache
from clew.kernel.cache.port import Cache, CacheUnavailableError
from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings

if TYPE_CHECKING:
    from clew.domains.campaigns.reporting import Observer

_EVERY_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class AnalysisState:
    """What an analysis is at, and how much of it is done (0 to 1)."""

    current_step: str
    progress: float


class Live:
    """An observer that also tells whoever shares a Redis, every half second; `status` is told when the block ends."""

    def __init__(self, observe: "Observer", teller: "_Teller | None") -> None:
        self._observe = observe
        self._teller = teller
        self.status = "completed"

    def __call__(self, step: str, done: float) -> None:
        """See `Observer`."""
        self._observe(step, done)
        if self._teller is not None:
            self._teller.step(step, done)

    def found(self, results: Mapping[str, Any]) -> None:
        """Tell what is known already: small things, such as numbers of sessions."""
        if self._teller is not None:
            self._teller.tell(intermediate_results=orjson.dumps(results).decode())


@contextlib.contextmanager
def told_live(
    settings: Settings,
    organization_id: UUID,
    analysis_id: UUID,
    now: datetime,
    observe: "Observer",
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[Live]:
    """An observer that also tells whoever shares a Redis; `errors` says how the analysis ended, if badly."""
    with contextlib.ExitStack() as opened:
        cache: Cache | None = None
        if settings.redis_url is not None:
            with contextlib.suppress(ConfigurationError):  # away, or not for us: the analysis goes on without
                cache = opened.enter_context(opened_cache(settings))
        if cache is None:
            yield Live(observe, None)
            return
        teller = _Teller(cache, ANALYSIS_STATE.key(organization_id=organization_id, session_id=analysis_id), monotonic)
        teller.tell(status="processing", started_at=now.isoformat(), intermediate_results="{}", errors="")
        live = Live(observe, teller)
        try:
            yield live
        except BaseException as error:
            teller.tell(status="failed", errors=type(error).__name__)
            raise
        teller.tell(status=live.status)


def live_state(cache: Cache, organization_id: UUID, analysis_id: UUID) -> AnalysisState | None:
    """How far an analysis is; None if nobody tells."""
    try:
        fields = cache.read(ANALYSIS_STATE.key(organization_id=organization_id, session_id=analysis_id))
        return AnalysisState(fields["current_step"], min(max(float(fields["progress"]), 0.0), 1.0))
    except (CacheUnavailableError, KeyError, ValueError):
        return None


class _Teller:
    def __init__(self, cache: Cache, key: str, monotonic: Callable[[], float]) -> None:
        self._cache = cache
        self._key = key
        self._monotonic = monotonic
        self._told = -_EVERY_SECONDS

    def tell(self, **fields: str) -> None:
        with contextlib.suppress(CacheUnavailableError):
            self._cache.write(self._key, fields, lifetime=ANALYSIS_STATE.span)

    def step(self, step: str, done: float) -> None:
        if self._monotonic() - self._told >= _EVERY_SECONDS:
            self._told = self._monotonic()
            self.tell(current_step=step, progress=f"{done:.3f}")
