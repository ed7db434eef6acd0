"""What is put, replaced, removed and refused; what of it survives; what another organization sees of it: nothing."""

from uuid import UUID

import numpy as np
import pytest

from clew.projections.vectors.errors import VectorViewBusyError, VectorViewMissingError
from clew.projections.vectors.port import Collection, Conditions, Model, Point, VectorReader, VectorView
from tests.contract.vectors.adapters import Adapter
from tests.contract.vectors.conftest import (
    DOMAINS,
    LENGTH,
    MODEL,
    MODELS,
    ORGANIZATION,
    OTHER,
    cloud,
    direction,
    fill,
    found,
    identifier,
    point,
)

pytestmark = [pytest.mark.same_everywhere, pytest.mark.slow]


def held(reader: VectorReader, organization_id: UUID = ORGANIZATION) -> dict[UUID, Point]:
    listed = list(reader.stored(organization_id, DOMAINS))
    assert len({each.subject.id for each in listed}) == len(listed) == reader.count(organization_id, DOMAINS)
    return {each.subject.id: each for each in listed}


def test_the_last_put_or_remove_of_an_id_counts(view: VectorView) -> None:
    fill(view, [point(1, (1, 0)), point(2, (1, 0)), point(3, (1, 0))])
    with view.writer() as writer:
        writer.put(ORGANIZATION, DOMAINS, [point(1, (0, 1), name="new"), point(4, (1,))], model=MODEL)
        writer.remove(ORGANIZATION, DOMAINS, [identifier(2), identifier(4), identifier(99)])
        writer.remove(ORGANIZATION, DOMAINS, [identifier(3)])
        writer.put(ORGANIZATION, DOMAINS, [point(3, (0, 1)), point(3, (1, 1))], model=MODEL)
        writer.commit("later")
    with view.reader() as reader:
        kept = held(reader)
    assert kept.keys() == {identifier(1), identifier(3)}
    assert kept[identifier(1)].subject.name == "new"
    assert np.array_equal(kept[identifier(3)].vector, point(3, (1, 1)).vector)
    state = view.state()
    assert state is not None
    assert (state.position, dict(state.models)) == ("later", MODELS)
    assert view.rows() == 2


def test_what_is_no_vector_of_the_model_is_refused_and_leaves_nothing(view: VectorView) -> None:
    fill(view, [point(1, (1,)), point(2, (1,))])
    subject = point(1, (1,)).subject
    short = Point(subject, np.ones(LENGTH - 1, np.float32))
    odd = Point(point(2, (1,)).subject, np.full(LENGTH, np.inf, np.float32))
    with view.writer() as writer:
        refused = writer.put(ORGANIZATION, DOMAINS, [short, odd, point(3, (1,))], model=MODEL)
        writer.commit("later")
    assert {each.id for each in refused} == {identifier(1), identifier(2)}
    with view.reader() as reader:
        assert held(reader).keys() == {identifier(3)}


def test_nothing_crosses_between_organizations(view: VectorView) -> None:
    """The same ids and vectors on both sides; whatever is asked of one finds nothing of the other."""
    fill(view, [point(number, (1, number), name=f"own{number}") for number in range(5)])
    fill(view, [point(number, (1, number), name=f"other{number}") for number in range(5)], OTHER)
    hostile = (
        "' OR true --",
        f"x' OR organization_id = '{OTHER}'",
        '{"must_not": []}',
        str(OTHER),
        "%(organization)s",
        "domain') OR ('1'='1",
    )
    with view.reader() as reader:
        assert set(found(reader, direction(1))) == {f"own{number}" for number in range(5)}
        assert set(found(reader, direction(1), OTHER)) == {f"other{number}" for number in range(5)}
        for text in hostile:
            for conditions in (
                Conditions(kinds=(text,)),
                Conditions(platforms=(text,)),
                Conditions(kinds=("domain", text), platforms=(text,)),
            ):
                assert found(reader, direction(1), conditions=conditions) == []
        foreign = Conditions(ids=tuple(map(identifier, range(5))))
        assert all(name.startswith("own") for name in found(reader, direction(1), conditions=foreign))
        assert {each.subject.name for each in reader.get(ORGANIZATION, DOMAINS, [identifier(1)]).values()} == {"own1"}
        assert reader.organizations() == (ORGANIZATION, OTHER)
        nobody = UUID(int=7)
        assert found(reader, direction(1), nobody) == []
        assert reader.count(nobody, DOMAINS) == 0
    with view.writer() as writer:
        writer.remove(ORGANIZATION, DOMAINS, [identifier(0)])
        writer.drop_organization(OTHER)
        writer.commit("dropped")
    with view.reader() as reader:
        assert reader.organizations() == (ORGANIZATION,)
        assert reader.count(ORGANIZATION, DOMAINS) == 4
        assert reader.count(OTHER, DOMAINS) == 0
    assert view.rows() == 4


