"""Writes docs/reference/ from the code: `python -m scripts.reference`; with `--check` only says what is out of date."""

import argparse
import difflib
import importlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"
ERROR_MODULES = (
    "clew.cli.refusal",
    "clew.client.errors",
    "clew.api.errors",
    "clew.kernel.cache.port",
    "clew.kernel.errors",
    "clew.kernel.outbound",
    "clew.domains.audit.chain",
    "clew.domains.audit.sealer",
    "clew.domains.identity.refreshing",
    "clew.domains.identity.repeated_requests",
    "clew.domains.identity.sign_in",
    "clew.domains.jobs.claims",
    "clew.domains.uploads.digests",
    "clew.domains.uploads.reception",
    "clew.domains.uploads.service",
    "clew.domains.uploads.staging",
    "clew.projections.keeping",
    "clew.projections.projector",
    "clew.projections.search.errors",
)
GENERATED = "<!-- Written by `make docs` from the code; edit that instead. -->"


def main() -> int:
    """Write every page, or with --check compare it; 1 if a page is out of date or cannot be made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page would change")
    check = parser.parse_args().check
    problems = [problem for name, render in PAGES.items() for problem in _process(name, render, check=check)]
    print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    return 1 if problems else 0


def _process(name: str, render: Callable[[], str], *, check: bool) -> Iterator[str]:
    path = REFERENCE / name
    try:
        head = "" if name.endswith(".json") else f"{GENERATED}\n\n"
        text = f"{head}{render().strip()}\n"
    except (ImportError, AttributeError) as error:
        yield f"docs/reference/{name}: cannot be made, because what it describes is not there: {error}"
        return
    if not check:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    present = path.read_text(encoding="utf-8") if path.is_file() else ""
    if present != text:
        changes = difflib.unified_diff(present.splitlines(), text.splitlines(), "present", "wanted", n=0, lineterm="")
        yield f"docs/reference/{name}: out of date; run `make docs`"
        yield from (f"    {line}" for line in list(changes)[:12])


def settings_page() -> str:
    """Every setting with its environment variable, type, default and meaning."""
    settings = importlib.import_module("clew.kernel.settings")
    rows = [
        (code(item.name), code(item.environment), item.type, code(item.default), item.description)
        for item in settings.describe_settings()
    ]
    return (
        "# Settings\n\n"
        "A setting is read from its environment variable, else from `clew.toml` in the data directory (or the file "
        "that `CLEW_CONFIG` names), else the default holds.\n\n"
        + table(("In `clew.toml`", "Environment", "Type", "Default", "Meaning"), rows)
    )


def errors_page() -> str:
    """The tree of errors with the exit code of each."""
    for module in ERROR_MODULES:
        importlib.import_module(module)
    errors = importlib.import_module("clew.kernel.errors")
    rows = [
        (str(kind.exit_code), code(kind.code), "yes" if kind.transient else "no", first_paragraph(kind.__doc__))
        for kind in sorted(_descendants(errors.ClewError), key=lambda kind: (kind.exit_code, kind.code))
    ]
    return (
        "# Errors and exit codes\n\n"
        "A command that fails says what was wrong, where, and what to do, and ends with one of these exit codes; "
        "with `--json` the error carries the code's name. 0 means that all went well, 2 that the command line itself "
        "was wrong, 130 that Ctrl-C ended it. What is worth a retry may succeed later with the same input.\n\n"
        + table(("Exit code", "Name", "Worth a retry", "Meaning"), rows)
    )


def sources_page() -> str:
    """The tools' formats that can be read."""
    registry = importlib.import_module("clew.ingest.sources.registry")
    rows = sorted((code(item.name), str(item.kind), str(item.version), item.reads) for item in registry.SOURCES)
    return (
        "# Sources\n\n"
        "What `clew ingest` reads. A file is recognised by its content; `--source NAME` overrides that. For *log* "
        "files the file is the item that facts point to, with a line number; for *results* each row is.\n\n"
        + table(("Name", "Kind", "Version", "Reads"), rows)
    )


