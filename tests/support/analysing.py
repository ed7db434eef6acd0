"""Analyses as a service in tests: asked for as the API does, and carried out in this process."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from clew.domains.analyses.assessing import Writer
from clew.domains.analyses.reading import AnalysisSession, find_session
from clew.domains.analyses.service import NewAnalysisSession, start
from clew.domains.analyses.starting import Over
from clew.domains.analyses.workflow import Workflow
from clew.domains.jobs.service import find_job
from clew.kernel.database import Database
from clew.kernel.outbound import Outbound
from clew.worker.analyze_job import ANALYZE
from clew.worker.work import Outcome, Work
from tests.support.record import Tenant


def asked_for(
    database: Database, tenant: Tenant, new: NewAnalysisSession | None = None, outbound: Outbound | None = None
) -> UUID:
    """An analysis that waits."""
    context = replace(tenant.context, user_id=tenant.operator)
    with database.transaction(context) as connection:
        return start(connection, context, new or NewAnalysisSession(), outbound=outbound or Outbound())


def carried_out(
    database: Database,
    tenant: Tenant,
    identifier: UUID,
    *,
    writer: Writer | None = None,
    stop: threading.Event | None = None,
    observe: Callable[[str, float], None] = lambda _step, _done: None,
    **options: Any,
) -> Over:
    """The analysis, seen to its end by a workflow of this process."""
    context = replace(tenant.context, user_id=tenant.operator)
    workflow = Workflow(database, writer or Writer(), **options)
    return workflow.run(context, identifier, observe=observe, stop=stop)


def shown(database: Database, tenant: Tenant, identifier: UUID) -> AnalysisSession:
    """The analysis as it is read."""
    with database.transaction(tenant.context) as connection:
        return find_session(connection, tenant.id, identifier)


def attempted(
    database: Database, tenant: Tenant, identifier: UUID, *, attempt: int = 1, stop: threading.Event | None = None
) -> Outcome:
    """One attempt at the analysis' job, as the worker makes it."""
    job = shown(database, tenant, identifier).job_id
    assert job is not None
    with database.transaction(tenant.context) as connection:
        parameters = find_job(connection, tenant.id, job).parameters
    work = Work(
        database, tenant.id, job, tenant.operator, attempt, parameters, lambda _: None, stop or threading.Event()
    )
    return ANALYZE.run(work)
