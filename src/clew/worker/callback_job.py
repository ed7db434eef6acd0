"""Jobs of the kind `analysis_callback`: tell the address that an analysis named that it is over.

Their parameters are {analysis_session_id}. What was delivered is not sent again; what is sent again has the same id.
"""

from typing import Final
from uuid import UUID

from clew.domains.jobs.service import find_job
from clew.worker.work import Handler, Outcome, Work


def run(work: Work) -> Outcome:
    """Send it. Raises CallbackFailedError, a transient one where it is to be sent again."""
    from clew.domains.analyses.callbacks import deliver  # noqa: PLC0415 - what sending needs is loaded here

    with work.database.transaction(work.context) as connection:
        attempts = find_job(connection, work.organization_id, work.job_id).max_attempts
    analysis = UUID(work.parameters["analysis_session_id"])
    return Outcome(deliver(work.database, work.context, analysis, last=work.attempt >= attempts))


CALLBACK: Final = Handler("analysis_callback", run)
