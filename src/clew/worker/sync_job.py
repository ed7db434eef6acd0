"""Jobs of the kind `sync`: exchange with a peer, as `clew sync` does.

Its parameters are {peer_id, dry_run}. An exchange can be done again however it ended: it reads what is there.
"""

from clew.domains.jobs.claims import Advance
from clew.worker.work import Handler, Outcome, Work


def run(work: Work) -> Outcome:
    """Exchange. Raises what `synchronize` raises."""
    from clew.domains.exchange.service import synchronize  # noqa: PLC0415 - what an exchange needs is loaded here

    asked = work.parameters
    report = synchronize(
        work.database,
        work.context,
        str(asked["peer_id"]),
        dry_run=bool(asked.get("dry_run")),
        observe=lambda step, done: work.observe(Advance(step, records_done=done)),
        stopped=work.stop.is_set,
    )
    return Outcome(report.as_dict(), finished=not work.stop.is_set())


SYNC = Handler("sync", run)
