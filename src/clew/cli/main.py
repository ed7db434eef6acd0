"""The program `clew`: its commands, and what becomes of errors.

Nothing heavy is imported here or by the modules of the commands: `clew --help` answers at once.
"""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.main import get_command

from clew import __version__
from clew.cli.commands import (
    analysis,
    audit,
    backup,
    campaign,
    case,
    database,
    demo,
    doctor,
    documents,
    files,
    graph,
    ingest,
    init,
    jobs,
    key,
    mcp,
    organization,
    path,
    projection,
    quarantine,
    report,
    role,
    schedules,
    schema,
    search,
    series,
    serve,
    show,
    similar,
    user,
    worker,
)
from clew.cli.group import RootGroup, SimilarGroup
from clew.cli.options import (
    DataDirectoryOption,
    Invocation,
    JsonOption,
    KeyFileOption,
    KeyOption,
    OrganizationOption,
    ServerOption,
)

BROKEN_PIPE = 141  # what a shell reports of a program that died of SIGPIPE


def main() -> None:
    """Run the command that the arguments name and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """The exit code of one command. Every error ends here; none that is expected shows a traceback."""
    _prepare_streams()
    try:
        code = _invoke(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_is_gone()
    return code


def _invoke(arguments: Sequence[str]) -> int:
    # Typer's own main() would end the program by itself on a broken pipe or Ctrl-C.
    command = get_command(app)
    try:
        with command.make_context("clew", list(arguments)) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  the edge of the program: told, never swallowed
        from clew.cli.failures import report_failure

        return report_failure(error, arguments)
    return 0


def version(context: typer.Context, as_json: JsonOption = False) -> None:
    """Print the version."""
    outer = context.find_object(Invocation)
    if as_json or (outer and outer.json):
        from clew.cli.output import print_json

        print_json({"version": __version__})
    else:
        typer.echo(f"clew {__version__}")


def _version_option(wanted: bool) -> None:
    if wanted:
        typer.echo(f"clew {__version__}")
        raise typer.Exit


def _globals(
    context: typer.Context,
    as_json: JsonOption = False,
    organization_slug: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    server: ServerOption = None,
    key: KeyOption = None,
    key_file: KeyFileOption = None,
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version_option, help="Print the version.")
    ] = False,
) -> None:
    """Keep one true record of what investigation tools and honeypots produce, and ask it questions.

    With --server, most commands work with the record of a server elsewhere (`clew serve`), as the owner of the key.
    """
    context.obj = Invocation(as_json, organization_slug, data_dir, server, key, key_file)


def _group(help_text: str) -> typer.Typer:
    return typer.Typer(help=help_text, no_args_is_help=True, rich_markup_mode=None)


def _application() -> typer.Typer:
    root = typer.Typer(
        cls=RootGroup,
        callback=_globals,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    root.command("init")(init.init)
    root.command("demo")(demo.demo)
    root.command("ingest")(ingest.ingest)
    root.add_typer(_quarantine(), name="quarantine")
    root.command("show")(show.show)
    root.command("path")(path.path)
    root.command("report")(report.report)
    root.command("search")(search.search)
    root.command("suggest")(search.suggest)
    root.add_typer(_graph(), name="graph")
    root.add_typer(_series(), name="series")
    root.command("analyze")(campaign.analyze)
    root.add_typer(_analysis(), name="analysis")
    root.add_typer(_similar(), name="similar")
    root.add_typer(_campaign(), name="campaign")
    root.add_typer(_case(), name="case")
    root.add_typer(_jobs(), name="jobs")
    root.add_typer(_database(), name="db")
    root.add_typer(_projection(), name="projection")
    root.add_typer(_documents(), name="documents")
    root.add_typer(_files(), name="files")
    root.add_typer(_organization(), name="org")
    root.add_typer(_user(), name="user")
    root.add_typer(_key(), name="key")
    root.add_typer(_role(), name="role")
    root.add_typer(_audit(), name="audit")
    root.command("backup")(backup.backup)
    root.command("restore")(backup.restore)
    root.add_typer(_schema(), name="schema")
    root.command("serve")(serve.serve)
    root.command("mcp")(mcp.mcp)
    root.command("worker")(worker.worker)
    root.command("doctor")(doctor.doctor)
    root.command("version")(version)
    return root


def _quarantine() -> typer.Typer:
    group = _group("See rejected records, retry them, or drop them.")
    group.command("list")(quarantine.list_records)
    group.command("show")(quarantine.show_record)
    group.command("retry")(quarantine.retry_records)
    group.command("drop")(quarantine.drop_records)
    return group


def _analysis() -> typer.Typer:
    group = _group("Have sessions analysed beside commands, and follow that.")
    group.command("start")(analysis.start)
    group.command("show")(analysis.show)
    group.command("list")(analysis.list_analyses)
    group.command("cancel")(analysis.cancel)
    group.command("wait")(analysis.wait)
    return group


def _campaign() -> typer.Typer:
    group = _group("See which sources act together, and decide about it.")
    group.command("list")(campaign.list_campaigns)
    group.command("show")(campaign.show)
    group.command("explain")(campaign.explain)
    group.command("merge")(campaign.merge)
    group.command("split")(campaign.split)
    group.command("pin")(campaign.pin)
    group.command("reject")(campaign.reject)
    group.command("rename")(campaign.rename)
    group.command("attribute")(campaign.attribute)
    group.command("undo")(campaign.undo)
    group.command("export")(campaign.export)
    return group


def _similar() -> typer.Typer:
    group = typer.Typer(cls=SimilarGroup, help="Find what is alike.", no_args_is_help=True, rich_markup_mode=None)
    group.command("to")(similar.to)
    group.command("clusters")(similar.clusters)
    return group


def _case() -> typer.Typer:
    group = _group("Open cases, and say what they are about.")
    group.command("new")(case.new)
    group.command("list")(case.list_cases)
    group.command("show")(case.show_case)
    group.command("add-target")(case.add_target)
    return group


def _jobs() -> typer.Typer:
    group = _group("See what is done beside requests; cancel and retry it.")
    group.command("list")(jobs.list_jobs)
    group.command("show")(jobs.show_job)
    group.command("cancel")(jobs.cancel)
    group.command("retry")(jobs.retry)
    group.command("schedule")(schedules.schedule)
    group.command("schedules")(schedules.schedules)
    group.command("reschedule")(schedules.reschedule)
    group.command("unschedule")(schedules.unschedule)
    return group


def _database() -> typer.Typer:
    group = _group("Start, stop, upgrade and look at the database.")
    group.command("start")(database.start)
    group.command("stop")(database.stop)
    group.command("status")(database.status)
    group.command("upgrade")(database.upgrade)
    group.command("downgrade")(database.downgrade)
    group.command("redis-conf")(database.redis_conf)
    return group


def _projection() -> typer.Typer:
    group = _group("See, prove and restore that the views agree with the record.")
    group.command("status")(projection.show_status)
    group.command("verify")(projection.verify)
    group.command("rebuild")(projection.rebuild)
    group.command("drill")(projection.drill)
    group.command("follow")(projection.follow)
    return group


def _graph() -> typer.Typer:
    group = _group("See how things hang together, and who is central.")
    for command in (graph.neighbours, graph.ego, graph.path, graph.paths, graph.central, graph.communities):
        group.command(command.__name__)(command)
    group.command("measure")(graph.measure)
    group.command("export")(graph.export)
    return group


def _series() -> typer.Typer:
    group = _group("Ask for measured values over time; write and delete them.")
    group.command("list")(series.list_series)
    group.command("query")(series.query)
    group.command("write")(series.write)
    group.command("delete")(series.delete)
    group.command("age")(series.age)
    return group


def _documents() -> typer.Typer:
    group = _group("Read what was collected, as it was collected.")
    group.command("find")(documents.find)
    group.command("get")(documents.get)
    group.command("content")(documents.content)
    return group


def _files() -> typer.Typer:
    group = _group("Look after the store of files.")
    group.command("check")(files.check)
    group.command("collect")(files.collect)
    group.command("rewrap")(files.rewrap)
    return group


def _schema() -> typer.Typer:
    group = _group("See how engines keep what Clew puts there.")
    group.command("export")(schema.export)
    return group


def _organization() -> typer.Typer:
    group = _group("Keep the records of several organizations apart.")
    group.command("new")(organization.new)
    group.command("list")(organization.list_organizations)
    group.command("show")(organization.show)
    group.command("webhook-secret")(organization.webhook_secret)
    return group


def _user() -> typer.Typer:
    group = _group("Add people, give them roles, let them in or shut them out.")
    group.command("add")(user.add)
    group.command("list")(user.list_users)
    group.command("show")(user.show)
    group.command("deactivate")(user.deactivate)
    group.command("activate")(user.activate)
    group.command("set-role")(user.set_role)
    group.command("reset-password")(user.reset_password)
    group.command("mfa-reset")(user.reset_second_factor)
    return group


def _key() -> typer.Typer:
    group = _group("Make API keys for programs, and revoke them.")
    group.command("create")(key.create)
    group.command("list")(key.list_keys)
    group.command("revoke")(key.revoke)
    return group


def _role() -> typer.Typer:
    group = _group("See what roles allow, and make your own.")
    group.command("list")(role.list_roles)
    group.command("new")(role.new)
    group.command("grant")(role.grant)
    return group


def _audit() -> typer.Typer:
    group = _group("Prove that the audit trail is whole, copy it, and search it.")
    group.command("verify")(audit.verify)
    group.command("export")(audit.export)
    group.command("search")(audit.search)
    return group


def _prepare_streams() -> None:
    # A terminal or pipe with a poorer encoding gets escapes, not a crash.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _reader_is_gone() -> int:
    # What is still buffered goes nowhere, quietly, also when the interpreter flushes at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


app = _application()
