"""Tables of the record. Importing this package puts all of them into the shared metadata."""

from clew.records.tables import entities, events, graph, items, operations, series

__all__ = ["entities", "events", "graph", "items", "operations", "series"]
