"""`--mapping FILE` and what `--dry-run` shows of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from clew.cli.output import heading, line, print_json, warn
from clew.kernel.errors import InputError

if TYPE_CHECKING:
    from datetime import tzinfo

    from clew.cli.options import Invocation
    from clew.ingest.preview import Preview, PreviewedEntity, PreviewedRow


def read_mapping(path: Path) -> str:
    """The text of a mapping file. Raises InputError (MappingError: of its content) where it is not of use."""
    from clew.ingest.sources.mapping_file import MAXIMUM_BYTES, parse_mapping

    try:
        with path.open("rb") as stream:
            content = stream.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"the mapping file cannot be opened: {error.strerror}", where=str(path), remedy="check the path"
        ) from None
    parse_mapping(content, str(path))
    return content.decode("utf-8-sig")


def show_preview(
    paths: Sequence[Path], mapping: str | None, *, zone: "tzinfo | None", region: str | None, call: "Invocation"
) -> None:
    """Show the first rows of each file mapped. Raises InputError where no file has any."""
    from clew.ingest.preview import preview

    if mapping is None:
        raise typer.BadParameter("shows what a mapping file would do; give one with --mapping", param_hint="--dry-run")
    previews = preview(tuple(paths), mapping, timezone=zone, region=region)
    if call.json:
        print_json({"written": False, "files": [each.as_dict() for each in previews]})
    else:
        for each in previews:
            _print(each)
    shown = any(each.rows for each in previews)
    if shown and not call.json:
        line()
        line("nothing was written; the same command without --dry-run loads the files", style="bold")
    if not shown:
        problems = "; ".join(each.problem for each in previews if each.problem)
        raise InputError(problems or "there are no rows", remedy="the how-to on mapping your own CSV shows an example")


def _print(preview: "Preview") -> None:
    heading(preview.file)
    for warning in preview.warnings:
        warn(f"{preview.file}: {warning}")
    if preview.problem:
        warn(preview.problem)
    for row in preview.rows:
        _print_row(row)


def _print_row(row: "PreviewedRow") -> None:
    said = ", ".join(f"{key}={value}" for key, value in (row.content or {}).items() if value not in (None, "", [], {}))
    line(f"line {row.line}: {said}" if said else f"line {row.line}", style="bold")
    for entity in row.entities:
        line(_entity(entity), indent=2, style="yellow" if entity.problem else "")
    for link in () if row.refusal else row.links:
        line(f"{link.source} {link.relationship_type} {link.target}", indent=2)
    if row.refusal:
        line(f"rejected: {row.refusal[0]}: {row.refusal[1]}", indent=2, style="red")


def _entity(entity: "PreviewedEntity") -> str:
    if entity.problem:
        return f"{entity.mapped_by}: {entity.entity_type} {entity.value!r} is left out: {entity.problem}"
    seen = " to ".join(dict.fromkeys(each.isoformat() for each in (entity.first_seen, entity.last_seen) if each))
    details = [
        f"{entity.mapped_by}: {entity.entity_type} {entity.name}",
        f"of {entity.qualifier}" if entity.qualifier else "",
        f"seen {seen}" if seen else "",
        f"({', '.join(entity.flags)})" if entity.flags else "",
        ", ".join(f"{key}={value}" for key, value in entity.properties.items()),
    ]
    return " · ".join(filter(None, details))
