"""What is kept of a vector: its direction, at half precision."""

from hashlib import blake2b

import numpy as np

from clew.projections.vectors.port import Vector


def at_stored_precision(vectors: Vector) -> Vector:
    """Vectors (rows) of length 1, rounded to what is kept of them. A row of zeros stays one: it is like nothing."""
    # In double precision, so that processors that add in another order round to the same halves.
    rows = np.atleast_2d(np.asarray(vectors, np.float64))
    lengths = np.sqrt(np.sum(rows * rows, axis=1, keepdims=True))
    scaled = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    kept: Vector = scaled.astype(np.float16).astype(np.float32)
    return kept


def digest_of(vector: Vector) -> bytes:
    """16 bytes that stand for a vector at stored precision."""
    # Adding zero makes one of the two zeros.
    return blake2b((vector.astype("<f2") + np.float16(0)).tobytes(), digest_size=16).digest()
