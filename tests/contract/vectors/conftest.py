"""Every adapter of the vector port runs this suite; it knows the port and nothing of any engine."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

import numpy as np
import pytest

from clew.projections.vectors.port import Collection, Model, Point, Subject, Vector, VectorReader, VectorView
from clew.projections.vectors.precision import at_stored_precision
from tests.contract.vectors.adapters import ADAPTERS, Adapter, opened

ORGANIZATION: Final = UUID("00000000-0000-4000-8000-000000000001")
OTHER: Final = UUID("00000000-0000-4000-8000-000000000002")
LENGTH: Final = 32
MODEL: Final = Model("suite", LENGTH, "1")
MODELS: Final = dict.fromkeys(Collection, MODEL)
DOMAINS: Final = Collection.DOMAINS


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Adapter]:
    with opened(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def view(adapter: Adapter) -> VectorView:
    """A view with nothing in it, published."""
    made = adapter.view()
    made.publish(made.builder(MODELS))
    return made


def identifier(number: int) -> UUID:
    return uuid5(ORGANIZATION, str(number))


def point(number: int, vector: Sequence[float] | Vector, **rest: Any) -> Point:
    fields: dict[str, Any] = {
        "table": "entities",
        "kind": "domain",
        "name": f"n{number}",
        "content_hash": f"{number:032x}",
    }
    padded = np.zeros(LENGTH, np.float32)
    padded[: len(vector)] = vector
    return Point(Subject(id=identifier(number), **(fields | rest)), at_stored_precision(padded)[0])


def direction(*numbers: float) -> Vector:
    return point(0, numbers).vector


def cloud(count: int, seed: int) -> Vector:
    """Vectors that lie in clumps, as those of texts do."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(40, LENGTH))
    scattered = centres[chance.integers(0, 40, count)] + 0.7 * chance.normal(size=(count, LENGTH))
    return at_stored_precision(scattered.astype(np.float32))


def fill(
    view: VectorView, points: Sequence[Point], organization_id: UUID = ORGANIZATION, collection: Collection = DOMAINS
) -> None:
    with view.writer() as writer:
        assert writer.put(organization_id, collection, points, model=MODEL) == ()
        writer.commit("filled")


def found(reader: VectorReader, vector: Vector, organization_id: UUID = ORGANIZATION, **rest: Any) -> list[str]:
    """The names that are found, best first."""
    neighbours = reader.nearest(organization_id, DOMAINS, vector, model=MODEL, **rest)
    return [each.subject.name for each in neighbours]
