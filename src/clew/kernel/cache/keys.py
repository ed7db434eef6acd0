"""Under which keys things are kept, as what and for how long: one table, for every adapter and for the reference.

Parts of keys come from outside. What stands in one is written such that it can neither end it nor begin another. What
belongs to an organization is kept under keys that begin with it, so that no id, however it came about, reaches what is
another's.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from string import Formatter
from typing import Final
from urllib.parse import quote
from uuid import UUID

_PLAIN: Final = "/@{}"
_OWNER: Final = "org:{organization_id}:"


class Kind(StrEnum):
    """What is kept under a key, as Redis calls it."""

    STRING = "string"
    HASH = "hash"
    SET = "set"
    SORTED_SET = "sorted set"
    HYPERLOGLOG = "HyperLogLog"
    STREAM = "stream"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A family of keys: what is under them, for how long (None: no end), and what for.

    unused: why nothing is kept under a name that users know, "" where something is. A pattern that is `owned` belongs
    to an organization, whose id its keys begin with.
    """

    template: str
    lifetime: timedelta | None
    kind: Kind = Kind.STRING
    purpose: str = ""
    owned: bool = True
    unused: str = ""

    @property
    def full_template(self) -> str:
        """The template with what keys begin with."""
        return (_OWNER if self.owned else "") + self.template

    @property
    def span(self) -> timedelta:
        """The lifetime. Raises TypeError for a pattern without an end."""
        if self.lifetime is None:
            raise TypeError(f"{self.template} is kept without an end")
        return self.lifetime

    def key(self, **parts: object) -> str:
        """The key with these parts, `organization_id` among them if it is owned.

        Raises TypeError unless they are the template's.
        """
        if self.owned and not isinstance(parts.get("organization_id"), UUID):
            raise TypeError(f"{self.template} is an organization's: organization_id has to be a UUID")
        names = {name for _, name, _, _ in Formatter().parse(self.full_template) if name}
        if names != parts.keys():
            raise TypeError(f"{self.template} takes {sorted(names)}, not {sorted(parts)}")
        return self.full_template.format(**{name: quote(str(part), safe=_PLAIN) for name, part in parts.items()})


_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(hours=24)

RATE_LIMIT: Final = Pattern(
    "rate_limit:{subject}:{endpoint}",
    _MINUTE,
    Kind.SORTED_SET,
    "takes of a caller, and of everybody together: milliseconds of the engine's clock → id of the request",
    owned=False,
)
RATE_LIMIT_OF_ADDRESS: Final = Pattern(
    "rate_limit:{subject}:{endpoint}",
    _HOUR,
    Kind.SORTED_SET,
    "the same for an address without credentials",
    owned=False,
)
CALLERS: Final = Pattern(
    "ratelimit:global:{endpoint}",
    _MINUTE,
    Kind.HYPERLOGLOG,
    "how many callers an endpoint had, for /metrics",
    owned=False,
)
ANALYSIS_STATE: Final = Pattern(
    "analysis:state:{session_id}", _HOUR, Kind.HASH, "how far an analysis is that is being worked on"
)
ANALYSIS: Final = Pattern("cache:analysis:{session_id}", _DAY, Kind.STRING, "an analysis as it is shown")
CAMPAIGN: Final = Pattern("cache:campaign:{campaign_id}", timedelta(hours=6), Kind.STRING, "a campaign as it is shown")
INVESTIGATION: Final = Pattern("investigation:{id}:cache", timedelta(minutes=15), Kind.STRING, "a case as it is shown")
RESOURCE: Final = Pattern(
    "cache:{resource_type}:{resource_id}",
    timedelta(minutes=5),
    Kind.STRING,
    "anything else as it is shown; 5 to 60 minutes by its type",
    unused="of rows that millions of changes a load concern nothing is told one by one, so it could be stale",
)
PROMPT: Final = Pattern(
    "ai:prompt:{hash}", _DAY, Kind.STRING, "what a language model answered, checked against the facts"
)
EVENTS: Final = Pattern(
    "events:live",
    None,
    Kind.STREAM,
    "the last live events, and the channel on which they are told",
    owned=False,
)
LEASE: Final = Pattern(
    "lease:{key}",
    timedelta(seconds=10),
    Kind.STRING,
    "who is making the value of that key, so that others wait for it",
    owned=False,
)
BRIDGE: Final = Pattern(
    "clew:bridge",
    timedelta(seconds=3),
    Kind.STRING,
    "there while what the database tells is passed on, and cached values may be trusted",
    owned=False,
)
INSTALLATION: Final = Pattern(
    "clew:installation", None, Kind.STRING, "whose database of Redis this is: another's is refused", owned=False,
)  # fmt: skip
MARK: Final = Pattern(
    "clew:mark", _DAY, Kind.STRING, "which database of Redis this is, so that servers notice if they name several",
    owned=False,
)  # fmt: skip
CELERY_QUEUES: Final = Pattern(
    "{queue}", None, Kind.LIST, "ids of jobs: celery, analysis, enrichment, projections, reports", owned=False,
)  # fmt: skip

