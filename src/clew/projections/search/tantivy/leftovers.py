"""What a writer that was killed leaves in an index, and the next one must not find."""

from pathlib import Path

import orjson


def remove_uncommitted_deletions(directory: Path) -> None:
    """Remove lists of deleted documents that no commit took up. Only whoever holds the writer's lock may.

    Tantivy names such a list by its segment and the number of the operation that it reaches to, writes it before the
    commit is made known, and never writes over one. A writer after one that was killed in between counts on from the
    last commit: it does the same again, comes to the same name, and its commit would fail, however often it tried.
    """
    try:
        committed = int(orjson.loads((directory / "meta.json").read_bytes())["opstamp"])
    except (OSError, ValueError, KeyError, TypeError):
        return  # nothing was committed: no segment that documents could be deleted from
    for path in directory.glob("*.del"):
        number = path.name.split(".")[1]
        if number.isdigit() and int(number) > committed:
            path.unlink()
