"""An organization's relationships as arrays, and the measures of its graph as facts of the record."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from psycopg.types.json import Jsonb

from clew.kernel.transactions import driver_connection

Array = npt.NDArray[Any]

_HEADER: Final = 19  # of COPY's binary form: signature, flags, an empty extension
_TRAILER: Final = 2
_EDGE: Final = np.dtype(
    [
        ("fields", ">i2"),
        ("_1", ">i4"),
        ("source", "u1", 16),
        ("_2", ">i4"),
        ("target", "u1", 16),
        ("_3", ">i4"),
        ("confidence", ">i2"),
    ]
)
_EDGES: Final = """
COPY (SELECT source_entity_id, target_entity_id, (confidence * 100)::int2 FROM relationships
      WHERE organization_id = %(organization)s) TO STDOUT (FORMAT BINARY)
"""
_STAGE: Final = """
CREATE TEMP TABLE stage_graph_measures (id uuid, pagerank float8, betweenness float8, community uuid) ON COMMIT DROP
"""
_FILL: Final = "COPY stage_graph_measures FROM STDIN (FORMAT BINARY)"
_MERGE: Final = """
INSERT INTO graph_measures AS known (organization_id, id, measurement_id, pagerank, betweenness, community)
SELECT %(organization)s, id, %(measurement)s, pagerank, betweenness, community FROM stage_graph_measures ORDER BY id
ON CONFLICT (organization_id, id) DO UPDATE SET measurement_id = excluded.measurement_id,
    pagerank = excluded.pagerank, betweenness = excluded.betweenness, community = excluded.community, updated_at = now()
WHERE (known.pagerank, known.betweenness, known.community)
    IS DISTINCT FROM (excluded.pagerank, excluded.betweenness, excluded.community)
"""
_DROP: Final = """
DELETE FROM graph_measures AS known WHERE organization_id = %(organization)s
AND NOT EXISTS (SELECT FROM stage_graph_measures AS stage WHERE stage.id = known.id)
"""
_NOTE: Final = """
INSERT INTO graph_measurements (organization_id, id, algorithms, parameters, entities, relationships, communities,
    modularity, measured_by, started_at, completed_at)
VALUES (%(organization)s, %(id)s, %(algorithms)s, %(parameters)s, %(entities)s, %(relationships)s, %(communities)s,
    %(modularity)s, %(measured_by)s, %(started_at)s, %(completed_at)s)
"""
_LAST: Final = sa.text("""
SELECT id, algorithms, parameters, entities, relationships, communities, modularity, started_at, completed_at
FROM graph_measurements WHERE organization_id = :organization ORDER BY created_at DESC, id DESC LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measuring: which algorithms with what parameters saw how large a graph, and when."""

    id: UUID
    algorithms: str
    parameters: dict[str, Any]
    entities: int
    relationships: int
    communities: int
    modularity: float | None
    started_at: datetime
    completed_at: datetime


def read_edges(connection: sa.Connection, organization_id: UUID) -> tuple[Array, Array, Array]:
    """Sources and targets (rows of 16 bytes) and confidences (hundredths) of all relationships, 48 bytes each."""
    read = bytearray()
    with (
        driver_connection(connection).cursor() as cursor,
        cursor.copy(_EDGES, {"organization": organization_id}) as copy,
    ):
        for piece in copy:
            read += piece
    rows = np.frombuffer(memoryview(read)[_HEADER:-_TRAILER], _EDGE)
    return rows["source"], rows["target"], rows["confidence"].astype(np.int64)


def write_measures(
    connection: sa.Connection,
    organization_id: UUID,
    measurement: Measurement,
    rows: Iterable[tuple[UUID, float, float | None, UUID]],
    *,
    measured_by: UUID | None,
) -> int:
    """Let measures (entity, PageRank, betweenness, community) take the place of those before; how many changed."""
    asked = {"organization": organization_id, "measurement": measurement.id}
    with driver_connection(connection).cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy(_FILL) as copy:
            copy.set_types(["uuid", "float8", "float8", "uuid"])
            for row in rows:
                copy.write_row(row)
        cursor.execute(_MERGE, asked)
        changed = cursor.rowcount
        cursor.execute(_DROP, asked)
        changed += cursor.rowcount
        cursor.execute("DROP TABLE stage_graph_measures")
        fields = {name: getattr(measurement, name) for name in Measurement.__slots__}
        noted = fields | {"parameters": Jsonb(measurement.parameters), "measured_by": measured_by}
        cursor.execute(_NOTE, noted | {"organization": organization_id})
    return int(changed)


def last_measurement(connection: sa.Connection, organization_id: UUID) -> Measurement | None:
    """The newest measuring, if there was one."""
    row = connection.execute(_LAST, {"organization": organization_id}).one_or_none()
    return None if row is None else Measurement(*row)
