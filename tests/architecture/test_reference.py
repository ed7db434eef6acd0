"""The generated reference says what the code says, on every machine alike."""

from typing import Annotated

import pytest
import typer
from typer.main import get_command

from clew.kernel.settings import describe_settings
from scripts import reference


def example() -> typer.Typer:
    app = typer.Typer(help="Keeps a record.")
    cases = typer.Typer(help="Cases.")

    @app.command()
    def show(
        value: Annotated[str, typer.Argument(help="What to show.")],
        limit: Annotated[int, typer.Option(help="At most this many | lines.")] = 10,
        json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    ) -> None:
        """Show what is known."""

    @cases.command()
    def new(name: str) -> None:
        """Open a case."""

    app.add_typer(cases, name="case")
    return app


def test_commands_are_described_down_to_the_last_option(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = []
    for columns in ("40", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        pages.append("\n".join(reference._command_sections(get_command(example()), "clew", 2)))
    page = pages[0]
    assert pages[1] == page, "the page depends on the width of the terminal"
    assert "### clew show" in page
    assert "Show what is known." in page
    assert "| `value` | required | What to show. |" in page
    assert "| `--limit` | `10` | At most this many \\| lines. |" in page
    assert "| `--json` |  | For programs. |" in page
    assert "#### clew case new" in page


def test_every_setting_is_on_its_page() -> None:
    page = reference.settings_page()
    assert [item.environment for item in describe_settings() if f"`{item.environment}`" not in page] == []


def test_every_error_has_a_name_of_its_own() -> None:
    rows = [line.split(" | ") for line in reference.errors_page().splitlines() if line.startswith("| ")][2:]
    names = [row[1] for row in rows]
    assert len(names) == len(set(names)) > 5


def test_every_table_is_on_its_page() -> None:
    page = reference.schema_page()
    assert "## entities\n" in page
    assert "| `organization_id` | uuid |" in page