def test_collections_are_apart(view: VectorView) -> None:
    fill(view, [point(1, (1,))])
    fill(view, [point(2, (1,))], collection=Collection.KNOWLEDGE)
    with view.reader() as reader:
        assert found(reader, direction(1)) == ["n1"]
        assert reader.count(ORGANIZATION, Collection.CONTENT) == 0


def test_what_was_not_committed_is_not_there(view: VectorView) -> None:
    fill(view, [point(1, (1,))])
    with view.writer() as writer:
        writer.put(ORGANIZATION, DOMAINS, [point(2, (1,))], model=MODEL)
    with view.reader() as reader:
        assert held(reader).keys() == {identifier(1)}
    state = view.state()
    assert state is not None
    assert state.position == "filled"


def test_many_are_written_and_read(adapter: Adapter, view: VectorView) -> None:
    vectors = cloud(adapter.many + 100, 5)
    fill(view, [point(number, vector) for number, vector in enumerate(vectors)])
    with view.reader() as reader:
        kept = held(reader)
    assert len(kept) == adapter.many + 100
    assert all(np.array_equal(kept[identifier(number)].vector, vector) for number, vector in enumerate(vectors))


def test_there_is_one_writer_at_a_time(adapter: Adapter, view: VectorView) -> None:
    with view.writer(), pytest.raises(VectorViewBusyError):
        adapter.view().writer()
    adapter.view().writer().close()


def test_a_view_that_is_not_there_is_missing(adapter: Adapter) -> None:
    nothing = adapter.view()
    assert nothing.state() is None
    assert nothing.rows() == 0
    for open_it in (nothing.reader, nothing.writer):
        with pytest.raises(VectorViewMissingError):
            open_it()


def test_a_new_generation_takes_the_place_of_the_old_one_at_once(adapter: Adapter, view: VectorView) -> None:
    """Also with another model: the old one is read until the new one is whole, and removed with the next."""
    fill(view, [point(1, (1,))])
    longer = dict.fromkeys(Collection, Model("other", LENGTH * 2, "1"))
    writer = view.builder(longer)
    made = Point(point(2, (1,)).subject, np.eye(1, LENGTH * 2, dtype=np.float32)[0])
    assert writer.put(ORGANIZATION, DOMAINS, [made], model=longer[DOMAINS]) == ()
    writer.commit("built")
    with view.reader() as reader:
        assert found(reader, direction(1)) == ["n1"]
        view.publish(writer)
        assert found(reader, direction(1)) == ["n1"]
    state = view.state()
    assert state is not None
    assert (state.position, state.models[DOMAINS]) == ("built", longer[DOMAINS])
    with view.reader() as reader:
        assert held(reader).keys() == {identifier(2)}
    before = set(adapter.traces())
    view.abandon(view.builder(MODELS))
    assert set(adapter.traces()) < before
    with view.reader() as reader:
        assert held(reader).keys() == {identifier(2)}


def test_a_copy_is_apart_and_leaves_nothing(adapter: Adapter, view: VectorView) -> None:
    fill(view, [point(1, (1,)), point(2, (0, 1))])
    before = adapter.traces()
    with view.copied() as copy:
        assert copy.rows() == 2
        with copy.writer() as writer:
            writer.remove(ORGANIZATION, DOMAINS, [identifier(1)])
            writer.commit("damaged")
        with copy.reader() as reader:
            assert held(reader).keys() == {identifier(2)}
        with view.reader() as reader:
            assert held(reader).keys() == {identifier(1), identifier(2)}
    assert adapter.traces() == before


def test_a_writer_that_ends_half_way_leaves_the_position_and_its_work_can_be_done_again(
    adapter: Adapter, view: VectorView
) -> None:
    """More than any adapter keeps in memory, so that some of it has reached the engine when the writer ends."""
    fill(view, [point(1, (1,)), point(2, (1,))])
    changed = [point(number, vector, name="new") for number, vector in enumerate(cloud(adapter.many, 9), 2)]
    with view.writer() as writer:
        writer.remove(ORGANIZATION, DOMAINS, [identifier(1)])
        writer.put(ORGANIZATION, DOMAINS, changed, model=MODEL)
    state = view.state()
    assert state is not None
    assert state.position == "filled"
    with view.writer() as writer:
        writer.remove(ORGANIZATION, DOMAINS, [identifier(1)])
        writer.put(ORGANIZATION, DOMAINS, changed, model=MODEL)
        writer.commit("done")
    with view.reader() as reader:
        kept = held(reader)
    assert kept.keys() == {each.subject.id for each in changed}
    assert all(kept[each.subject.id].subject.name == "new" for each in changed)
    assert view.rows() == adapter.many
