"""The view in the engine that the settings name."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from clew.projections.search.elastic.address import address_of
from clew.projections.search.elastic.connection import EngineConnection, connection_to
from clew.projections.search.elastic.generations import Copies
from clew.projections.search.elastic.view import ElasticSearchView

if TYPE_CHECKING:
    from clew.kernel.settings import Settings


def engine_view(settings: "Settings", directory: Path) -> ElasticSearchView:
    """The view; its locks lie beneath the directory. Raises ConfigurationError for settings that name no engine."""
    connection = engine_connection(settings)
    place = hashlib.sha256(connection.address.place.encode()).hexdigest()[:16]
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return ElasticSearchView(
        connection,
        directory / f"engine-{place}",
        prefix=connection.address.prefix,
        memory=settings.search_writer_mb << 20,
        copies=Copies(settings.search_shards, settings.search_replicas),
    )


def engine_connection(settings: "Settings") -> EngineConnection:
    """The process's connections to the engine."""
    return connection_to(address_of(settings))
