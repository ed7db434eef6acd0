"""Measures an organization's graph and keeps what was found as facts of the record, which every view then follows."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from clew.analysis.graph.centrality import (
    BETWEENNESS,
    DAMPING,
    PAGERANK,
    TOLERANCE,
    Betweenness,
    betweenness,
    pagerank,
)
from clew.analysis.graph.communities import LEIDEN, RESOLUTION, Communities, communities
from clew.analysis.graph.network import Array, Network, network_of
from clew.kernel.clock import Clock, system_clock
from clew.kernel.ids import new_id
from clew.records import acts
from clew.records.graph import Measurement, read_edges, write_measures

ALGORITHMS: Final = f"{PAGERANK}, {BETWEENNESS}, {LEIDEN}"


def measure_graph(
    connection: sa.Connection, organization_id: UUID, *, measured_by: UUID | None, clock: Clock = system_clock
) -> Measurement:
    """PageRank, betweenness and communities of all entities that have relationships with others.

    Takes a quarter to a whole minute and 600 MB for a million relationships. One at a time for each organization.
    """
    started = clock()
    connection.execute(_ALONE, {"organization": str(organization_id)})
    sources, targets, confidences = read_edges(connection, organization_id)
    network = network_of(sources, targets, confidences / 100.0)
    ranks, between = pagerank(network), betweenness(network)
    found = communities(network, ranks)
    parameters = {"damping": DAMPING, "tolerance": TOLERANCE, "resolution": RESOLUTION, "pivots": between.pivots}
    measurement = Measurement(
        new_id(),
        ALGORITHMS,
        parameters,
        network.size,
        len(network.sources),
        found.count,
        found.modularity,
        started,
        clock(),
    )
    rows = _rows(network, ranks, between, found)
    changed = write_measures(connection, organization_id, measurement, rows, measured_by=measured_by)
    told = {"entities": network.size, "changed": changed}
    acts.record(connection, acts.Act("graph_measured", "EXECUTE", "graph", measurement.id, response=told))
    return measurement


_ALONE: Final = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('clew graph measures ' || :organization, 0))")


def _rows(
    network: Network, ranks: Array, between: Betweenness, found: Communities
) -> Iterator[tuple[UUID, float, float, UUID]]:
    ids = [UUID(bytes=row.tobytes()) for row in network.ids]
    columns = (ids, ranks.tolist(), between.values.tolist(), (ids[centre] for centre in found.centres.tolist()))
    return zip(*columns, strict=True)
