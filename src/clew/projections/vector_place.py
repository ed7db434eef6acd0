"""Where the view of vectors lies: in the engine that the settings name, else in the record's own server."""

from typing import TYPE_CHECKING

from clew.projections.own_database import OwnDatabase

if TYPE_CHECKING:
    from clew.kernel.settings import Settings
    from clew.projections.vectors.port import VectorView


def vector_view(settings: "Settings", database: OwnDatabase) -> "VectorView":
    """The view that the settings name. Raises ConfigurationError."""
    if settings.vectors_url is not None:
        from clew.projections.vectors.qdrant.opening import qdrant_view  # noqa: PLC0415  loads the engine's client

        return qdrant_view(settings)
    from clew.projections.vectors.pgvector.view import PgvectorView  # noqa: PLC0415  as above

    return PgvectorView(database)


def vector_adapter(settings: "Settings") -> str:
    """What keeps vectors, by its adapter's name; "none" where they are switched off."""
    if settings.vectors == "none":
        return "none"
    return settings.vectors if settings.vectors_url is None else "qdrant"
