"""What was measured of an organization's graph: one row for each measuring, one for each entity that was measured."""

from typing import Final

import sqlalchemy as sa

from clew.kernel.schema import index, json_object, moment, number, reference, required, tenant_table

# Which algorithms, with what parameters, saw how large a graph: where each measure comes from.
graph_measurements: Final = tenant_table(
    "graph_measurements",
    required("algorithms"),
    json_object("parameters"),
    number("entities", 0, big=True),
    number("relationships", 0, big=True),
    number("communities", 0, big=True),
    sa.Column("modularity", sa.Double, nullable=True),
    reference("measured_by", optional=True),
    moment("started_at"),
    moment("completed_at"),
    index("created_at", "id"),
    changing=False,
)

# `id` is the entity's. `measurement_id` is the measuring that found these values first: a later one that finds the
# same changes nothing. `community` is the id of the community's most central entity.
graph_measures: Final = tenant_table(
    "graph_measures",
    reference("measurement_id"),
    sa.Column("pagerank", sa.Double, nullable=False),
    sa.Column("betweenness", sa.Double, nullable=True),
    reference("community"),
    bulk=True,
)
