"""A MISP feed: a folder behind an address, with a list of events (`manifest.json`) and a file for each of them.

Format: the feeds that MISP generates and PyMISP's `feed-generator` writes. A feed is only read. An event that is no
longer listed is no deletion: feeds list what is new, and drop what is old.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urljoin
from uuid import UUID

import httpx2
import orjson

from clew.domains.exchange.three_way import Fields
from clew.kernel.outbound import OutboundFailedError

_LIST: Final = "manifest.json"
_DAY: Final = 86_400
_SHOWN: Final = 300


class MispFeed:
    """What is asked of a feed. Every method raises OutboundFailedError if it does not answer.

    client: asks for all files over the same connections (`Outbound.client`, following redirections); whoever made it
    closes it. seen: the events that were taken before and the timestamp each had: unless the list has another one they
    are not fetched again. unreadable: is told the UUID of each listed event whose file is not there or is no such
    event, and why; the others go on.
    """

    def __init__(
        self,
        url: str,
        client: httpx2.Client,
        *,
        seen: Mapping[str, str],
        now: datetime,
        unreadable: Callable[[str, str], None] = lambda _uuid, _reason: None,
    ) -> None:
        self._url = url if url.endswith("/") else f"{url}/"
        self._client = client
        self._seen = seen
        self._now = now
        self.unreadable = unreadable
        self._listed: dict[str, Fields] | None = None
        self._unread: set[str] = set()

    def events(self, *, tags: Sequence[str], days: int) -> Iterator[Fields]:
        """New and changed events with one of the tags (all, if none is given) that changed in the last days."""
        since = self._now.timestamp() - days * _DAY
        for uuid, told in self._list().items():
            timestamp = str(told.get("timestamp", ""))
            if self._seen.get(uuid) == timestamp or not _is_since(timestamp, since) or not _has_any(told, tags):
                continue
            event = self.event(uuid)
            if event is not None:
                yield event

    def timestamps(self, uuids: Sequence[str]) -> dict[str, str]:
        """When each of the events was changed last; one that is no longer listed, as it was seen."""
        listed = self._list()
        found = {uuid: str(listed.get(uuid, {}).get("timestamp") or self._seen.get(uuid, "")) for uuid in uuids}
        return {uuid: timestamp for uuid, timestamp in found.items() if timestamp}

    def event(self, uuid: str) -> Fields | None:
        """The event as its file says it; None if that cannot be read, which is told once."""
        if uuid in self._unread:
            return None
        answer = self._get(f"{uuid}.json")
        try:
            event = answer["Event"]
            if str(event["uuid"]).lower() == uuid:
                return dict(event)
        except (LookupError, TypeError, ValueError):
            pass
        self._unread.add(uuid)
        missing = "its file is not there, or not JSON"
        self.unreadable(uuid, missing if answer is None else "its file holds no event of this UUID")
        return None

    def _list(self) -> dict[str, Fields]:
        """What is told of each event, by UUID."""
        if self._listed is None:
            answer = self._get(_LIST)
            try:
                self._listed = {str(UUID(uuid)): dict(told) for uuid, told in dict(answer).items()}
            except (TypeError, ValueError) as error:
                raise OutboundFailedError(
                    f"{_LIST} is no list of events: {str(error)[:_SHOWN]}",
                    where=self._url,
                    remedy=f"a feed's address is that of the folder with {_LIST} in it",
                ) from error
        return self._listed

    def _get(self, name: str) -> Any:
        """A file's JSON; None if there is no such file, or none that is JSON."""
        where = urljoin(self._url, name)
        try:
            answer = self._client.get(where)
        except httpx2.HTTPError as error:
            raise OutboundFailedError(f"does not answer: {type(error).__name__}", where=where) from error
        if answer.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            return None
        if answer.status_code != HTTPStatus.OK:
            raise OutboundFailedError(f"answers {answer.status_code}", where=where)
        try:
            return orjson.loads(answer.content)
        except ValueError:
            return None


def _is_since(timestamp: str, since: float) -> bool:
    """Whether seconds since 1970, as text, are at or after that; what says no time counts as new."""
    return not timestamp.isdecimal() or int(timestamp) >= since


def _has_any(told: Mapping[str, Any], tags: Sequence[str]) -> bool:
    listed = told.get("Tag")
    names = {str(each.get("name")) for each in listed if isinstance(each, dict)} if isinstance(listed, list) else set()
    return not tags or not names.isdisjoint(tags)
