"""The store of files: whether it takes and gives, and whether its keys are there."""

import io
import secrets
import time
from collections.abc import Iterator

from clew.cli.diagnosis.finding import Finding, Status, checked
from clew.kernel.settings import Settings


def examine_files(settings: Settings) -> Iterator[Finding]:
    """Where files are kept and by which key; one is stored, read and removed, unless there is no data directory yet."""
    from clew.ingest.filestore import file_store
    from clew.ingest.filestore.store import PLAIN, SEALED

    store = file_store(settings)
    if settings.files_url is None and not settings.data_dir.is_dir():
        yield Finding("files", f"none yet; they will be kept in {store.blobs.where}")
        return
    began = time.perf_counter()
    content = b"clew doctor " + secrets.token_bytes(16)
    stored = store.put(io.BytesIO(content))
    well = store.verify(stored.digest)
    for ending in (PLAIN, SEALED):
        store.blobs.remove(f"{stored.digest[:2]}/{stored.digest}{ending}")
    milliseconds = (time.perf_counter() - began) * 1000
    how = "not encrypted" if store.keys is None else f"encrypted, {len(store.keys.keys)} keys"
    yield checked(
        "files",
        f"kept in {store.blobs.where}, {how}; one stored, read and removed in {milliseconds:.0f} ms",
        Status.FAIL,
        "what comes back is not what was stored: look at the disk, or the storage",
        well=well,
    )
    path = settings.files_key_file
    if path is not None:
        yield checked(
            "file keys",
            f"the first of {path} wraps what is stored from now on",
            Status.WARN,
            "keep the keys away from what they encrypt: whoever copies the data directory has both",
            well=not path.is_relative_to(settings.data_dir),
        )
    if (settings.files_endpoint or "").startswith("http://") and "://127." not in str(settings.files_endpoint):
        yield Finding(
            "files",
            "they cross the network unencrypted",
            Status.WARN,
            "serve the storage with TLS and write https:// in CLEW_FILES_ENDPOINT",
        )
