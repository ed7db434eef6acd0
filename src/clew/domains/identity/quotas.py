"""Counting what an API key uses: requests per minute, hour and day, and analyses per month (all of UTC).

Each count is one statement that checks and counts in the same breath: PostgreSQL lets the second of two wait for the
first and looks again, so fifty at once cannot take more than is left. What is refused is not counted.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.domains.identity.key_tables import api_key_counters, api_keys
from clew.kernel.clock import Clock, system_clock
from clew.kernel.errors import LimitError, NotFoundError

_LENGTHS: Final = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Allowance:
    """Of one window: its limit (0: none), how much of it is used, this request included, and when it begins anew."""

    window: str
    limit: int
    used: int
    resets_at: datetime

    @property
    def remaining(self) -> int | None:
        """What is left; None without a limit."""
        return max(self.limit - self.used, 0) if self.limit else None


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Requests that a key may make per minute, hour and day; 0 is no limit."""

    minute: int
    hour: int
    day: int


def count_request(
    connection: sa.Connection,
    organization_id: UUID,
    key_id: UUID,
    limits: RequestLimits,
    *,
    clock: Clock = system_clock,
) -> list[Allowance]:
    """Count a request, in a short transaction of clew_authenticator: the key's counter is held until its end.

    Raises LimitError, with the seconds until all windows have room again, if a limit is reached.
    """
    starts = window_starts(clock())
    bound = {f"{name}_limit": getattr(limits, name) for name in _LENGTHS} | {f"{n}_at": at for n, at in starts.items()}
    counted = connection.execute(_COUNT, bound | {"organization": organization_id, "key": key_id}).one_or_none()
    if counted is None:
        raise refusal(connection, organization_id, key_id, limits, clock())
    return allowances(limits, counted, starts)


def allowances(limits: RequestLimits, counted: Sequence[int], starts: Mapping[str, datetime]) -> list[Allowance]:
    """What is left of each window, of the counts of minute, hour and day."""
    return [
        Allowance(name, getattr(limits, name), used, starts[name] + _LENGTHS[name])
        for name, used in zip(_LENGTHS, counted, strict=True)
    ]


def counting(limits: Mapping[str, sa.ColumnElement[int]]) -> tuple[dict[str, Any], list[sa.ColumnElement[bool]]]:
    """What one more request makes of a key's counters, and whether every window has room for it.

    `limits` by window; the windows' starts are the parameters minute_at, hour_at and day_at.
    """
    values: dict[str, sa.ColumnElement[Any]] = {}
    rooms: list[sa.ColumnElement[bool]] = []
    for name, limit in limits.items():
        began, used = api_key_counters.c[f"{name}_starts"], api_key_counters.c[f"{name}_used"]
        start = sa.bindparam(f"{name}_at", type_=began.type)
        # Clocks of several processes may differ a little: a window that another one began already is the present one.
        values[began.name] = sa.func.greatest(began, start)
        values[used.name] = sa.case((began >= start, used + 1), else_=1)
        rooms.append(sa.or_(limit == 0, began < start, used < limit))
    return values, rooms


def _count_statement() -> sa.Executable:
    """Made once: putting it together takes longer than carrying it out."""
    values, rooms = counting({name: sa.bindparam(f"{name}_limit", type_=sa.Integer) for name in _LENGTHS})
    own = sa.and_(
        api_key_counters.c.organization_id == sa.bindparam("organization"),
        api_key_counters.c.api_key_id == sa.bindparam("key"),
    )
    return (
        sa.update(api_key_counters)
        .where(own, *rooms)
        .values(values)
        .returning(api_key_counters.c.minute_used, api_key_counters.c.hour_used, api_key_counters.c.day_used)
    )


_COUNT: Final = _count_statement()


def take_analyses(
    connection: sa.Connection, organization_id: UUID, key_id: UUID, count: int = 1, *, clock: Clock = system_clock
) -> Allowance:
    """Take so many analyses from the month's quota, in the transaction that starts them: both happen or neither.

    Raises LimitError if fewer are left, NotFoundError without the key.
    """
    now = clock()
    month = now.date().replace(day=1)
    used = sa.case((api_keys.c.analyses_month >= month, api_keys.c.analyses_used_this_month), else_=0)
    quota = api_keys.c.quota_analyses_per_month
    taken = connection.execute(
        sa.update(api_keys)
        .where(
            api_keys.c.organization_id == organization_id,
            api_keys.c.id == key_id,
            sa.or_(quota == 0, used + count <= quota),
        )
        .values(
            analyses_used_this_month=used + count, analyses_month=sa.func.greatest(api_keys.c.analyses_month, month)
        )
        .returning(quota, api_keys.c.analyses_used_this_month)
    ).one_or_none()
    resets_at = _next_month(now)
    if taken is not None:
        return Allowance("month", taken[0], taken[1], resets_at)
    known = sa.select(quota).where(api_keys.c.organization_id == organization_id, api_keys.c.id == key_id)
    if connection.scalar(known) is None:
        raise NotFoundError(f"no API key {key_id}", remedy="see `clew key list`")
    raise LimitError(
        "this month's quota of analyses is used up",
        where=f"API key {key_id}",
        retry_after=_seconds(resets_at - now),
        remedy=f"wait until {resets_at:%Y-%m-%d}, or ask for a larger quota",
    )


def refusal(
    connection: sa.Connection, organization_id: UUID, key_id: UUID, limits: RequestLimits, now: datetime
) -> LimitError | NotFoundError:
    """Why a request was not counted."""
    row = connection.execute(sa.select(api_key_counters).where(_of(organization_id, key_id))).mappings().one_or_none()
    if row is None:
        return NotFoundError(f"no API key {key_id}", remedy="see `clew key list`")
    ends = {
        name: start + _LENGTHS[name]
        for name, start in window_starts(now).items()
        if getattr(limits, name) and row[f"{name}_starts"] >= start and row[f"{name}_used"] >= getattr(limits, name)
    }
    window = max(ends, key=lambda name: ends[name], default="minute")
    seconds = _seconds(ends[window] - now) if ends else 1
    return LimitError(
        f"the limit of {getattr(limits, window)} requests per {window} is reached",
        where=f"API key {key_id}",
        retry_after=seconds,
        remedy=f"wait {seconds} s",
    )


def window_starts(now: datetime) -> dict[str, datetime]:
    """When the minute, hour and day of that moment began, in UTC."""
    moment = now.astimezone(UTC).replace(second=0, microsecond=0)
    return {"minute": moment, "hour": moment.replace(minute=0), "day": moment.replace(hour=0, minute=0)}


def _next_month(now: datetime) -> datetime:
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def _seconds(span: timedelta) -> int:
    return max(1, math.ceil(span.total_seconds()))


def _of(organization_id: UUID, key_id: UUID) -> sa.ColumnElement[bool]:
    return sa.and_(api_key_counters.c.organization_id == organization_id, api_key_counters.c.api_key_id == key_id)
