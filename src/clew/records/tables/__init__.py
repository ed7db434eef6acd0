"""Tables of the record. Importing this package puts all of them into the shared metadata."""

from clew.records.tables import documents, entities, events, graph, items, operations, series

__all__ = ["documents", "entities", "events", "graph", "items", "operations", "series"]
