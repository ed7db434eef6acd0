"""Changes on their way to the engine, many in a request: each tried again as often as it makes sense, none lost.

Within what is waiting, the last change of a document counts and is the only one sent. Requests follow each other, two
at a time where they are about different documents.
"""

import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import orjson
import tenacity

from clew.projections.search.elastic.connection import EngineConnection, quoted
from clew.projections.search.elastic.parts import Parts
from clew.projections.search.errors import SearchEngineUnavailableError, SearchViewError

_REQUEST_BYTES: Final = 4 << 20
_REQUEST_CHANGES: Final = 5_000
_AT_ONCE: Final = 2
# Of each change what `_judge` asks; the rest would be four times as much for the engine to write and for us to read.
_TOLD: Final = "items.*.status,items.*.error,items.*.result"
_ATTEMPTS: Final = 8
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 10.0
_TIMEOUT_SECONDS: Final = 300.0
_OVERHEAD: Final = 120  # bytes that a waiting change takes besides its text


@dataclass(frozen=True, slots=True)
class Change:
    """A document to be put, or (source None) removed, in the index behind an alias."""

    alias: str
    key: str
    source: bytes | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A change that the engine would not take, whatever one tries: it does not fit, and why."""

    change: Change
    reason: str


class BusyEngineError(SearchEngineUnavailableError):
    """Some changes of a request were not taken, because the engine has too much to do or lacks a copy."""


class Bulk:
    """Collects changes and sends them. One thread uses it. most_bytes: what may wait before something is sent."""

    def __init__(self, connection: EngineConnection, parts: Parts, most_bytes: int) -> None:
        self._connection = connection
        self._parts = parts
        self._most_bytes = most_bytes
        self._waiting: dict[tuple[str, str], Change] = {}
        self._bytes = 0
        self._sending: deque[tuple[frozenset[tuple[str, str]], Future[None]]] = deque()
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="clew-bulk")
        self._refused: list[Refused] = []
        self._absent: list[Change] = []
        self.touched: set[str] = set()

    def add(self, change: Change) -> None:
        """Let a change wait; send what waits if it is too much."""
        place = (change.alias, change.key)
        known = self._waiting.pop(place, None)
        if known is not None:
            self._bytes -= _size(known)
        self._waiting[place] = change
        self._bytes += _size(change)
        if self._bytes > self._most_bytes:
            self.send()

    def forget(self, beginning: str) -> None:
        """Drop the waiting changes whose key begins so, and wait for what is being sent."""
        for place in [place for place in self._waiting if place[1].startswith(beginning)]:
            self._bytes -= _size(self._waiting.pop(place))
        self._settle()

    def send(self) -> None:
        """Begin to send all that waits, in requests of bounded size. Raises what an earlier request ended with."""
        waiting, self._waiting, self._bytes = self._waiting, {}, 0
        part: list[Change] = []
        size = 0
        for change in waiting.values():
            part.append(change)
            size += _size(change)
            if size >= _REQUEST_BYTES or len(part) >= _REQUEST_CHANGES:
                self._submit(part)
                part, size = [], 0
        if part:
            self._submit(part)

    def finish(self) -> tuple[list[Refused], list[Change]]:
        """Send all that waits, wait until it is done; what was refused, and removals of what was not there."""
        self.send()
        self._settle()
        refused, self._refused = self._refused, []
        absent, self._absent = self._absent, []
        return refused, absent

    def close(self) -> None:
        """Let go, without what waits; what is being sent is waited for."""
        self._waiting, self._bytes = {}, 0
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._sending.clear()

    def _settle(self) -> None:
        while self._sending:
            self._sending.popleft()[1].result()

    def _submit(self, part: list[Change]) -> None:
        places = frozenset((change.alias, change.key) for change in part)
        while self._sending and (
            len(self._sending) >= _AT_ONCE or any(not places.isdisjoint(others) for others, _ in self._sending)
        ):
            self._sending.popleft()[1].result()
        self.touched |= {change.alias for change in part}
        self._sending.append((places, self._threads.submit(self._carry_out, part)))

    def _carry_out(self, part: list[Change]) -> None:
        left = part
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            wait=tenacity.wait_exponential_jitter(multiplier=_FIRST_PAUSE, max=_LONGEST_PAUSE),
            retry=tenacity.retry_if_exception_type(SearchEngineUnavailableError),
            sleep=time.sleep,
            reraise=True,
        )
        for attempt in retrying:
            with attempt:
                left, reason = self._once(left)
                if left:
                    raise BusyEngineError(
                        f"the search engine did not take {len(left):,} changes: {reason}",
                        where=self._connection.address.place,
                        remedy="see its log: it may have too little memory or disk",
                    )

    def _once(self, part: list[Change]) -> tuple[list[Change], str]:
        """Send changes; those to be sent again, and why."""
        target = f"/_bulk?require_alias=true&filter_path={_TOLD}"
        placed = self._placed(part)
        body = b"".join(_lines(change, placed.get((change.alias, change.key), change.alias)) for change in part)
        answer = self._connection.request("POST", target, body, timeout_seconds=_TIMEOUT_SECONDS)
        if answer.status == 413 and len(part) > 1:
            middle = len(part) // 2
            halves = [self._once(part[:middle]), self._once(part[middle:])]
            return [change for left, _ in halves for change in left], halves[0][1] or halves[1][1]
        if answer.status in {400, 413} and len(part) == 1:
            self._refused.append(Refused(part[0], answer.reason))
            return [], ""
        if not answer.well:
            raise self._connection.failed(answer, target)
        again: list[Change] = []
        reason = ""
        for change, item in zip(part, answer.body["items"], strict=True):
            ((_, told),) = item.items()
            verdict = self._judge(change, told)
            if verdict is not None:
                again.append(change)
                reason = reason or verdict
        return again, reason

    def _placed(self, part: list[Change]) -> dict[tuple[str, str], str]:
        """Through which other alias than their own changes are sent, if any."""
        keys: dict[str, list[str]] = {}
        for change in part:
            keys.setdefault(change.alias, []).append(change.key)
        return {
            (alias, key): place
            for alias, each in keys.items()
            for key, place in self._parts.places(alias, each).items()
        }

    def _judge(self, change: Change, told: dict[str, Any]) -> str | None:
        """Why a change is to be sent again, if so."""
        status, error = told["status"], told.get("error")
        if status < 300 or (status == 404 and change.source is None and error is None):
            if change.source is None and told.get("result") == "not_found":
                self._absent.append(change)
            return None
        reason = f"{error.get('type')}: {error.get('reason')}"[:300] if isinstance(error, dict) else f"status {status}"
        if status == 400 and change.source is not None:
            self._refused.append(Refused(change, reason))
            return None
        if status == 404:
            raise SearchViewError(
                f"the index is gone: {reason}",
                where=self._connection.address.place,
                remedy="it was deleted in the engine: rebuild the view with `clew projection rebuild`",
            )
        return reason


def _lines(change: Change, place: str) -> bytes:
    kind = "delete" if change.source is None else "index"
    action = orjson.dumps({kind: {"_index": place, "_id": change.key}})
    return action + b"\n" if change.source is None else b"".join((action, b"\n", change.source, b"\n"))


def _size(change: Change) -> int:
    return _OVERHEAD + (len(change.source) if change.source is not None else 0)


def alias_target(aliases: Sequence[str]) -> str:
    """Aliases as part of a target."""
    return quoted(",".join(sorted(aliases)))
