"""Posts as the loader takes them: identified by platform and the platform's own id, unique within the batch.

What several records say of one post is merged as the record itself merges it: the newest value by key, the union of
lists, the earliest time that can be.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
import polars as pl

from clew.kernel.ids import content_ids
from clew.ontology import EntityType
from clew.ontology.possible_times import EARLIEST_POSSIBLE
from clew.records.batch import POSTS
from clew.records.observed import merge_observed, plain_numbers

Identify = Callable[[tuple[str, str, str | None]], tuple[str, str] | None]
"""(type, value, qualifier) → the entity's id and what follows from its value as JSON; None for what is invalid."""

UNKNOWN_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Where a post is kept whose time is not known: the time is part of its key."""

_SAID: Final = ("content", "language", "location", "url")
_GROUPS: Final = ("said", "stats", "media")
_EMPTY: Final[tuple[dict[str, Any], dict[str, int]]] = ({}, {})


@dataclass(slots=True)
class _Post:
    platform: str
    external_id: str
    profile_id: str
    document_id: str | None
    place: tuple[bool, datetime]  # an impossible time loses to any other, else the earliest wins
    lists: dict[str, set[str]] = field(default_factory=lambda: {"hashtags": set(), "mentions": set()})
    groups: dict[str, tuple[dict[str, Any], dict[str, int]]] = field(
        default_factory=lambda: dict.fromkeys(_GROUPS, _EMPTY)
    )

    def add(self, row: dict[str, Any]) -> None:
        """Merge what a record says into what others said."""
        seen = row["observed_at"]
        micros = None if seen is None else (seen - UNKNOWN_TIME) // timedelta(microseconds=1)
        for name in self.lists:
            self.lists[name].update(map(_storable, row[name] or ()))
        for group in _GROUPS:
            values = _values(group, row)
            observed = {} if micros is None else dict.fromkeys(values, micros)
            self.groups[group] = merge_observed(self.groups[group], (values, observed))

    def row(self, identifier: str) -> tuple[Any, ...]:
        """As a row of POSTS."""
        observed = {group: seen for group, (_, seen) in self.groups.items() if seen}
        impossible, posted_at = self.place
        return (
            *(identifier, self.platform, self.external_id, self.profile_id, self.document_id, posted_at, impossible),
            *(_json(sorted(self.lists[name])) for name in ("hashtags", "mentions")),
            *(_json(self.groups[group][0]) for group in _GROUPS),
            _json(observed),
        )


def resolve_posts(
    organization_id: UUID, posts: pl.DataFrame, identify: Identify, latest: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Distinct posts (`batch.POSTS`), and which record names which: record, id, confidence, method."""
    merged: dict[str, _Post] = {}
    mentions: list[tuple[int, str, float | None, None]] = []
    for row in posts.iter_rows(named=True):
        profile = identify((EntityType.SOCIAL_PROFILE.value, row["profile"], row["platform"]))
        document = row["document"] and identify((EntityType.DOCUMENT.value, row["document"], row["document_qualifier"]))
        if profile is None:
            continue  # the record requires it, or else gives up what hangs on it
        platform = str(orjson.loads(profile[1]).get("platform") or row["platform"])
        external_id = _storable(row["external_id"])
        identifier = _identifier(organization_id, platform, external_id)
        place = _place(row["posted_at"], latest)
        known = merged.get(identifier)
        if known is None:
            document_id = document[0] if document else None
            known = merged[identifier] = _Post(platform, external_id, profile[0], document_id, place)
        known.place = min(known.place, place)
        known.profile_id = min(known.profile_id, profile[0])
        known.document_id = min(filter(None, (known.document_id, document and document[0])), default=None)
        known.add(row)
        mentions.append((row["record"], identifier, row["confidence"], None))
    found = pl.DataFrame([post.row(identifier) for identifier, post in merged.items()], schema=POSTS, orient="row")
    named = {"record": pl.Int64, "id": pl.String, "confidence": pl.Float64, "method": pl.String}
    return found, pl.DataFrame(mentions, schema=named, orient="row").with_columns(pl.col("confidence").fill_null(0.5))


def _identifier(organization_id: UUID, platform: str, external_id: str) -> str:
    (identifier,) = content_ids(organization_id.bytes + b"post", [f"{platform}\0{external_id}".encode()])
    return identifier


def _place(posted_at: datetime | None, latest: datetime) -> tuple[bool, datetime]:
    if posted_at is None:
        return True, UNKNOWN_TIME
    return not EARLIEST_POSSIBLE <= posted_at <= latest, posted_at


def _values(group: str, row: dict[str, Any]) -> dict[str, Any]:
    if group == "said":
        return {name: _storable(row[name]) for name in _SAID if row[name] is not None}
    values = orjson.loads(row[group]) if row[group] else {}
    return {_storable(key): _storable_json(plain_numbers(value)) for key, value in values.items() if value is not None}


def _storable_json(value: Any) -> Any:
    """A JSON value whose texts PostgreSQL can hold."""
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, dict):
        return {_storable(key): _storable_json(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_storable_json(member) for member in value]
    return value


def _storable(text: str) -> str:
    return text.replace("\0", "␀")


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
