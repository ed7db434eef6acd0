"""The second factor: time-based one-time codes (TOTP, RFC 6238), and recovery codes for whoever lost the device.

The shared secret is kept encrypted under a key outside the database. A code counts once: the step of the last one that
was taken is kept, and only later steps are taken. Recovery codes are 120 random bits each, so a digest is kept.
"""

import secrets
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import pyotp
import sqlalchemy as sa

from clew.domains.identity.opaque_tokens import digest_of
from clew.domains.identity.sign_in_tables import mfa_recovery_codes
from clew.domains.identity.tables import AnyRow, users
from clew.domains.identity.telling import USER, tell
from clew.kernel.clock import Clock, system_clock
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from clew.kernel.ids import IdMaker, new_id
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.sealing import Sealer

STEP_SECONDS: Final = 30
RECOVERY_CODES: Final = 10
DRIFT_STEPS: Final = 1
"""A device's clock may be half a minute off either way, unless the settings say otherwise (`totp_drift_steps`)."""

_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 characters that are not taken for each other
_GROUPS, _GROUP_LENGTH = 6, 4


@dataclass(frozen=True, slots=True, repr=False)
class Enrolment:
    """What a person puts into their authenticator: the secret in base 32, and the same as an otpauth:// address."""

    secret: str
    uri: str


def sealer_of(secret: InstallationSecret) -> Sealer:
    """What seals the secrets of second factors."""
    return Sealer(secret.key("second factors"), secret.where)


def begin_enrolment(
    connection: sa.Connection, organization_id: UUID, user_id: UUID, sealer: Sealer, *, issuer: str = "Clew"
) -> Enrolment:
    """A new secret for a user, not in force until a code proves that it arrived. Replaces one that never was.

    Raises ConflictError if the user has a second factor already, NotFoundError without the user.
    """
    person = _person(connection, organization_id, user_id)
    if person.mfa_enabled:
        raise ConflictError(
            "there is a second factor already", where=f"user {person.username}", remedy="remove it first"
        )
    secret = pyotp.random_base32()
    _update(connection, organization_id, user_id, mfa_secret=sealer.seal(secret.encode(), _place(user_id)))
    tell(connection, "second_factor_begun", "UPDATE", USER, user_id, person.username)
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=person.email, issuer_name=issuer))


