"""What the rest of the program asks of collections and sources.

Everything takes a connection inside a tenant's transaction and commits nothing.
"""

from clew.domains.collections.collecting import (
    Collection,
    CollectionFilter,
    CollectionValues,
    change_collection,
    define_collection,
    files_of_collection,
    list_collections,
    read_collection,
)
from clew.domains.collections.sources import (
    Source,
    SourceFilter,
    SourceValues,
    add_source,
    change_source,
    list_sources,
    read_source,
)

__all__ = [
    "Collection",
    "CollectionFilter",
    "CollectionValues",
    "Source",
    "SourceFilter",
    "SourceValues",
    "add_source",
    "change_collection",
    "change_source",
    "define_collection",
    "files_of_collection",
    "list_collections",
    "list_sources",
    "read_collection",
    "read_source",
]
