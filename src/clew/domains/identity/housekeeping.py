"""What has to be done now and then: rotate signing keys, forget what no longer counts, delete what is old."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from clew.domains.identity import failed_sign_ins, repeated_requests, sessions, signing_keys, usage_log
from clew.domains.identity.access_tokens import TokenRules
from clew.domains.identity.service import list_organizations
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database, TenantContext
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.roles import AUTHENTICATOR

SESSIONS_KEPT: Final = timedelta(days=30)
"""How long an ended session can still be listed by who asks when somebody was signed in."""


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """What one round did: whether keys were rotated, and how many rows (months, for the log) went."""

    keys_rotated: bool
    keys_forgotten: int
    failures_forgotten: int
    sessions_forgotten: int
    usage_deleted: int
    answers_forgotten: int
    months_dropped: int


def keep_house(database: Database, *, clock: Clock = system_clock) -> Housekeeping:
    """One round, in transactions of its own; by several processes at once no harm. Hourly is often enough.

    Raises DatabaseUnavailableError; what was done before stays, and the next round does the rest.
    """
    settings = database.settings
    sealer = signing_keys.signing_sealer(InstallationSecret.of(settings))
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        rotated = signing_keys.rotate_signing_keys(
            connection, sealer, if_older_than=timedelta(days=settings.signing_key_days), clock=clock
        )
        retired_for = TokenRules.of(settings).accept_retired_for
        keys = signing_keys.delete_retired_keys(connection, retired_for=retired_for, clock=clock)
        failures = failed_sign_ins.forget_old_failures(connection, clock=clock)
    ended = deleted = answers = 0
    for organization in list_organizations(database):
        with database.transaction(TenantContext(organization.id)) as connection:
            ended += sessions.delete_ended_sessions(connection, organization.id, older_than=SESSIONS_KEPT, clock=clock)
            deleted += usage_log.delete_old_usage(connection, organization.id, clock=clock)
            answers += repeated_requests.delete_old_answers(connection, organization.id, clock=clock)
    with database.transaction(None) as connection:
        months = usage_log.drop_old_months(connection)
    return Housekeeping(rotated, keys, failures, ended, deleted, answers, months)
