"""`clew db`: start, stop, status, upgrade, downgrade."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, invocation

if TYPE_CHECKING:
    from clew.kernel.database import Database
    from clew.kernel.embedded import EmbeddedServer


def start(context: typer.Context, data_dir: DataDirectoryOption = None, as_json: JsonOption = False) -> None:
    """Start the embedded database and keep it running until `clew db stop`.

    Not needed: every command starts it, and the last one to end stops it. Kept running, commands begin faster.
    """
    from clew.cli.output import line, print_json
    from clew.cli.session import opened_database

    call = invocation(context, as_json, None, data_dir)
    with opened_database(call) as database:
        running = _embedded(database).start_pinned()
    if call.json:
        print_json({"running": True, "pinned": True, "pid": running.pid, "socket_directory": running.socket_directory})
    else:
        line(f"the database runs (process {running.pid}) until `clew db stop`")


def stop(context: typer.Context, data_dir: DataDirectoryOption = None, as_json: JsonOption = False) -> None:
    """Stop the embedded database, also while others use it."""
    from clew.cli.output import line, print_json
    from clew.cli.session import opened_database

    call = invocation(context, as_json, None, data_dir)
    with opened_database(call) as database:
        stopped = _embedded(database).stop()
    if call.json:
        print_json({"running": False, "stopped": stopped})
    else:
        line("the database is stopped" if stopped else "the database was not running")


def status(context: typer.Context, data_dir: DataDirectoryOption = None, as_json: JsonOption = False) -> None:
    """Say where the database is, whether it runs, and who uses it. Changes nothing."""
    from clew.cli.output import pairs, print_json
    from clew.cli.session import opened_database

    call = invocation(context, as_json, None, data_dir)
    with opened_database(call) as database:
        state = _state(database)
    if call.json:
        print_json(state)
    else:
        pairs({name.replace("_", " "): value for name, value in state.items()})


def upgrade(context: typer.Context, data_dir: DataDirectoryOption = None, as_json: JsonOption = False) -> None:
    """Bring the database to what this program works with: an older embedded server first, then the schema."""
    from clew.cli import preparation
    from clew.cli.output import line, note, print_json
    from clew.cli.session import opened_database

    call = invocation(context, as_json, None, data_dir)
    with opened_database(call) as database:
        old_cluster = None
        if database.embedded is not None and database.embedded.status().version is not None:
            old_cluster = database.embedded.upgrade()
        if old_cluster is not None:
            note(f"the database server was upgraded; the old one is kept in {old_cluster}")
        before = preparation.upgrade(database)
    if call.json:
        print_json({"from": before.revision, "to": before.head, "old_cluster": old_cluster})
    elif before.revision == before.head:
        line(f"the schema is at {before.head}, nothing to do")
    else:
        line(f"the schema is at {before.head} now; it was at {before.revision or 'nothing'}")


def downgrade(
    context: typer.Context,
    revision: Annotated[str, typer.Argument(help="Schema to go back to; “base” removes the whole record.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the schema back to an earlier revision. What only the newer one can hold is lost."""
    from clew.cli import preparation
    from clew.cli.output import line, print_json
    from clew.cli.session import opened_database
    from clew.kernel.schema_state import read_schema

    call = invocation(context, as_json, None, data_dir)
    with opened_database(call) as database:
        if not yes:
            question = f"Take the record in {database.address} back to schema {revision}? What that cannot hold is lost"
            typer.confirm(question, abort=True, err=True)
        before = preparation.downgrade(database, revision)
        after = read_schema(database)
    if call.json:
        print_json({"from": before.revision, "to": after.revision})
    else:
        line(f"the schema is at {after.revision or 'nothing'} now; it was at {before.revision or 'nothing'}")


def _embedded(database: "Database") -> "EmbeddedServer":
    from clew.kernel.errors import ConfigurationError

    if database.embedded is None:
        raise ConfigurationError(
            "this database is not run by clew",
            where=database.address,
            remedy="start and stop it where it runs, or unset CLEW_DATABASE_URL to use the embedded one",
        )
    return database.embedded


def _state(database: "Database") -> dict[str, Any]:
    if database.embedded is not None:
        return {"address": database.address, "embedded": True, **asdict(database.embedded.status())}
    return {"running": True, **asdict(database.describe())}


def redis_conf(
    context: typer.Context,
    memory: Annotated[
        str, typer.Option("--memory", metavar="SIZE", help="Memory that Redis may take, such as 512mb.")
    ] = "8gb",
    as_json: JsonOption = False,
) -> None:
    """Print a redis.conf for a Redis that servers share. Changes nothing."""
    import re
    import sys

    from clew.cli.output import print_json
    from clew.cli.refusal import require_local
    from clew.kernel.cache.redis.configuration import redis_conf as text
    from clew.kernel.errors import InputError

    call = invocation(context, as_json, None, None)
    require_local(call)
    if not re.fullmatch(r"[1-9][0-9]{0,9}(kb|mb|gb)?", memory):
        raise InputError(f"{memory!r} is no size", where="--memory", remedy="write it as 512mb or 8gb")
    if call.json:
        print_json({"redis_conf": text(memory)})
    else:
        sys.stdout.write(text(memory))
