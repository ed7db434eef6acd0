"""`clew init`: everything that has to be there before anything can be loaded."""

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, invocation


def init(context: typer.Context, data_dir: DataDirectoryOption = None, as_json: JsonOption = False) -> None:
    """Set up the record, or check that it is set up.

    Makes the data directory, the database, its tables and the default organization; may be run again.

    Without CLEW_DATABASE_URL the database is a server of Clew's own inside the data directory.
    """
    from clew.cli import preparation
    from clew.cli.output import line, pairs, print_json
    from clew.cli.session import opened_database
    from clew.domains.identity.service import ensure_default_organization
    from clew.kernel.schema_state import SchemaState
    from clew.kernel.settings import CONFIG_NAME

    call = invocation(context, as_json, None, data_dir)
    with opened_database(call) as database:
        database.bootstrap()
        before = preparation.upgrade(database)
        organization = ensure_default_organization(database)
        described = database.describe()
        kept = {
            "data_dir": database.settings.data_dir,
            "settings_file": database.settings.data_dir / CONFIG_NAME,
            "file_store": database.settings.data_dir / "files",
            "database": database.address,
            "embedded": described.embedded,
            "database_files": database.embedded.status().data_directory if database.embedded else None,
            "server_version": described.version,
            "schema": before.head,
            "organization": organization.slug,
        }
    made = before.state is SchemaState.MISSING
    if call.json:
        print_json({**kept, "schema_before": before.revision, "organization": organization.as_dict()})
        return
    line("the record is set up" if made else "the record was set up already", style="bold")
    pairs({name.replace("_", " "): value for name, value in kept.items()})
    line("next: `clew ingest PATH…` with what your tools wrote, or `clew demo` to try a made-up case")
