"""Rejected records in the record of a server."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from clew.cli.desk.remote.connection import connected, shaped
from clew.cli.options import Invocation
from clew.client import models
from clew.ingest.quarantine import RetryReport
from clew.records.held import HeldRecord

_AT_ONCE: Final = 200


class _Listed(HeldRecord):
    """A rejected record without its bytes, which a server's list does not hold."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        document = HeldRecord.as_dict(self)
        del document["content"]
        return document


@dataclass(frozen=True, slots=True)
class RemoteQuarantine:
    """See `ports.Quarantine`."""

    call: Invocation

    def held(self, *, reason: str | None, file: str | None, limit: int) -> Sequence[HeldRecord]:
        """Those that wait, oldest first, without their bytes."""
        with connected(self.call) as client:
            found = client.iterate_quarantine(limit=min(limit, _AT_ONCE), reason=reason, file=file)
            listed = [shaped(each, _Listed, content=b"") for each in itertools.islice(found, limit)]
        # Those of one moment stand in a list of the API by their ids, in one of the record by their places.
        return sorted(listed, key=lambda each: (each.created_at, each.file, each.line or 0, each.id))

    def find(self, identifier: UUID) -> HeldRecord:
        """One of them."""
        with connected(self.call) as client:
            found = client.get_quarantined(identifier)
            with client.get_quarantined_content(identifier) as content:
                return shaped(found, HeldRecord, content=content.read())

    def retry(self, identifiers: Sequence[UUID] | None, *, reason: str | None, file: str | None) -> RetryReport:
        """Read them again; without any choice all that are held now, some hundred at a time."""
        total = RetryReport(by_reason=Counter())
        with connected(self.call) as client:
            if identifiers or reason is not None or file is not None:
                wanted = [models.RetryWanted(ids=part, reason=reason, file=file) for part in _parts(identifiers or [])]
            else:
                everything = [each.id for each in client.iterate_quarantine(limit=_AT_ONCE)]
                wanted = [models.RetryWanted(ids=part) for part in _parts(everything) if part]
            for each in wanted:
                done = client.retry_quarantined(each)
                total.tried += done.tried
                total.recovered += done.recovered
                total.rejected += done.rejected
                total.by_reason.update(done.by_reason)
        return total

    def drop(self, identifiers: Sequence[UUID]) -> int:
        """Give them up."""
        with connected(self.call) as client:
            if len(identifiers) > _AT_ONCE:
                for each in identifiers:
                    client.get_quarantined(each)  # a mistyped id drops nothing at all, in whichever part it is
            parts = (models.DropWanted(ids=part) for part in _parts(identifiers))
            return sum(client.drop_quarantined(each).dropped for each in parts)


def _parts(identifiers: Sequence[UUID]) -> Iterator[list[UUID]]:
    """So many at a time as one request takes; one empty part of nothing."""
    yield list(identifiers[:_AT_ONCE])
    for start in range(_AT_ONCE, len(identifiers), _AT_ONCE):
        yield list(identifiers[start : start + _AT_ONCE])
