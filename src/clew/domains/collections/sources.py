"""Sources: what the record was told by, or is to be told by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import eq
from typing import Any, Final, TypedDict
from urllib.parse import urlsplit
from uuid import UUID, uuid5

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.kernel.errors import ConflictError, InputError, NotFoundError
from clew.records.acts import Act, record
from clew.records.lookup import is_storable
from clew.records.paging import Listing, Page, PageRequest, given, read_page
from clew.records.tables.items import sources

MAXIMUM_NAME: Final = 200
MAXIMUM_CONFIGURATION_BYTES: Final = 65_536
MAXIMUM_RATE: Final = 1_000_000
_SECRETS: Final = ("password", "passwd", "secret", "token", "api_key", "apikey", "credential", "private_key")


@dataclass(frozen=True, slots=True)
class Source:
    """A source. `rate_limit` is in requests a minute; `reliability_score` is from 0 to 1. Credentials are not shown."""

    id: UUID
    name: str
    source_type: str
    base_url: str | None
    config: dict[str, Any]
    rate_limit: int
    is_active: bool
    reliability_score: float | None
    has_credentials: bool
    created_at: datetime
    updated_at: datetime


Check = Callable[[Source], None]


def accept(found: Source) -> None:
    """The check of a caller who does not say what they saw."""


@dataclass(frozen=True, slots=True)
class SourceFilter:
    """Which sources: those to which everything given applies."""

    source_type: str | None = None
    is_active: bool | None = None


class SourceValues(TypedDict, total=False):
    """What a source is made with, or what about it is to be different."""

    source_type: str
    base_url: str | None
    config: dict[str, Any]
    rate_limit: int
    is_active: bool
    reliability_score: float | None


_COLUMNS: Final = (
    *(sources.c[name] for name in ("id", "name", "source_type", "base_url", "config", "rate_limit", "is_active")),
    sa.cast(sources.c.reliability_score, sa.Double).label("reliability_score"),
    sources.c.credentials.is_not(None).label("has_credentials"),
    sources.c.created_at,
    sources.c.updated_at,
)
_LISTING: Final = Listing("sources", sources, _COLUMNS, {"name": (sources.c.name,)}, "name")
SORTS: Final = _LISTING.sorts


def list_sources(
    connection: sa.Connection, organization_id: UUID, wanted: SourceFilter, request: PageRequest
) -> Page[Source]:
    """One page of the organization's sources, by name. Raises InputError for a page there is none of."""
    walked = given((sources.c.source_type, eq, wanted.source_type), (sources.c.is_active, eq, wanted.is_active))
    page = read_page(connection, _LISTING, organization_id, request, filters=wanted, walked=walked)
    return page.mapped(_source)


def read_source(connection: sa.Connection, organization_id: UUID, source_id: UUID) -> Source:
    """The source of that id. Raises NotFoundError."""
    return _read(connection, organization_id, source_id, locked=False)


def add_source(connection: sa.Connection, organization_id: UUID, name: str, values: SourceValues) -> Source:
    """A new source. Raises ConflictError if there is one of that name, InputError for values that cannot be.

    Its id follows from its name, as that of a source that a loaded file names: a file of it is told by this one.
    """
    title = _name(name)
    statement = (
        pg.insert(sources)
        .values(
            organization_id=organization_id,
            id=uuid5(organization_id, f"source:{title}"),
            name=title,
            **_checked({"source_type": "custom", **values}),
        )
        .on_conflict_do_nothing()
        .returning(*_COLUMNS)
    )
    row = connection.execute(statement).mappings().one_or_none()
    if row is None:
        raise ConflictError("a source of this name exists", where=f"source {title}", remedy="choose another name")
    made = _source(row)
    request = {"source_type": made.source_type, "base_url": made.base_url}
    record(connection, Act("source_added", "CREATE", "source", made.id, made.name, request=request))
    return made


