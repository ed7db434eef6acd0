"""`clew --help` answers at once because it loads nothing heavy."""

import subprocess
import sys

HEAVY = frozenset(
    {"psycopg", "sqlalchemy", "alembic", "polars", "pydantic", "phonenumbers", "tldextract", "openpyxl", "zstandard"}
    | {"mcp", "anyio"}
    | {"daft", "pyarrow", "ray"}
    | {"httpx2", "tenacity", "msgspec"}  # what works with a server elsewhere is loaded when one is named
)
PROGRAM = "import sys; from clew.cli.main import main; sys.argv[1:] = {arguments!r}; main()"


def loaded_by(*arguments: str) -> tuple[int, str, set[str]]:
    """Exit code, output and the top-level modules that one run of the program loads."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", PROGRAM.format(arguments=list(arguments))],
        capture_output=True,
        text=True,
        check=False,
    )
    modules = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines() if line.startswith("import time:")}
    return run.returncode, run.stdout, {module.partition(".")[0] for module in modules}


def test_help_loads_nothing_heavy() -> None:
    code, output, modules = loaded_by("--help")
    assert code == 0
    assert "ingest" in output
    assert "typer" in modules, "the measurement itself saw no imports"
    assert modules & HEAVY == set()


def test_help_of_a_command_loads_nothing_heavy() -> None:
    code, output, modules = loaded_by("ingest", "--help")
    assert code == 0
    assert "--json" in output
    assert modules & HEAVY == set()
