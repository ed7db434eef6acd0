"""The command line itself: what can be asked without a record."""

import json

import pytest
from typer.main import get_command

from clew import migrations
from clew.cli import main
from clew.kernel.schema_state import SchemaState, compared, shipped_revisions

PROMISED = {
    "init",
    "demo",
    "ingest",
    "quarantine list",
    "quarantine show",
    "quarantine retry",
    "quarantine drop",
    "show",
    "path",
    "graph neighbours",
    "graph ego",
    "graph path",
    "graph paths",
    "graph central",
    "graph communities",
    "graph measure",
    "graph export",
    "search",
    "suggest",
    "series list",
    "series query",
    "series write",
    "series delete",
    "series age",
    "similar to",
    "similar clusters",
    "report",
    "projection status",
    "projection verify",
    "projection rebuild",
    "projection drill",
    "projection follow",
    "documents find",
    "documents get",
    "documents content",
    "files check",
    "files collect",
    "files rewrap",
    "case new",
    "case list",
    "case show",
    "case add-target",
    "jobs list",
    "jobs show",
    "jobs cancel",
    "jobs retry",
    "jobs schedule",
    "jobs schedules",
    "jobs reschedule",
    "jobs unschedule",
    "backup",
    "restore",
    "db start",
    "db stop",
    "db status",
    "db upgrade",
    "db downgrade",
    "db redis-conf",
    "org new",
    "org list",
    "org show",
    "org webhook-secret",
    "user add",
    "user list",
    "user show",
    "user deactivate",
    "user activate",
    "user set-role",
    "user reset-password",
    "user mfa-reset",
    "key create",
    "key list",
    "key revoke",
    "role list",
    "role new",
    "role grant",
    "analyze",
    "analysis start",
    "analysis list",
    "analysis show",
    "analysis wait",
    "analysis cancel",
    "campaign list",
    "campaign show",
    "campaign explain",
    "campaign merge",
    "campaign split",
    "campaign pin",
    "campaign reject",
    "campaign rename",
    "campaign attribute",
    "campaign undo",
    "campaign export",
    "audit verify",
    "audit export",
    "audit search",
    "schema export",
    "serve",
    "worker",
    "mcp",
    "doctor",
    "version",
}


def commands() -> dict[str, set[str]]:
    """Each command with its options."""
    found = {}
    for name, command in get_command(main.app).commands.items():  # type: ignore[attr-defined]  # it is a group
        inner = getattr(command, "commands", None)
        for path, leaf in (
            {f"{name} {sub}": leaf for sub, leaf in inner.items()}.items() if inner else [(name, command)]
        ):
            found[path] = {option for parameter in leaf.params for option in parameter.opts}
    return found


def test_every_promised_command_is_there() -> None:
    assert commands().keys() == PROMISED


def test_every_command_has_json() -> None:
    assert [name for name, options in commands().items() if "--json" not in options] == []


def test_every_command_of_the_record_has_an_organization_and_a_data_directory() -> None:
    without = {name for name, options in commands().items() if not {"--org", "--data-dir"} <= options}
    of_all = {name for name in PROMISED if name.partition(" ")[0] in {"init", "demo", "db", "org", "version"}} - {
        "org show",
        "org webhook-secret",
    }
    assert without == of_all | {"audit verify", "schema export", "serve", "backup", "restore", "worker"}


def test_help_fits_on_one_line_per_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:")[2]
    assert "..." not in listed


def test_no_command_is_answered_with_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([]) == 2
    assert "Commands:" in capsys.readouterr().err


def test_a_usage_error_is_json_if_json_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["show", "--json"]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    error = json.loads(written.err)["error"]
    assert error["code"] == "usage"
    assert error["remedy"] == "see `clew show --help`"


def test_the_shipped_revisions_are_the_ones_alembic_knows() -> None:
    assert shipped_revisions()[-1] == migrations.head()


def test_schemas_are_compared_with_this_program() -> None:
    head = migrations.head()
    assert compared(None).state is SchemaState.MISSING
    assert compared(head).state is SchemaState.CURRENT
    assert compared("9999").state is SchemaState.AHEAD