def change_source(
    connection: sa.Connection,
    organization_id: UUID,
    source_id: UUID,
    values: SourceValues,
    *,
    check: Check = accept,
) -> Source:
    """Change a source, or switch it off by `is_active`; what it is afterwards. A source keeps its name.

    `check` is given the source as it is, locked, and raises if that is not what the caller saw. Raises NotFoundError,
    InputError for values that cannot be.
    """
    before = _read(connection, organization_id, source_id, locked=True)
    check(before)
    wanted = {name: value for name, value in _checked(values).items() if value != getattr(before, name)}
    if not wanted:
        return before
    statement = (
        sa.update(sources)
        .where(sources.c.organization_id == organization_id, sources.c.id == source_id)
        .values(**wanted, updated_at=sa.func.clock_timestamp())
        .returning(*_COLUMNS)
    )
    after = _source(connection.execute(statement).mappings().one())
    was = {name: getattr(before, name) for name in wanted}
    record(connection, Act("source_changed", "UPDATE", "source", after.id, after.name, request=wanted, response=was))
    return after


def _read(connection: sa.Connection, organization_id: UUID, source_id: UUID, *, locked: bool) -> Source:
    statement = sa.select(*_COLUMNS).where(sources.c.organization_id == organization_id, sources.c.id == source_id)
    row = connection.execute(statement.with_for_update() if locked else statement).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"no source {source_id}", remedy="take the id from the list of sources")
    return _source(row)


def _source(row: sa.RowMapping) -> Source:
    return Source(**{name: row[name] for name in Source.__slots__})


def _name(name: str) -> str:
    title = " ".join(name.split())
    if not 0 < len(title) <= MAXIMUM_NAME or not title.isprintable() or not is_storable(title):
        remedy = f"write 1 to {MAXIMUM_NAME} printable characters"
        raise InputError("a source needs a name and a type", where="name", remedy=remedy)
    return title


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(values)
    if "source_type" in found:
        found["source_type"] = _name(found["source_type"])
    if found.get("base_url") is not None:
        found["base_url"] = _address(found["base_url"])
    if "config" in found:
        require_configuration(found["config"])
    if not 1 <= found.get("rate_limit", 1) <= MAXIMUM_RATE:
        raise InputError("no such rate", where="rate_limit", remedy=f"give 1 to {MAXIMUM_RATE:,} requests a minute")
    score = found.get("reliability_score")
    if score is not None:
        if not 0 <= score <= 1:
            raise InputError("no such score", where="reliability_score", remedy="give a number from 0 to 1")
        found["reliability_score"] = round(score, 2)
    return found


def _address(text: str) -> str:
    """An address to collect from. One with a password in it would show that to everybody who sees sources."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good, parts = False, urlsplit("")
    if not good or len(text) > 2000 or not text.isprintable() or not is_storable(text):
        raise InputError("this is no address to collect from", where="base_url", remedy="write https://host/path")
    if parts.username is not None or parts.password is not None:
        raise InputError(
            "an address must hold no name or password", where="base_url", remedy="leave out what stands before the @"
        )
    return text


def require_configuration(config: Mapping[str, Any]) -> None:
    """Raises InputError for a configuration that is too large, or holds what is named like a secret.

    Secrets would lie in the record unencrypted, and be seen by everybody who sees the configuration.
    """
    try:
        size = len(orjson.dumps(config))
    except orjson.JSONEncodeError:
        size = MAXIMUM_CONFIGURATION_BYTES + 1
    if size > MAXIMUM_CONFIGURATION_BYTES:
        remedy = f"give at most {MAXIMUM_CONFIGURATION_BYTES:,} bytes of JSON"
        raise InputError("this configuration cannot be kept", where="config", remedy=remedy)
    named = next((name for name in _names(config) if any(word in name.lower() for word in _SECRETS)), None)
    if named is not None:
        raise InputError(
            f"{named[:60]!r} looks like a secret, and secrets are not kept yet",
            where="config",
            remedy="leave it out: a source's credentials have no encrypted place so far",
        )


def _names(value: object) -> list[str]:
    waiting, found = [value], []
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            found += [str(name) for name in each]
            waiting += list(each.values())
        elif isinstance(each, list):
            waiting += each
    return found
