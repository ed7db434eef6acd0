"""The whole examination, which goes as far as what it finds allows."""

import functools
from collections.abc import Callable, Iterator

from clew.cli.diagnosis import configuration, copies, engines, holdings, machine, server, views
from clew.cli.diagnosis.finding import Finding, Status
from clew.cli.options import Invocation
from clew.cli.session import load_and_configure
from clew.kernel.database import Database
from clew.kernel.errors import ClewError
from clew.kernel.schema_state import read_schema

Examination = Callable[[], Iterator[Finding]]


def examine(call: Invocation) -> Iterator[Finding]:
    """Every finding, in the order in which a support person would ask. Sets nothing up and changes nothing."""
    yield from machine.examine_program()
    try:
        settings = load_and_configure(call)
    except ClewError as error:
        yield _failed("settings", error)
        return
    yield from configuration.examine_settings(settings, frozenset({"data_dir"} if call.data_dir else ()))
    yield from _guarded("data directory", lambda: machine.examine_data_directory(settings))
    yield from _guarded("search engine", lambda: views.examine_engine(settings))
    for name, check in engines.CHECKS.items():
        yield from _guarded(name, functools.partial(check, settings))
    with Database(settings) as database:
        yield from _examine_database(call, database)


def _examine_database(call: Invocation, database: Database) -> Iterator[Finding]:
    embedded = database.embedded
    if embedded is not None:
        yield from _guarded("embedded server", lambda: server.examine_embedded(embedded))
        if embedded.status().version is None:
            return
    yield from _guarded("database", lambda: server.examine_server(database))
    try:
        if not server.is_current(read_schema(database)):
            return
    except ClewError:
        return  # was told just now
    yield from _guarded("protection", lambda: server.examine_protection(database))
    yield from _guarded("backups", lambda: copies.examine_copies(database))
    yield from _guarded("search view", lambda: views.examine_views(database))
    yield from _guarded("organization", lambda: holdings.examine_record(database, call.slug))


def _guarded(name: str, examination: Examination) -> Iterator[Finding]:
    """The findings; an error of the examination is one, too."""
    try:
        yield from examination()
    except ClewError as error:
        yield _failed(name, error)
    except OSError as error:
        yield Finding(name, f"{error.filename}: {error.strerror}", Status.FAIL, "check that file or directory")


def _failed(name: str, error: ClewError) -> Finding:
    place = f"{error.where}: " if error.where else ""
    return Finding(name, f"{place}{error.message}", Status.FAIL, error.remedy)
