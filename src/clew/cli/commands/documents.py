"""`clew documents`: what was collected as it was collected, what enriches entities, analyses; and contents."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

CollectionOption = Annotated[
    str,
    typer.Option("--in", metavar="COLLECTION", help="raw_documents (the default), enriched_data or analysis_results."),
]
IdArgument = Annotated[UUID, typer.Argument(metavar="ID", help="Id of the document.")]


def find(
    context: typer.Context,
    where: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CONDITION]…", help="FIELD=VALUE; of numbers and times also “FIELD>=VALUE” and “FIELD<VALUE”."
        ),
    ] = None,
    collection: CollectionOption = "raw_documents",
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="Documents a page.")] = 20,
    cursor: Annotated[str | None, typer.Option("--cursor", help="The next page, as the page before names it.")] = None,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find documents, the newest first: by source, type, hash, entity, time, or by what is in them.

    Such as `metadata.source=whois`, `hash=…`, `entity_id=…`, “created_at>=2025-03-01”, `content.host=…`; with several
    conditions all must hold.
    """
    from clew.cli.desk.opening import documents_of
    from clew.cli.output import line, print_json, table

    call = invocation(context, as_json, organization, data_dir)
    page = documents_of(call).find(collection, where or (), limit=limit, cursor=cursor)
    if call.json:
        print_json({"documents": page.documents, "next_cursor": page.next_cursor})
        return
    if page.documents:
        table(
            ("Created", "Type", "Of", "Id"),
            [
                (
                    str(each["created_at"])[:19].replace("T", " "),
                    each.get("document_type") or each.get("enrichment_type") or each.get("analysis_type"),
                    _subject(each),
                    each["id"],
                )
                for each in page.documents
            ],
            whole=(3,),
        )
    line(f"{len(page.documents)} shown")
    if page.next_cursor:
        line(f"the next page: --cursor {page.next_cursor}")


def get(
    context: typer.Context,
    identifier: IdArgument,
    collection: CollectionOption = "raw_documents",
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one document as JSON. Of a file it says what it is called and where its bytes are."""
    from clew.cli.desk.opening import documents_of
    from clew.cli.output import print_json

    call = invocation(context, as_json, organization, data_dir)
    print_json(documents_of(call).get(collection, identifier))


def content(
    context: typer.Context,
    identifier: IdArgument,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Write to this file, readable by you alone.")
    ] = None,
    start: Annotated[int, typer.Option("--from", min=0, metavar="BYTE", help="Begin at this byte.")] = 0,
    collection: CollectionOption = "raw_documents",
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write out what a document holds: a file's bytes as they came, or JSON.

    To standard output unless --output names a file. Whoever made it may be an attacker: save it, do not open it.
    """
    import sys

    from clew.cli.commands.report import private_file
    from clew.cli.desk.opening import documents_of
    from clew.cli.output import line, print_json

    call = invocation(context, as_json, organization, data_dir)
    if output is None:
        if call.json:
            raise typer.BadParameter("with --json the content needs a file to go to", param_hint="--output")
        if sys.stdout.isatty():
            raise typer.BadParameter("it is not for a terminal: name a file to write", param_hint="--output")
        documents_of(call).content(collection, identifier, start, sys.stdout.buffer.write)
        sys.stdout.buffer.flush()
        return
    with private_file(output) as file:
        documents_of(call).content(collection, identifier, start, file.write_bytes)
    if call.json:
        print_json({"file": output, "bytes": file.size, "sha256": file.digest.hexdigest()})
    else:
        line(f"wrote {output}: {file.size:,} bytes, readable by you alone")


def _subject(document: object) -> object:
    if not isinstance(document, dict):
        return None
    told = document.get("file_info") or document.get("metadata") or {}
    name = told.get("filename") or told.get("source") if isinstance(told, dict) else None
    return name or document.get("entity_id") or document.get("analysis_id")
