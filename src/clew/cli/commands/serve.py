"""`clew serve`: the API with everything it needs, in one process."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, invocation

if TYPE_CHECKING:
    from collections.abc import Callable

    from clew.api.server import Listening
    from clew.api.services import Service
    from clew.kernel.database import Database

_STOPPING = "finishing what is being answered; press Ctrl-C again to end at once"

CertificateOption = Annotated[
    Path | None, typer.Option("--tls-certificate", metavar="FILE", help="Certificate chain (PEM) to serve https.")
]
CertificateKeyOption = Annotated[
    Path | None, typer.Option("--tls-key", metavar="FILE", help="Private key of it (PEM).")
]
BehindProxyOption = Annotated[
    bool, typer.Option("--behind-proxy", help="What reaches this address comes encrypted through a proxy.")
]


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0: any that is free.")] = 8000,
    certificate: CertificateOption = None,
    key: CertificateKeyOption = None,
    behind_proxy: BehindProxyOption = False,
    workers: Annotated[int, typer.Option(min=1, help="Server processes; more than one needs Redis.")] = 1,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve the API until Ctrl-C or SIGTERM.

    Beside it the views follow, the audit trail is sealed and house is kept. One line tells the address once requests
    are answered. What is being answered is finished before the end.
    """
    from clew.cli.interruption import stop_on_interrupt
    from clew.cli.output import line

    call = invocation(context, as_json, None, data_dir)

    def tell(address: str) -> None:
        if call.json:
            sys.stdout.write(f"{json.dumps({'address': address, 'ready': True})}\n")  # one line, read as it comes
        else:
            line(f"clew answers at {address}")
        sys.stdout.flush()

    with stop_on_interrupt(_STOPPING) as stop:
        # Not before: threads that libraries start when they are imported would take the signals otherwise.
        from clew.api.server import Listening, bound
        from clew.api.server import serve as run
        from clew.api.several import require_shared, serve_with_several
        from clew.cli.session import load_and_configure, opened_current_database
        from clew.projections.service import check_engines

        require_shared(load_and_configure(call), workers)
        listening = Listening(host, port, certificate, key)
        require_safe(listening, behind_proxy=behind_proxy)
        with bound(listening) as listener, opened_current_database(call) as database:
            check_engines(database.settings)
            services = services_of(database)
            if workers == 1:
                run(database, listener, listening, services, stop=stop, ready=tell)
            else:
                serve_with_several(database, listener, listening, services, processes=workers, stop=stop, ready=tell)


def _standard(database: "Database") -> "list[Service]":
    from clew.api.services import standard_services

    return standard_services(database)


def _worker(database: "Database") -> "list[Service]":
    from clew.domains.analyses.settling import settle_all
    from clew.domains.uploads.sweeping import sweep
    from clew.worker.runner import Runner

    chores: list[Callable[[], object]] = [lambda: sweep(database), lambda: settle_all(database)]
    if database.settings.job_runner == "celery":
        from clew.worker.celery.dispatcher import Dispatcher

        return [Dispatcher(database, chores=chores)]
    return [Runner(database, chores=chores)]


# What runs beside the requests, started in this order and stopped the other way round.
_SERVICES: "tuple[Callable[[Database], list[Service]], ...]" = (_standard, _worker)


def services_of(database: "Database") -> "list[Service]":
    """What runs beside the requests of a server of that database."""
    return [service for make in _SERVICES for service in make(database)]


def require_safe(listening: "Listening", *, behind_proxy: bool) -> None:
    """Raises ConfigurationError for what would cross a network unencrypted, and half a certificate."""
    from clew.kernel.errors import ConfigurationError

    if (listening.certificate is None) != (listening.key is None):
        raise ConfigurationError(
            "a certificate needs its key, and a key its certificate",
            where="--tls-certificate, --tls-key",
            remedy="name both files",
        )
    if not listening.is_local and listening.certificate is None and not behind_proxy:
        raise ConfigurationError(
            "passwords and keys would cross the network unencrypted",
            where=f"--host {listening.host}",
            remedy="name a certificate (--tls-certificate, --tls-key), or say --behind-proxy if a proxy does it",
        )
