"""Failed sign-ins, and how long the next one has to wait.

Counted per account and per client address, in the database, so that all processes count together. An attempt is counted
as failed before the password is looked at and taken back if it succeeds: a hundred guesses at once are counted one by
one. Whoever guesses an account's password waits longer each time, up to a limit, so that its owner is never shut out
for good. Whom an attempt was about is kept as a keyed digest only, and names that do not exist are counted alike.
"""

import hashlib
import hmac
import math
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Self

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.domains.identity.sign_in_tables import sign_in_failures
from clew.kernel.clock import Clock, system_clock
from clew.kernel.errors import LimitError
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.settings import Settings
from clew.kernel.stored_text import neighbourhood

FORGOTTEN_AFTER: Final = timedelta(hours=24)
_ADDRESS_FACTOR: Final = 10  # many people may share an address
_MOST_DOUBLINGS: Final = 20
_SHOWN_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class SignInLimits:
    """How many failures are free, how long the longest wait is, and the key under which names are kept."""

    key: bytes = field(repr=False)
    free_failures: int = 5
    longest_wait: timedelta = timedelta(minutes=15)

    @classmethod
    def of(cls, settings: Settings, secret: InstallationSecret) -> Self:
        """The limits that the settings name."""
        return cls(
            secret.key("sign-in subjects"),
            settings.sign_in_free_failures,
            timedelta(seconds=settings.sign_in_longest_wait_seconds),
        )

    def wait_after(self, kind: str, failures: int) -> timedelta:
        """How long after the last of so many failures the next attempt is refused: 1 s, 2 s, 4 s … to the longest."""
        free = self.free_failures * (_ADDRESS_FACTOR if kind == "address" else 1)
        if failures < free:
            return timedelta()
        return min(timedelta(seconds=2 ** min(failures - free, _MOST_DOUBLINGS)), self.longest_wait)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was counted: about whom, and from where.

    `wait` is how long account or address have to wait from now on, should it stay a failure.
    """

    subjects: tuple[tuple[str, bytes], ...] = field(repr=False)
    wait: timedelta = timedelta()

    @property
    def account(self) -> str:
        """Tells attempts about one account from those about others, and not which that is."""
        return dict(self.subjects)["account"].hex()[:_SHOWN_DIGITS]


def begin_attempt(
    connection: sa.Connection,
    limits: SignInLimits,
    *,
    account: str,
    client_ip: str | None,
    clock: Clock = system_clock,
) -> Attempt:
    """Count an attempt as failed, in a transaction of clew_authenticator that must be committed before going on.

    `account` is a user's id, or what was typed if there is no such user. Raises LimitError, and counts nothing, while
    account or address have to wait.
    """
    now = clock()
    attempt = Attempt(tuple(_subjects(limits.key, account, client_ip)))
    connection.execute(
        pg.insert(sign_in_failures)
        .values([{"kind": kind, "subject": subject, "last_failed_at": now} for kind, subject in attempt.subjects])
        .on_conflict_do_nothing()
    )
    counted = connection.execute(
        sa.select(sign_in_failures)
        .where(_of(attempt))
        .order_by(sign_in_failures.c.kind, sign_in_failures.c.subject)
        .with_for_update()
    ).all()
    waits = [
        row.last_failed_at + limits.wait_after(row.kind, row.failures) - now
        for row in counted
        if not _is_forgotten(row.last_failed_at, now)
    ]
    longest = max(waits, default=timedelta())
    if longest > timedelta():
        seconds = max(1, math.ceil(longest.total_seconds()))
        raise LimitError(
            "too many failed attempts to sign in", retry_after=seconds, remedy=f"wait {seconds} s and try again"
        )
    forgotten = sign_in_failures.c.last_failed_at <= now - FORGOTTEN_AFTER
    connection.execute(
        sa.update(sign_in_failures)
        .where(_of(attempt))
        .values(failures=sa.case((forgotten, 1), else_=sign_in_failures.c.failures + 1), last_failed_at=now)
    )
    ahead = (
        limits.wait_after(row.kind, 1 if _is_forgotten(row.last_failed_at, now) else row.failures + 1)
        for row in counted
    )
    return replace(attempt, wait=max(ahead, default=timedelta()))


def attempt_succeeded(connection: sa.Connection, attempt: Attempt) -> None:
    """The account's failures are forgotten; of the address's only this one is taken back."""
    connection.execute(sa.delete(sign_in_failures).where(_of(attempt), sign_in_failures.c.kind == "account"))
    _take_back(connection, sa.and_(_of(attempt), sign_in_failures.c.kind == "address"))


def attempt_undecided(connection: sa.Connection, attempt: Attempt) -> None:
    """Take this one back and forget no other: the password was right, the second factor is still to come."""
    _take_back(connection, _of(attempt))


def forget_old_failures(connection: sa.Connection, *, clock: Clock = system_clock) -> int:
    """Delete what no longer counts; how many rows. Once an hour is often enough."""
    old = sa.delete(sign_in_failures).where(sign_in_failures.c.last_failed_at <= clock() - FORGOTTEN_AFTER)
    return connection.execute(old).rowcount


def digest_of_account(limits: SignInLimits, account: str) -> str:
    """What `Attempt.account` would be of an attempt about that account."""
    return Attempt(tuple(_subjects(limits.key, account, None))).account


def forget_account(connection: sa.Connection, limits: SignInLimits, account: str) -> None:
    """Let an account try again at once, as after its password was reset."""
    (subject,) = _subjects(limits.key, account, None)
    connection.execute(
        sa.delete(sign_in_failures).where(
            sign_in_failures.c.kind == "account", sign_in_failures.c.subject == subject[1]
        )
    )


def _subjects(key: bytes, account: str, client_ip: str | None) -> list[tuple[str, bytes]]:
    named = [("account", account)] + ([("address", neighbourhood(client_ip))] if client_ip else [])
    return [
        (kind, hmac.digest(key, f"{kind}:{name.strip().casefold()}".encode("utf-8", "surrogatepass"), hashlib.sha256))
        for kind, name in named
    ]


def _of(attempt: Attempt) -> sa.ColumnElement[bool]:
    return sa.tuple_(sign_in_failures.c.kind, sign_in_failures.c.subject).in_(attempt.subjects)


def _take_back(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    one_less = sa.func.greatest(sign_in_failures.c.failures - 1, 0)
    connection.execute(sa.update(sign_in_failures).where(which).values(failures=one_less))


def _is_forgotten(last: datetime, now: datetime) -> bool:
    return last <= now - FORGOTTEN_AFTER
