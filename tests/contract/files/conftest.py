"""The file store wherever it keeps files, and encrypted or not: it knows the store and nothing of its places."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from clew.ingest.filestore import FileStore, file_store
from clew.ingest.filestore.keys import FileKey, KeyRing
from clew.kernel.settings import load_settings
from tests.engines.s3 import ON_S3, s3_settings

FIRST: Final = FileKey("first", bytes(range(32)))
SECOND: Final = FileKey("second", bytes(range(32, 64)))


def ring(*keys: FileKey) -> KeyRing:
    return KeyRing(keys, "the tests")


@dataclass
class Adapter:
    """A store, and what somebody does to what lies in it."""

    store: FileStore

    def with_keys(self, *keys: FileKey) -> FileStore:
        """The same files by other keys."""
        return replace(self.store, keys=ring(*keys) if keys else None)

    def put_in_place(self, name: str, content: bytes) -> None:
        """Write other bytes under a name."""
        made = self.store.root / ".rewritten"
        made.write_bytes(content)
        self.store.blobs.adopt(made, name)

    def raw(self, name: str) -> bytes:
        """A file as it lies there."""
        source = self.store.blobs.open(name)
        assert source is not None
        try:
            return source.read(0, source.size)
        finally:
            source.close()


@pytest.fixture(params=["disk", *ON_S3])
def plain(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Adapter]:
    """A store without keys."""
    elsewhere = {} if request.param == "disk" else s3_settings(request.param)
    store = file_store(load_settings(data_dir=tmp_path / "data", **elsewhere))
    store.root.mkdir(parents=True)
    yield Adapter(store)
    for blob in list(store.blobs.list()):
        store.blobs.remove(blob.name)


@pytest.fixture
def sealed(plain: Adapter) -> Adapter:
    """The same with a key."""
    return Adapter(plain.with_keys(FIRST))


@pytest.fixture(params=["plain", "sealed"])
def files(request: pytest.FixtureRequest, plain: Adapter, sealed: Adapter) -> Adapter:
    """Either."""
    return plain if request.param == "plain" else sealed
