"""Whether the server can do its work: database, schema, views."""

import sqlalchemy as sa

from clew.api.serving import Serving
from clew.kernel.errors import ClewError, ConflictError
from clew.kernel.schema_state import SchemaState, read_schema
from clew.projections.keeping import Status, status
from clew.projections.registry import projections


def reasons_not_ready(serving: Serving) -> list[str]:
    """What keeps the server from its work, in words that tell strangers nothing; empty if nothing does."""
    if serving.stopping.is_set():
        return ["stopping"]
    try:
        if serving.alone is not None:
            serving.alone.confirm()
    except ConflictError:
        return ["another server works on this record"]
    except ClewError:
        return ["database: does not answer"]
    try:
        schema = read_schema(serving.database)
        if schema.state is not SchemaState.CURRENT:
            return [f"schema: {schema.state}"]
        return [
            f"projection {name}: {lag:.0f} s behind"
            for name, lag in projection_lags(serving).items()
            if lag > serving.settings.ready_lag_seconds
        ]
    except (ClewError, sa.exc.DBAPIError):
        return ["database: does not answer"]


def projection_lags(serving: Serving) -> dict[str, float]:
    """How many seconds each view is behind the record."""
    return {each.projection: each.lag_seconds for each in projection_states(serving)}


def projection_states(serving: Serving) -> list[Status]:
    """How each view fares."""
    known = projections(serving.settings)
    return status(serving.database, known) if known else []
