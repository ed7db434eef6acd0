"""Jobs of the kind `projection_verify`: compare a view with the record, all of both, for as long as that takes.

Parameters: {projection, repair}. Whoever follows the record lends its place meanwhile. What the result tells is the
organization's own; the job can be done again however it ended.
"""

from typing import Final

from clew.domains.jobs.claims import Advance
from clew.projections.of_an_organization import own_verify
from clew.worker.work import Handler, Outcome, Work


def run(work: Work) -> Outcome:
    """Compare. Raises NotFoundError, ProjectorBusyError (tried again)."""
    name, repair = str(work.parameters["projection"]), bool(work.parameters["repair"])
    work.observe(Advance("comparing"))
    return Outcome(own_verify(work.database, work.organization_id, name, repair=repair).as_dict())


VERIFY: Final = Handler("projection_verify", run)