_ASKED: Final = "PostgreSQL is asked with each request: a copy would outlive a sign-out"
_ROWS: Final = "PostgreSQL answers it from an index in less time than it takes to keep a copy right"
_UNUSED: Final[tuple[tuple[str, timedelta | None, Kind, str, bool, str], ...]] = (
    ("session:{session_id}", _DAY, Kind.HASH, "a session", False, _ASKED),
    ("user:{user_id}:session", _HOUR, Kind.STRING, "the session of a user", False, _ASKED),
    ("tokens:{user_id}", _DAY, Kind.SET, "the tokens of a user", False, _ASKED),
    (
        "scan:{id}:status", timedelta(hours=2), Kind.HASH, "how far a scan is", True,
        "Clew scans nothing; how far a job is stands in its row, and is told as an event",
    ),
    (
        "social:{platform}:profile:{user}", timedelta(minutes=30), Kind.STRING, "a profile that was fetched", True,
        "Clew fetches no profiles; it reads what other tools fetched",
    ),
    (
        "threat_intel:{source}:{indicator}", _HOUR, Kind.STRING, "what a source said of an indicator", True,
        "sources are files and peers, whose objects the record keeps word for word",
    ),
    (
        "metrics:{name}", timedelta(minutes=5), Kind.STRING, "figures that take long to count", True,
        "figures are series of the record, with roll-ups",
    ),
    (
        "statistics:{name}", None, Kind.HASH, "counters for live statistics", True,
        "each process counts for itself, and /metrics adds them up",
    ),
    ("campaigns:active", None, Kind.SET, "campaigns that are active", True, _ROWS),
    ("campaign:ips:{id}", None, Kind.SET, "the sources of a campaign", True, _ROWS),
    (
        "campaign:activity:{id}", None, Kind.STREAM, "what becomes of a campaign: event, source_ip, confidence", True,
        "its history is in the record; that something became of it is told in events:live",
    ),
    (
        "priority:queue:analysis", None, Kind.SORTED_SET, "analyses that wait, by priority", False,
        "jobs are rows: a queue in Redis could lose them",
    ),
)  # fmt: skip

PATTERNS: Final[tuple[Pattern, ...]] = (
    RATE_LIMIT,
    RATE_LIMIT_OF_ADDRESS,
    CALLERS,
    ANALYSIS_STATE,
    ANALYSIS,
    CAMPAIGN,
    RESOURCE,
    EVENTS,
    LEASE,
    BRIDGE,
    INSTALLATION,
    MARK,
    CELERY_QUEUES,
    PROMPT,
    INVESTIGATION,
    *(
        Pattern(template, lifetime, kind, purpose, owned=owned, unused=why)
        for template, lifetime, kind, purpose, owned, why in _UNUSED
    ),
)
"""Every key there is, and every name that users know for one."""
