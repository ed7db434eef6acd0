"""What is near what: the right ones, in the right order, under every condition."""

from uuid import UUID

import numpy as np
import pytest

from clew.projections.vectors.errors import ModelMismatchError, VectorQueryError
from clew.projections.vectors.port import Conditions, Model, Point, VectorView
from tests.contract.vectors.adapters import Adapter, InPostgres
from tests.contract.vectors.conftest import (
    DOMAINS,
    LENGTH,
    MODEL,
    ORGANIZATION,
    OTHER,
    cloud,
    direction,
    fill,
    found,
    identifier,
    point,
)

pytestmark = pytest.mark.same_everywhere


def test_the_most_alike_come_first_with_their_likeness(view: VectorView) -> None:
    fill(view, [point(1, (1, 0)), point(2, (1, 1)), point(3, (0, 1)), point(4, (-1, 0))])
    with view.reader() as reader:
        neighbours = reader.nearest(ORGANIZATION, DOMAINS, direction(1, 0.2), model=MODEL, limit=3)
    assert [each.subject.name for each in neighbours] == ["n1", "n2", "n3"]
    expected = [1 / np.hypot(1, 0.2), 1.2 / np.sqrt(2) / np.hypot(1, 0.2), 0.2 / np.hypot(1, 0.2)]
    assert [each.score for each in neighbours] == pytest.approx(expected, abs=2e-3)


def test_equal_ones_are_in_the_order_of_their_ids(view: VectorView) -> None:
    fill(view, [point(number, (1, 1)) for number in range(9)])
    with view.reader() as reader:
        neighbours = reader.nearest(ORGANIZATION, DOMAINS, direction(1, 1), model=MODEL, limit=20)
    ids = [each.subject.id for each in neighbours]
    assert len(ids) == 9
    assert ids == sorted(ids)


def test_all_that_was_put_comes_back(view: VectorView) -> None:
    whole = point(
        7, (0.3, 0.4, -0.5), name='Ünï "c" \\ %s {}', excerpt="two\nlines 日本", platform="github",
        first_seen=1_700_000_000_123_456, last_seen=1_800_000_000_654_321,
    )  # fmt: skip
    fill(view, [whole, point(8, (0, 0, 0))])
    with view.reader() as reader:
        got = reader.get(ORGANIZATION, DOMAINS, [identifier(7), identifier(8), identifier(9)])
        (first, *_) = reader.nearest(ORGANIZATION, DOMAINS, whole.vector, model=MODEL)
    assert got.keys() == {identifier(7), identifier(8)}
    assert got[identifier(7)].subject == whole.subject == first.subject
    assert np.array_equal(got[identifier(7)].vector, whole.vector)
    assert not got[identifier(8)].vector.any()


def test_conditions_leave_out_what_does_not_meet_them(view: VectorView) -> None:
    fill(
        view,
        [
            point(1, (1, 0.1), kind="username", platform="github", first_seen=10, last_seen=20),
            point(2, (1, 0.2), kind="social_profile", platform="github", first_seen=30, last_seen=40),
            point(3, (1, 0.3), kind="social_profile", platform="tiktok"),
            point(4, (1, 0.4), kind="username"),
        ],
    )
    with view.reader() as reader:

        def under(**conditions: object) -> list[str]:
            return found(reader, direction(1, 0), conditions=Conditions(**conditions))  # type: ignore[arg-type]

        assert under() == ["n1", "n2", "n3", "n4"]
        assert under(kinds=("username",)) == ["n1", "n4"]
        assert under(platforms=("github", "tiktok")) == ["n1", "n2", "n3"]
        assert under(kinds=("social_profile",), platforms=("github",)) == ["n2"]
        assert under(since=20) == ["n1", "n2"]
        assert under(since=21) == ["n2"]
        assert under(until=30) == ["n1"]
        assert under(ids=(identifier(3), identifier(1), identifier(99))) == ["n1", "n3"]
        assert under(without=(identifier(1),)) == ["n2", "n3", "n4"]


def exact(points: list[Point], vector: np.ndarray, limit: int) -> set[UUID]:
    scores = np.stack([each.vector for each in points]) @ vector
    return {points[number].subject.id for number in np.argsort(-scores, kind="stable")[:limit]}


def test_of_the_true_neighbours_nearly_all_are_found_in_large_and_small_organizations(
    adapter: Adapter, view: VectorView
) -> None:
    """A large organization beside a small one: an index over both would lose most of the small one's neighbours."""
    large = [point(number, vector) for number, vector in enumerate(cloud(adapter.many, 1))]
    small = [point(number, vector) for number, vector in enumerate(cloud(60, 2))]
    fill(view, large)
    fill(view, small, OTHER)
    questions = cloud(40, 3)
    with view.reader() as reader:
        for organization_id, points in ((ORGANIZATION, large), (OTHER, small)):
            recalls = []
            for question in questions:
                answer = reader.nearest(organization_id, DOMAINS, question, model=MODEL, limit=10)
                true = exact(points, question, 10)
                recalls.append(len(true & {each.subject.id for each in answer}) / 10)
            assert np.mean(recalls) >= 0.95
        for question in questions[:5]:
            answer = reader.nearest(
                ORGANIZATION,
                DOMAINS,
                question,
                model=MODEL,
                conditions=Conditions(ids=tuple(map(identifier, range(50)))),
            )
            assert {each.subject.id for each in answer} == exact(large[:50], question, 10)
    if isinstance(adapter, InPostgres):
        state = view.state()
        assert state is not None
        assert [name.rpartition("_")[2] for name in adapter.indexes(f"g{state.generation}")] == [ORGANIZATION.hex]


def test_a_vector_of_another_model_is_refused(view: VectorView) -> None:
    for other in (Model("other", LENGTH, "1"), Model("suite", LENGTH, "2")):
        with view.reader() as reader, pytest.raises(ModelMismatchError, match="these vectors are of"):
            reader.nearest(ORGANIZATION, DOMAINS, direction(1), model=other)
        with view.writer() as writer, pytest.raises(ModelMismatchError, match="these vectors are of"):
            writer.put(ORGANIZATION, DOMAINS, [point(1, (1,))], model=other)


@pytest.mark.parametrize(
    ("vector", "limit", "where"),
    [
        (np.ones(LENGTH + 1, np.float32), 10, "vector"),
        (np.full(LENGTH, np.nan, np.float32), 10, "vector"),
        (np.ones(LENGTH, np.float32), 0, "limit"),
        (np.ones(LENGTH, np.float32), 1_001, "limit"),
    ],
)
def test_what_cannot_be_asked_is_told(view: VectorView, vector: np.ndarray, limit: int, where: str) -> None:
    with view.reader() as reader, pytest.raises(VectorQueryError) as told:
        reader.nearest(ORGANIZATION, DOMAINS, vector, model=MODEL, limit=limit)
    assert told.value.where == where
