"""After a restore: the file of checkpoints is brought to the ends of the chains that the restored record has."""

from typing import TYPE_CHECKING, Final
from uuid import UUID

from clew.domains.audit.chain import Keys, Seal
from clew.domains.audit.checkpoints import CheckpointFile
from clew.domains.audit.sealer import LAST_SEALS, SEAL_COLUMNS, seal_of_row
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.roles import AUDITOR

if TYPE_CHECKING:
    import psycopg

_NAMED: Final = f"""
SELECT {SEAL_COLUMNS} FROM audit.seals
WHERE (organization_id, number) IN (SELECT * FROM unnest(%s::uuid[], %s::bigint[]))
"""  # noqa: S608


def take_back_checkpoints(database: Database, *, clock: Clock = system_clock) -> bool:
    """Let the file end where the restored record's chains end; whether it did not.

    The file as it was is kept beside it, under a name with the time: what it tells of is not forgotten. One that tells
    otherwise of a seal that the record has, or that was changed, stays as it is, to be found by a verification.
    """
    file = CheckpointFile.of(database.settings)
    with file.locked():
        lines = list(file.lines())
        told = [line.seal for line in lines if line.seal is not None]
        with database_errors(database.address), database.connect_raw(AUDITOR) as connection:
            ends = [seal_of_row(row)[0] for row in connection.execute(LAST_SEALS).fetchall()]
            present = _of_those(connection, told)
        last = {seal.header.organization_id: seal.header.number for seal in ends}
        if any(line.problem for line in lines) or any(present.get(_key(seal), seal) != seal for seal in told):
            return False
        if file.last_numbers() == last:
            return False
        file.begin_anew(Keys(InstallationSecret.of(database.settings)), ends, f"{clock():%Y%m%dT%H%M%SZ}")
    return True


def _of_those(connection: "psycopg.Connection[tuple[object, ...]]", told: list[Seal]) -> dict[tuple[UUID, int], Seal]:
    keys = [_key(seal) for seal in told]
    rows = connection.execute(_NAMED, ([key[0] for key in keys], [key[1] for key in keys])).fetchall()
    found = [seal_of_row(row)[0] for row in rows]
    return {_key(seal): seal for seal in found}


def _key(seal: Seal) -> tuple[UUID, int]:
    return seal.header.organization_id, seal.header.number
