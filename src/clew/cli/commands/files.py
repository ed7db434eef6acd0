"""`clew files`: the store of files, looked after."""

from typing import Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation


def check(
    context: typer.Context,
    contents: Annotated[bool, typer.Option("--contents", help="Read all, and compare with their names.")] = False,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what the store of files holds; with --contents whether all of it still is what it was.

    Ends with 9 if something is damaged.
    """
    from clew.cli.output import line, print_json
    from clew.cli.progress import counted
    from clew.cli.session import load_and_configure
    from clew.domains.documents import upkeep
    from clew.ingest.filestore import FileStoreError, file_store

    call = invocation(context, as_json, organization, data_dir)
    with counted("looking at files") as observe:
        found = upkeep.check(file_store(load_and_configure(call)), contents=contents, observe=observe)
    if call.json:
        print_json(found.as_dict())
    else:
        line(f"{found.files:,} files, {found.stored_bytes:,} bytes as stored; {found.sealed:,} of them encrypted")
        if found.trash:
            line(f"{found.trash:,} of them are in the trash: nothing refers to them")
        for digest in found.damaged:
            line(f"damaged: {digest}")
    if found.damaged:
        raise FileStoreError(
            f"{len(found.damaged):,} files are not what was stored",
            remedy="load the original files again, or take them from a backup",
        )


def collect(
    context: typer.Context,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give up content that nothing in the record refers to, once it is old enough.

    In two steps: into the trash, where it is still found, and after as long again out of it. Servers do it once a day.
    """
    from clew.cli.output import line, print_json
    from clew.cli.session import opened_current_database
    from clew.domains.documents import unreferenced
    from clew.ingest.filestore import file_store

    call = invocation(context, as_json, organization, data_dir)
    with opened_current_database(call) as database:
        settings = database.settings
        found = unreferenced.collect(database, file_store(settings), hours=settings.files_unreferenced_hours)
    if call.json:
        print_json(found.as_dict())
    else:
        line(f"{found.looked_at:,} files looked at, {found.young:,} too young to judge")
        line(f"into the trash: {found.discarded:,} ({found.discarded_bytes:,} bytes); back out: {found.restored:,}")
        line(f"removed for good: {found.removed:,} ({found.removed_bytes:,} bytes)")


def rewrap(
    context: typer.Context,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have every file's key wrapped by the key in use, and encrypt what is not encrypted yet.

    After it, keys behind the first one in CLEW_FILES_KEY_FILE can go. May be broken off and begun again.
    """
    from clew.cli.output import line, print_json
    from clew.cli.progress import counted
    from clew.cli.session import load_and_configure
    from clew.domains.documents import upkeep
    from clew.ingest.filestore import file_store

    call = invocation(context, as_json, organization, data_dir)
    with counted("wrapping keys") as observe:
        done = upkeep.rewrap(file_store(load_and_configure(call)), observe)
    if call.json:
        print_json(done.as_dict())
    else:
        line(f"{done.changed:,} files are wrapped by the key in use now; {done.unchanged:,} were already")
