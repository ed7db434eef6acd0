"""The one way in which commands get at the record: settings, logs, database, schema, organization."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from clew.cli.options import Invocation
from clew.cli.output import note
from clew.cli.preparation import require_current
from clew.kernel.database import Database, TenantContext
from clew.kernel.logs import configure_logs
from clew.kernel.settings import Settings, load_settings


def load_and_configure(call: Invocation) -> Settings:
    """The settings in force for this call, with logs going where they say."""
    settings = load_settings(**({"data_dir": call.data_dir} if call.data_dir else {}))
    configure_logs(settings)
    return settings


@contextlib.contextmanager
def opened_database(call: Invocation) -> Iterator[Database]:
    """The database as it is, nothing started or set up yet. Closed in the end, so that an unused server stops."""
    with Database(load_and_configure(call)) as database:
        yield database