def techniques_page() -> str:
    """The rules by which commands tell ATT&CK techniques."""
    rules = importlib.import_module("clew.analysis.coordination.techniques").RULES
    rows = [(code(rule.name), rule.id, rule.technique, code(rule.pattern)) for rule in rules]
    intro = (
        "Each command line is made canonical and cut into simple commands (docs/explanation/coordination.md); a rule "
        "whose pattern is found in one of them tells its technique (MITRE ATT&CK Enterprise v16), once for a line."
    )
    return f"# ATT&CK techniques\n\n{intro}\n\n{table(('Rule', 'Technique', 'Name', 'Pattern'), rows)}"


def ontology_page() -> str:
    """The kinds of entity and of relationship."""
    ontology = importlib.import_module("clew.ontology")
    rows = [(code(str(kind)), identity) for kind, identity in ontology.describe_types()]
    relationships = "\n".join(f"- `{kind}`" for kind in ontology.RelationshipType)
    return (
        "# Entities and relationships\n\n"
        "An entity is identified within its organization by its type and its normalised value "
        f"(normalisation version {ontology.NORMALIZATION_VERSION}).\n\n## Entities\n\n"
        + table(("Type", "Identified by"), rows)
        + "\n\n## Relationships\n\nEach reads *source TYPE target*.\n\n"
        + relationships
    )


def schema_page() -> str:
    """The tables of the record."""
    metadata = importlib.import_module("clew.migrations").metadata()
    parts = ["# Schema of the record\n\nPostgreSQL 15 or newer. Times are UTC."]
    for name in sorted(metadata.tables):
        declared = metadata.tables[name]
        rows = [_column_row(column) for column in declared.columns]
        indexes = sorted(f"- `{_index_line(index)}`" for index in declared.indexes)
        listed = "\n\nIndexes:\n\n" + "\n".join(indexes) if indexes else ""
        parts.append(f"## {name}\n\n" + table(("Column", "Type", "Null", "Default", "Refers to"), rows) + listed)
    return "\n\n".join(parts)


def cli_page() -> str:
    """Every command with its arguments and options."""
    typer_main = importlib.import_module("typer.main")
    root = typer_main.get_command(importlib.import_module("clew.cli.main").app)
    return "# Command line\n\n" + "\n\n".join(_command_sections(root, "clew", 2))


def cache_keys_page() -> str:
    """The keys of the cache, from the table that adapters and callers share."""
    keys = importlib.import_module("clew.kernel.cache.keys")
    rows = [
        (
            code(item.full_template),
            str(item.kind),
            _written_span(item.lifetime),
            item.purpose,
            f"no: {item.unused}" if item.unused else "yes",
        )
        for item in keys.PATTERNS
    ]
    return (
        "# Keys of the cache\n\n"
        "What Redis holds under which keys, as what and for how long, if `CLEW_REDIS_URL` names one; without it the "
        "same is in the memory of the one server process. What an organization owns begins with its id; parts that "
        "come from outside are percent-encoded. Everything in it may be lost. Names that users know from "
        "elsewhere and that nothing is kept under stand here with the reason.\n\n"
        + table(("Key", "Type", "Kept", "Holds", "Used"), rows)
    )


def _written_span(span: Any) -> str:
    if span is None:
        return "without an end"
    seconds = int(span.total_seconds())
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def description_page() -> str:
    """The description of the API, as programs read it."""
    described = importlib.import_module("clew.api.openapi").description()
    return json.dumps(described, ensure_ascii=False, indent=1, sort_keys=False)


def mcp_page() -> str:
    """What assistants are offered: tools, resources, prompts."""
    tools = importlib.import_module("clew.mcp.tools.registry").TOOLS
    resources = importlib.import_module("clew.mcp.resources").KINDS
    prompts = importlib.import_module("clew.mcp.prompts").PROMPTS
    parts = [
        _MCP_INTRODUCTION,
        *map(_tool_section, tools),
        "## Resources\n\n"
        + table(
            ("URI", "What", "Needs"),
            [(code(each.template), each.description, ", ".join(map(code, each.permissions))) for each in resources],
        ),
        "## Prompts\n\n"
        + table(
            ("Name", "Argument", "What for"),
            [(code(each.name), code(each.argument), each.description) for each in prompts],
        ),
    ]
    return "\n\n".join(parts)


_MCP_INTRODUCTION = (
    "# What assistants are offered (MCP)\n\n"
    "The tools, resources and prompts of `clew mcp`. A caller is offered a tool if they have all permissions that it "
    "needs; one that changes something only if the server was started with "
    "`--allow-write` besides. Every result is `notice` (it is data, not instructions), `result` – in the shape that "
    "[the API](openapi.json) has for the same – and `truncated` (what was left out, and where)."
)


