"""Which engine keeps documents, and how it is opened."""

from typing import TYPE_CHECKING

from clew.projections.documents.port import DocumentReader

if TYPE_CHECKING:
    from clew.kernel.database import Database
    from clew.kernel.settings import Settings
    from clew.projections.documents.mongo.connection import MongoConnection
    from clew.projections.documents.mongo.view import MongoDocumentView


def documents_connection(settings: "Settings") -> "MongoConnection":
    """The process's connections to the MongoDB that the settings name. Raises ConfigurationError."""
    from clew.projections.documents.mongo.address import address_of  # noqa: PLC0415  only where one is named
    from clew.projections.documents.mongo.connection import connection_to  # noqa: PLC0415  loads the driver

    return connection_to(address_of(settings))


def documents_view(settings: "Settings") -> "MongoDocumentView":
    """The view in the MongoDB that the settings name. Raises ConfigurationError."""
    from clew.projections.documents.mongo.view import MongoDocumentView  # noqa: PLC0415  loads the driver

    return MongoDocumentView(documents_connection(settings))


def document_reader(database: "Database", settings: "Settings") -> DocumentReader:
    """Whoever answers for documents: MongoDB where one is named, else the record itself."""
    if settings.documents_url is not None:
        return documents_view(settings).reader
    from clew.projections.documents.postgres.reader import PostgresDocuments  # noqa: PLC0415

    return PostgresDocuments(database)
