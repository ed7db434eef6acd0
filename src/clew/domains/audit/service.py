"""What the rest of the program asks of the audit trail."""

import contextlib
from collections.abc import Iterator
from typing import Final

import structlog

from clew.domains.audit.chain import AuditChainError
from clew.domains.audit.findings import Finding, Verified
from clew.domains.audit.reads import hand_over_reads
from clew.domains.audit.sealer import Sealer, SealerBusyError
from clew.domains.audit.verification import verify
from clew.kernel.database import Database
from clew.kernel.errors import ClewError
from clew.records.acts import Act, ConfigurationChange, record, record_all, record_configuration

__all__ = [
    "Act",
    "AuditChainError",
    "ConfigurationChange",
    "Finding",
    "Sealer",
    "SealerBusyError",
    "Verified",
    "hand_over_reads",
    "record",
    "record_all",
    "record_configuration",
    "seal_now",
    "sealed",
    "verify",
]

log: Final = structlog.get_logger(__name__)


def seal_now(database: Database) -> int | None:
    """Seal all that is visible; how many rows that were. None if another process is at it, which seals them all."""
    try:
        with Sealer(database) as sealer:
            return sealer.catch_up()
    except SealerBusyError:
        return None


@contextlib.contextmanager
def sealed(database: Database) -> Iterator[None]:
    """Within the block something is done that the trail tells of; after it that is sealed, also if the block raises.

    What cannot be sealed is logged and left to the next command: it stays in the trail as it is.
    """
    try:
        yield
    finally:
        try:
            hand_over_reads(database)
            seal_now(database)
        except (ClewError, OSError) as error:
            log.warning("the audit trail could not be sealed", error=str(error))
