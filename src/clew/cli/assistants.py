"""What `clew mcp` serves: the record here or of a server elsewhere, on standard input and output or over HTTP."""

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import typer
from starlette.types import ASGIApp

from clew.api.application import create_application
from clew.api.server import Listening, address_of, answer, bound, running
from clew.api.server import serve as serve_application
from clew.api.services import live_services
from clew.api.serving import opened_serving
from clew.cli.commands.serve import require_safe, services_of
from clew.cli.desk.remote.connection import PATIENCE, key_of
from clew.cli.options import AUTHORITY_VARIABLE, Invocation
from clew.cli.output import line, warn
from clew.cli.session import opened_current_database, opened_record
from clew.client import Transport
from clew.client.address import checked_key, is_exposed
from clew.domains.audit.service import sealed
from clew.domains.identity.principal import Principal
from clew.kernel.database import Database
from clew.kernel.logs import configure_logs
from clew.kernel.settings import load_settings
from clew.mcp.gateway import AGENT, Caller, Elsewhere, Gateway, Within
from clew.mcp.http import PATH, http_application
from clew.mcp.rights import RightsDesk, operator_rights
from clew.mcp.server import Desk


@dataclass(frozen=True, slots=True)
class Serving:
    """How the command was called, and when it is to end."""

    call: Invocation
    stop: threading.Event
    allow_write: bool
    reports: Path | None


@dataclass(frozen=True, slots=True)
class OverHttp:
    """Where to listen."""

    host: str
    port: int
    certificate: Path | None
    key: Path | None
    behind_proxy: bool
    host_names: Sequence[str]

    @property
    def listening(self) -> Listening:
        """As the API's server takes it. Raises ConfigurationError for what would cross a network in the clear."""
        listening = Listening(self.host, self.port, self.certificate, self.key)
        require_safe(listening, behind_proxy=self.behind_proxy)
        return listening

    def hosts(self, listener: socket) -> list[str]:
        """The values of Host to answer to: this machine's own names with the port, and those that were named."""
        address = address_of(listener, encrypted=False).partition("://")[2]
        port = address.rpartition(":")[2]
        own = [f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")]
        named = [each for name in self.host_names for each in (name, f"{name}:{port}")]
        return list(dict.fromkeys([address, *own, *named]))


@contextlib.contextmanager
def opened_desk(serving: Serving) -> Iterator[Desk]:
    """The record here, or of a server elsewhere, for one assistant. Raises what opening or reaching it raises."""
    opened = _here(serving) if serving.call.address is None else _elsewhere(serving.call)
    with opened as (gateway, caller):
        rights = RightsDesk(gateway, allow_write=serving.allow_write)
        yield Desk(gateway, lambda _context: caller, rights, serving.reports)


def serve_over_http(serving: Serving, over: OverHttp) -> None:
    """Answer requests until the command is told to end. Raises ConfigurationError, ConflictError."""
    call = serving.call
    if call.key is not None or call.key_file is not None:
        raise typer.BadParameter("over HTTP each request shows its own key", param_hint="--key, --key-file")
    listening = over.listening
    with bound(listening) as listener:
        hosts = over.hosts(listener)

        def made(gateway: Gateway) -> ASGIApp:
            return http_application(gateway, hosts=hosts, allow_write=serving.allow_write, reports=serving.reports)

        if call.address is None:
            with opened_current_database(call) as database:
                serve_application(
                    database,
                    listener,
                    listening,
                    services_of(database),
                    stop=serving.stop,
                    ready=_teller(call),
                    application=lambda served: made(Within(create_application(served))),
                    lifespan="on",
                )
        else:
            settings = load_settings()
            configure_logs(settings)
            with _transport(call) as transport:
                application = made(Elsewhere(transport))
                stop, ready = serving.stop, _teller(call)
                answer(application, listener, listening, settings, stop=stop, ready=ready, lifespan="on")


@contextlib.contextmanager
def _here(serving: Serving) -> Iterator[tuple[Gateway, Caller]]:
    """The record of this machine, as the operator of the organization or as the owner of the key that was given."""
    call = serving.call
    if call.key is None and call.key_file is None:
        with opened_record(call) as record, _asked(serving, record.database) as gateway:
            permissions = operator_rights(allow_write=serving.allow_write).permissions
            name = f"operator@{record.organization.slug}"
            yield gateway, Caller(principal=Principal(record.organization_id, record.user_id, name, permissions))
        return
    if call.organization is not None:
        raise typer.BadParameter("the key says whose record it is", param_hint="--org")
    authorization = f"Bearer {checked_key(key_of(call))}"
    with opened_current_database(call) as database, _asked(serving, database) as gateway:
        yield gateway, Caller(authorization=authorization)


@contextlib.contextmanager
def _asked(serving: Serving, database: Database) -> Iterator[Gateway]:
    """The application on that database; where changes are allowed, with what does jobs and keeps the views."""
    with sealed(database), opened_serving(database) as served:
        beside = services_of(database) if serving.allow_write else []
        with running([*live_services(served), *beside]):
            yield Within(create_application(served))


@contextlib.contextmanager
def _elsewhere(call: Invocation) -> Iterator[tuple[Gateway, Caller]]:
    """A server elsewhere, as the owner of the key."""
    authorization = f"Bearer {checked_key(key_of(call))}"
    with _transport(call) as transport:
        yield Elsewhere(transport), Caller(authorization=authorization)


@contextlib.contextmanager
def _transport(call: Invocation) -> Iterator[Transport]:
    for option, given in (("--org", call.organization), ("--data-dir", call.data_dir)):
        if given is not None:
            raise typer.BadParameter("with --server, the key says whose record it is", param_hint=option)
    address = call.address or ""
    if is_exposed(address):
        warn(f"keys and all that is read cross the network in the clear: {address} is not https")
    authority = os.environ.get(AUTHORITY_VARIABLE)
    with Transport(
        address, patience=PATIENCE, ca_file=Path(authority) if authority else None, agent=AGENT
    ) as transport:
        yield transport


def _teller(call: Invocation) -> Callable[[str], None]:
    def tell(address: str) -> None:
        if call.json:
            sys.stdout.write(f"{json.dumps({'address': address + PATH, 'ready': True})}\n")
        else:
            line(f"assistants are answered at {address}{PATH}")
        sys.stdout.flush()

    return tell