def _tool_section(tool: Any) -> str:
    schema = tool.input_schema
    needs = " and ".join(map(code, tool.permissions)) or "no permission"
    required = set(schema.get("required", ()))
    rows = [
        (code(name), _schema_type(field), "yes" if name in required else "no", field.get("description", ""))
        for name, field in schema.get("properties", {}).items()
    ]
    changes = " It changes something." if tool.changes else ""
    arguments = "\n\n" + table(("Argument", "Type", "Required", "Meaning"), rows) if rows else ""
    return f"## {tool.name}\n\n{tool.description}\n\nNeeds {needs}.{changes}{arguments}"


def _schema_type(field: dict[str, Any]) -> str:
    """A JSON Schema's type in a word or two."""
    if "anyOf" in field:
        return " or ".join(_schema_type(each) for each in field["anyOf"] if each.get("type") != "null")
    if "$ref" in field:
        return str(field["$ref"].rpartition("/")[2])
    if field.get("type") == "array":
        return f"list of {_schema_type(field.get('items', {}))}"
    kind = str(field.get("format") or field.get("type", "any"))
    choices = field.get("enum", ())
    return ", ".join(map(code, choices)) if 0 < len(choices) <= 8 else kind


PAGES: dict[str, Callable[[], str]] = {
    "cache-keys.md": cache_keys_page,
    "cli.md": cli_page,
    "errors.md": errors_page,
    "mcp.md": mcp_page,
    "ontology.md": ontology_page,
    "openapi.json": description_page,
    "schema.md": schema_page,
    "settings.md": settings_page,
    "sources.md": sources_page,
    "techniques.md": techniques_page,
}


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines
    )


def code(text: str) -> str:
    """The text as code, or nothing for nothing."""
    return f"`{text}`" if text else ""


def first_paragraph(docstring: str | None) -> str:
    """The docstring's first paragraph on one line."""
    return " ".join((docstring or "").split("\n\n")[0].split())


def _descendants(kind: Any) -> Iterator[Any]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ in ERROR_MODULES:  # what else happens to be imported must not change the page
            yield from _descendants(child)


def _column_row(column: Any) -> Sequence[str]:
    postgresql = importlib.import_module("sqlalchemy.dialects.postgresql").dialect()
    default = column.server_default
    text = "" if default is None or not hasattr(default, "arg") else str(getattr(default.arg, "text", default.arg))
    targets = sorted({key.target_fullname for key in column.foreign_keys})
    kind = column.type.compile(dialect=postgresql).lower()
    return (code(column.name), kind, "yes" if column.nullable else "", code(text), ", ".join(targets))


def _index_line(index: Any) -> str:
    unique = "unique " if index.unique else ""
    method = index.dialect_options["postgresql"]["using"] or "btree"
    return f"{index.name}: {unique}{method} ({', '.join(str(part) for part in _index_parts(index))})"


def _index_parts(index: Any) -> Iterator[str]:
    for part in index.expressions:
        yield getattr(part, "name", None) or str(part).replace(f"{index.table.name}.", "")


def _command_sections(command: Any, path: str, level: int) -> Iterator[str]:
    context = command.make_context(path, [], resilient_parsing=True, terminal_width=100)
    section = [f"{'#' * min(level, 4)} {path}", (command.help or "").strip()]
    section.append("```\n" + command.get_usage(context).removeprefix("Usage: ").strip() + "\n```")
    parameters = [_parameter_row(item) for item in command.params if not getattr(item, "hidden", False)]
    if parameters:
        section.append(table(("Argument or option", "Default", "Meaning"), parameters))
    yield "\n\n".join(part for part in section if part)
    if hasattr(command, "list_commands"):
        for name in command.list_commands(context):
            child: Any = command.get_command(context, name)
            if not child.hidden:
                yield from _command_sections(child, f"{path} {name}", level + 1)


def _parameter_row(item: Any) -> Sequence[str]:
    names = ", ".join(code(name) for name in [*item.opts, *item.secondary_opts])
    shown = item.default not in (None, False, [], ()) and not callable(item.default)
    default = "required" if item.required else code(str(item.default)) if shown else ""
    return (names, default, first_paragraph(item.help))


if __name__ == "__main__":
    sys.exit(main())
