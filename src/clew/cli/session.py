"""The one way in which commands get at the record: settings, logs, database, schema, organization."""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from clew.cli.options import Invocation
from clew.cli.output import note
from clew.cli.preparation import require_current
from clew.cli.refusal import require_local
from clew.domains.identity.service import (
    DEFAULT_SLUG,
    Organization,
    ensure_default_organization,
    find_organization,
    operator_of,
)
from clew.kernel.collector import relax_collector
from clew.kernel.database import Database, TenantContext
from clew.kernel.logs import configure_logs
from clew.kernel.settings import Settings, load_settings


def load_and_configure(call: Invocation) -> Settings:
    """The settings in force for this call, with logs going where they say and the process set for large work.

    Raises NotRemoteError if the call is about a server elsewhere: what gets here works on this machine.
    """
    require_local(call)
    settings = load_settings(**({"data_dir": call.data_dir} if call.data_dir else {}))
    configure_logs(settings)
    relax_collector()
    if settings.log_level != "debug":
        logging.getLogger("alembic").setLevel(logging.WARNING)  # each of its steps is news to developers only
    return settings


@contextlib.contextmanager
def opened_database(call: Invocation) -> Iterator[Database]:
    """The database as it is, nothing started or set up yet. Closed in the end, so that an unused server stops."""
    with Database(load_and_configure(call)) as database:
        yield database


@contextlib.contextmanager
def opened_current_database(call: Invocation) -> Iterator[Database]:
    """The database with the schema of this program. Raises what `preparation.require_current` raises."""
    with opened_database(call) as database:
        require_current(database, note)
        yield database


@dataclass(frozen=True, slots=True)
class Record:
    """The record of one organization, ready to work with, and the user for whom a command works in it."""

    settings: Settings
    database: Database
    organization: Organization
    user_id: UUID

    @property
    def organization_id(self) -> UUID:
        """The organization's id."""
        return self.organization.id

    def transaction(self) -> contextlib.AbstractContextManager[Connection]:
        """One transaction for that organization and user."""
        return self.database.transaction(TenantContext(self.organization.id, self.user_id))


@contextlib.contextmanager
def opened_record(call: Invocation) -> Iterator[Record]:
    """The record of the organization that the call names, set up where that is for the program to do.

    Raises what `preparation.require_current` and `identity.find_organization` raise.
    """
    with opened_current_database(call) as database:
        yield record_of(database, organization_of(database, call))


@contextlib.contextmanager
def changed_record(call: Invocation) -> Iterator[Record]:
    """The same for a command that changes the record: at its end the views have followed, and the audit is sealed."""
    from clew.domains.audit.service import sealed
    from clew.projections.service import followed

    with opened_record(call) as record, sealed(record.database), followed(record.database):
        yield record


@contextlib.contextmanager
def audited_record(call: Invocation) -> Iterator[Record]:
    """The same for a command that does what no view shows: the audit trail is sealed at its end."""
    from clew.domains.audit.service import sealed

    with opened_record(call) as record, sealed(record.database):
        yield record


def record_of(database: Database, organization: Organization) -> Record:
    """The record of that organization in a database that is set up."""
    with database.transaction(TenantContext(organization.id)) as connection:
        user_id = operator_of(connection, organization.id)
    return Record(database.settings, database, organization, user_id)


def organization_of(database: Database, call: Invocation) -> Organization:
    """The organization that the call names; the default one is made if need be. Raises NotFoundError."""
    if call.slug == DEFAULT_SLUG:
        return ensure_default_organization(database)
    return find_organization(database, call.slug)
