"""What every adapter asks of vectors and requests before its engine sees them."""

from collections.abc import Iterable

import numpy as np

from clew.projections.vectors.errors import ModelMismatchError, VectorQueryError
from clew.projections.vectors.port import MAXIMUM_LIMIT, Collection, Model, Point, Refusal, Vector


def require_model(collection: Collection, kept: Model, given: Model) -> None:
    """Raises ModelMismatchError unless the model is the collection's own."""
    if kept != given:
        raise ModelMismatchError(
            f"these vectors are of {given}, those of the collection of {kept}",
            where=collection.value,
            remedy="`clew projection rebuild vectors` makes the collection anew with the model that the settings name",
        )


def require_askable(vector: Vector, model: Model, limit: int) -> Vector:
    """The vector as one row. Raises VectorQueryError for what is none, or a limit out of reach."""
    row = np.asarray(vector, np.float32).reshape(-1)
    if row.shape[0] != model.dimension or not np.isfinite(row).all():
        raise VectorQueryError(
            f"a vector of {model} has {model.dimension} finite numbers", where="vector", remedy="embed a text with it"
        )
    if not 1 <= limit <= MAXIMUM_LIMIT:
        raise VectorQueryError(f"limit is 1 to {MAXIMUM_LIMIT}, not {limit}", where="limit", remedy="ask for fewer")
    return row


def sound(points: Iterable[Point], model: Model) -> tuple[list[Point], tuple[Refusal, ...]]:
    """The points that can be kept, the last one of each id, and those that cannot be."""
    kept: dict[object, Point] = {}
    refused: dict[object, Refusal] = {}
    for point in points:
        reason = _fault(point, model)
        if reason is None:
            kept[point.subject.id] = point
            refused.pop(point.subject.id, None)
        else:
            kept.pop(point.subject.id, None)
            refused[point.subject.id] = Refusal(point.subject.id, reason)
    return list(kept.values()), tuple(refused.values())


def _fault(point: Point, model: Model) -> str | None:
    vector = point.vector
    if vector.shape != (model.dimension,):
        return f"a vector of shape {vector.shape} where {model.dimension} numbers are kept"
    if not np.isfinite(vector).all():
        return "a vector with numbers that are not finite"
    if "\x00" in point.subject.name or "\x00" in point.subject.excerpt:
        return "text with a zero byte"
    return None