def confirm_enrolment(
    connection: sa.Connection,
    organization_id: UUID,
    user_id: UUID,
    sealer: Sealer,
    code: str,
    *,
    drift_steps: int = DRIFT_STEPS,
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> list[str]:
    """Put the second factor in force; the recovery codes, shown this once. Raises InputError for a wrong code."""
    person = _person(connection, organization_id, user_id)
    if person.mfa_enabled or person.mfa_secret is None:
        raise ConflictError("no second factor is being set up", where=f"user {person.username}", remedy="begin again")
    step = _step_of(sealer.open(person.mfa_secret, _place(user_id)).decode(), code, drift_steps, clock)
    if step is None:
        raise InputError("this code is wrong", where="code", remedy="check the device's clock and take the next code")
    _update(connection, organization_id, user_id, mfa_enabled=True, mfa_last_step=step)
    tell(connection, "second_factor_added", "UPDATE", USER, user_id, person.username)
    return new_recovery_codes(connection, organization_id, user_id, clock=clock, ids=ids)


def new_recovery_codes(
    connection: sa.Connection,
    organization_id: UUID,
    user_id: UUID,
    *,
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> list[str]:
    """Ten codes in place of all that were, shown this once."""
    _delete_recovery_codes(connection, organization_id, user_id)
    codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
    rows = [
        {
            "organization_id": organization_id,
            "id": ids(),
            "user_id": user_id,
            "code_hash": digest_of(_plain(code)),
            "created_at": clock(),
        }
        for code in codes
    ]
    connection.execute(sa.insert(mfa_recovery_codes), rows)
    tell(connection, "recovery_codes_made", "UPDATE", USER, user_id)
    return codes


def take_code(
    connection: sa.Connection,
    organization_id: UUID,
    user_id: UUID,
    sealer: Sealer,
    code: str,
    *,
    drift_steps: int = DRIFT_STEPS,
    clock: Clock = system_clock,
) -> bool:
    """Whether this is a good code or recovery code of the user; if so, it is used up.

    One statement decides, so of two calls at once with the same code only one is answered yes.
    """
    person = _person(connection, organization_id, user_id)
    if not person.mfa_enabled or person.mfa_secret is None:
        return False
    step = _step_of(sealer.open(person.mfa_secret, _place(user_id)).decode(), code, drift_steps, clock)
    if step is None:
        return _take_recovery_code(connection, organization_id, user_id, code, clock)
    fresh = sa.or_(users.c.mfa_last_step.is_(None), users.c.mfa_last_step < step)
    taken = sa.update(users).where(_is(organization_id, user_id), fresh).values(mfa_last_step=step)
    return connection.execute(taken).rowcount == 1


def remove_second_factor(connection: sa.Connection, organization_id: UUID, user_id: UUID) -> None:
    """Take the second factor away, recovery codes included. Raises NotFoundError without the user."""
    person = _person(connection, organization_id, user_id)
    _delete_recovery_codes(connection, organization_id, user_id)
    tell(connection, "second_factor_removed", "UPDATE", USER, user_id, person.username)
    _update(connection, organization_id, user_id, mfa_enabled=False, mfa_secret=None, mfa_last_step=None)


def recovery_codes_left(connection: sa.Connection, organization_id: UUID, user_id: UUID) -> int:
    """How many recovery codes are unused."""
    left = sa.select(sa.func.count()).where(
        mfa_recovery_codes.c.organization_id == organization_id,
        mfa_recovery_codes.c.user_id == user_id,
        mfa_recovery_codes.c.used_at.is_(None),
    )
    return int(connection.scalar(left) or 0)


def _step_of(secret: str, code: str, drift_steps: int, clock: Clock) -> int | None:
    """The step for which this is the code, of those close to now."""
    digits = "".join(code.split())
    if not (digits.isascii() and digits.isdigit()):
        return None
    totp = pyotp.TOTP(secret)
    now = int(clock().timestamp()) // STEP_SECONDS
    steps = range(now - drift_steps, now + drift_steps + 1)
    matching = [step for step in steps if secrets.compare_digest(totp.generate_otp(step), digits)]
    return max(matching, default=None)


def _take_recovery_code(
    connection: sa.Connection, organization_id: UUID, user_id: UUID, code: str, clock: Clock
) -> bool:
    taken = (
        sa.update(mfa_recovery_codes)
        .where(
            mfa_recovery_codes.c.organization_id == organization_id,
            mfa_recovery_codes.c.user_id == user_id,
            mfa_recovery_codes.c.code_hash == digest_of(_plain(code)),
            mfa_recovery_codes.c.used_at.is_(None),
        )
        .values(used_at=clock())
    )
    if connection.execute(taken).rowcount != 1:
        return False
    tell(connection, "recovery_code_used", "EXECUTE", USER, user_id)
    return True


def _new_recovery_code() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)


def _plain(code: str) -> str:
    return "".join(code.casefold().replace("-", "").split())


def _person(connection: sa.Connection, organization_id: UUID, user_id: UUID) -> AnyRow:
    row = connection.execute(
        sa.select(users.c.username, users.c.email, users.c.mfa_enabled, users.c.mfa_secret).where(
            _is(organization_id, user_id)
        )
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"no user {user_id}", remedy="see `clew user list`")
    return row


def _update(connection: sa.Connection, organization_id: UUID, user_id: UUID, **values: object) -> None:
    connection.execute(sa.update(users).where(_is(organization_id, user_id)).values(**values))


def _delete_recovery_codes(connection: sa.Connection, organization_id: UUID, user_id: UUID) -> None:
    connection.execute(
        sa.delete(mfa_recovery_codes).where(
            mfa_recovery_codes.c.organization_id == organization_id, mfa_recovery_codes.c.user_id == user_id
        )
    )


def _is(organization_id: UUID, user_id: UUID) -> sa.ColumnElement[bool]:
    return sa.and_(users.c.organization_id == organization_id, users.c.id == user_id)


def _place(user_id: UUID) -> str:
    return f"users.mfa_secret:{user_id}"
