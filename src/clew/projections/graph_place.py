"""Where the graph view lies, and which adapter keeps it. Light: no engine is loaded before it is asked for."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clew.kernel.settings import Settings
    from clew.projections.graph.port import GraphView


def graph_directory(settings: "Settings") -> Path:
    """Where the graph view and what belongs to it lie."""
    return settings.data_dir / "graph"


def graph_view(settings: "Settings") -> "GraphView":
    """The graph view that the settings name: in the engine they name, else in a directory."""
    directory = graph_directory(settings)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if settings.graph_url is not None:
        from clew.projections.graph.neo4j.opening import engine_view  # noqa: PLC0415  loads the engine's driver

        return engine_view(settings, directory)
    from clew.projections.graph.embedded.view import EmbeddedGraphView  # noqa: PLC0415  loads arrays

    return EmbeddedGraphView(directory / "view")


def graph_adapter(settings: "Settings") -> str:
    """What keeps the graph view, by its adapter's name; "none" where it is switched off."""
    if settings.graph == "none":
        return "none"
    return settings.graph if settings.graph_url is None else "neo4j"
