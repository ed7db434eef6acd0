"""What can go wrong with documents."""

from clew.kernel.errors import ClewError, InputError


class DocumentQueryError(InputError):
    """The request cannot be answered as it stands: `where` names the part of it."""

    code = "document_query"


class DocumentStoreError(ClewError):
    """The document engine would not do what was asked; nothing half-done is seen."""

    code = "document_store"
    exit_code = 9


class DocumentStoreUnavailableError(ClewError):
    """The document engine cannot be reached, takes no writes now, or does not answer in time."""

    code = "document_store_unavailable"
    exit_code = 7
    transient = True
