"""Tables of the record. Importing this package puts all of them into the shared metadata."""

from clew.records.tables import documents, entities, events, graph, items, operations

__all__ = ["documents", "entities", "events", "graph", "items", "operations"]
