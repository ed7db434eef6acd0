"""The view in MongoDB as whoever keeps it has it: its state, writers of its generations, and copies of it."""

import contextlib
import secrets
from collections.abc import Iterator

from clew.projections.documents.errors import DocumentStoreError
from clew.projections.documents.mongo.connection import Mongo, MongoConnection
from clew.projections.documents.mongo.generations import COPIES, Generation, Generations
from clew.projections.documents.mongo.reader import MongoDocuments
from clew.projections.documents.mongo.writer import MongoWriter


class MongoDocumentView:
    """The documents of one installation in one database of a MongoDB."""

    adapter = "mongodb"

    def __init__(self, connection: MongoConnection, prefix: str = "") -> None:
        self._connection = connection
        self._generations = Generations(connection, prefix)

    @property
    def reader(self) -> MongoDocuments:
        """Reads what is published."""
        return MongoDocuments(self._generations)

    def state(self) -> Generation | None:
        """What is published; None where nothing is, or not all of it: it has to be rebuilt."""
        return self._generations.whole()

    def total(self) -> int:
        """Documents of all organizations."""
        published = self._generations.published()
        if published is None:
            return 0

        def count(mongo: Mongo) -> int:
            return sum(mongo[name].estimated_document_count() - 1 for name in published.collections.values())

        return max(0, self._connection.run(count))  # each has a marker

    def writer(self) -> MongoWriter:
        """Writes to what is published. Raises DocumentStoreError where nothing is: it has to be rebuilt."""
        whole = self._generations.whole()
        if whole is None:
            raise DocumentStoreError(
                "the documents in MongoDB are not all there any more",
                where=self._connection.address.place,
                remedy="they are rebuilt when the record is next followed, or by `clew projection rebuild documents`",
            )
        return MongoWriter(self._generations, self._generations.migrate(whole), fresh=False)

    @contextlib.contextmanager
    def building(self) -> Iterator[MongoWriter]:
        """A writer of a new generation, published at the end of the block, removed if that raises."""
        self._generations.clean()
        writer = MongoWriter(self._generations, self._generations.create(), fresh=True)
        try:
            yield writer
        except BaseException:
            with contextlib.suppress(Exception):  # what stays is removed by the next one
                self._generations.remove(writer.generation)
            raise
        self._generations.publish(writer.generation)

    @contextlib.contextmanager
    def copied(self) -> Iterator["MongoDocumentView"]:
        """An empty view in collections of its own beside these, gone after the block."""
        beside = MongoDocumentView(self._connection, f"{COPIES}{secrets.token_hex(4)}_")
        try:
            yield beside
        finally:
            with contextlib.suppress(Exception):  # what stays goes when the view is next built
                beside.remove()

    def remove(self) -> None:
        """Remove all of it."""
        self._generations.remove_all()
