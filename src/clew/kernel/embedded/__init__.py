"""The embedded PostgreSQL server: started on demand beneath the data directory, stopped by whoever leaves last."""

from clew.kernel.embedded.server import EmbeddedServer, ServerInfo, ServerStatus

__all__ = ["EmbeddedServer", "ServerInfo", "ServerStatus"]
