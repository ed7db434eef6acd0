"""`clew worker`: does jobs in a process of its own, here or on another machine, beside or instead of the server."""

from typing import TYPE_CHECKING, Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, invocation

if TYPE_CHECKING:
    from clew.kernel.database import Database

_STOPPING = "giving back what is being done; press Ctrl-C again to end at once"


def worker(
    context: typer.Context,
    queues: Annotated[
        str | None,
        typer.Option("--queues", metavar="NAMES", help="Only these queues, separated by commas."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, max=64, help="Jobs at once; as the setting job_workers says.")
    ] = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Do jobs until Ctrl-C or SIGTERM.

    What is not finished then goes back to its queue. It may run on any machine that reaches the database and the files
    of uploads (and Redis, with job runner celery).
    """
    from clew.cli.interruption import stop_on_interrupt

    call = invocation(context, as_json, None, data_dir)
    chosen = _chosen(queues)

    with stop_on_interrupt(_STOPPING) as stop:
        from clew.cli.session import opened_current_database
        from clew.domains.analyses.settling import settle_all
        from clew.worker.runner import Runner

        with opened_current_database(call) as database:
            if database.settings.job_runner == "server":
                with Runner(database, workers=workers, queues=chosen, chores=[lambda: settle_all(database)]):
                    _tell_ready(call.json)
                    stop.wait()
                return
    with opened_current_database(call) as database:
        _by_celery(database, workers, chosen, as_json=call.json)


def _by_celery(database: "Database", workers: int | None, queues: tuple[str, ...], *, as_json: bool) -> None:
    from clew.worker.celery.beside import beside_servers
    from clew.worker.celery.dispatcher import Dispatcher
    from clew.worker.celery.pool import work

    with beside_servers(database), Dispatcher(database):
        work(database, workers=workers, queues=queues, ready=lambda: _tell_ready(as_json))


def _tell_ready(as_json: bool) -> None:
    import json
    import sys

    from clew.cli.output import line

    if as_json:
        sys.stdout.write(f"{json.dumps({'ready': True})}\n")  # one line, read as it comes
    else:
        line("clew does jobs")
    sys.stdout.flush()


def _chosen(queues: str | None) -> tuple[str, ...]:
    from clew.domains.jobs.tables import QUEUES
    from clew.kernel.errors import InputError

    if queues is None:
        return QUEUES
    chosen = tuple(dict.fromkeys(name.strip() for name in queues.split(",") if name.strip()))
    unknown = [name for name in chosen if name not in QUEUES]
    if unknown or not chosen:
        raise InputError(
            f"there is no queue {unknown[0]!r}" if unknown else "no queue is named",
            where="--queues",
            remedy=f"name some of {', '.join(QUEUES)}",
        )
    return chosen
