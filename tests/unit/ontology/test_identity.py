"""Ids follow from facts, and the bulk functions agree with the scalar ones."""

import hashlib
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.ontology import (
    EntityType,
    RelationshipType,
    entity_id,
    entity_id_texts,
    relationship_id,
    relationship_id_texts,
)

ORGANIZATION = uuid.UUID("6f0a1c52-3c7e-4b52-9a64-1d2f3e4a5b6c")
OTHER = uuid.UUID("00000000-0000-0000-0000-000000000001")
entity_types = st.sampled_from([str(entity_type) for entity_type in EntityType])
relationship_types = st.sampled_from([str(relationship_type) for relationship_type in RelationshipType])
identities = st.text(max_size=200)


@given(st.uuids(), st.lists(st.tuples(entity_types, identities), max_size=8))
def test_bulk_entity_ids_are_the_scalar_ones_and_those_of_the_standard_library(
    organization: uuid.UUID, entities: list[tuple[str, str]]
) -> None:
    bulk = entity_id_texts(organization, [t for t, _ in entities], [i for _, i in entities])
    assert bulk == [entity_id(organization, t, i).hex for t, i in entities]
    assert bulk == [uuid.uuid5(organization, f"entity:{t}:{i}").hex for t, i in entities]


@given(st.uuids(), st.lists(st.tuples(st.uuids(), relationship_types, st.uuids()), max_size=8))
def test_bulk_relationship_ids_are_the_scalar_ones_and_those_of_the_standard_library(
    organization: uuid.UUID, relationships: list[tuple[uuid.UUID, str, uuid.UUID]]
) -> None:
    bulk = relationship_id_texts(
        organization,
        [source.hex for source, _, _ in relationships],
        [t for _, t, _ in relationships],
        [target.hex for _, _, target in relationships],
    )
    assert bulk == [relationship_id(organization, s, t, o).hex for s, t, o in relationships]
    assert bulk == [uuid.uuid5(organization, f"relationship:{t}:{s.hex}:{o.hex}").hex for s, t, o in relationships]


def test_an_id_never_changes_between_releases() -> None:
    found = entity_id(ORGANIZATION, EntityType.IP_ADDRESS, "192.0.2.1")
    name = ORGANIZATION.bytes + b"entity:ip_address:192.0.2.1"
    assert found.version == 5
    assert found.variant == uuid.RFC_4122
    assert found == uuid.UUID(bytes=hashlib.sha1(name).digest()[:16], version=5)
    assert str(found) == "6977793c-cfa1-55d7-a797-73af85ad1a51"


@given(identities)
def test_two_organizations_share_no_id(identity: str) -> None:
    assert entity_id(ORGANIZATION, "username", identity) != entity_id(OTHER, "username", identity)


@given(st.lists(st.tuples(entity_types, identities), unique=True, min_size=2, max_size=20))
def test_different_facts_have_different_ids(entities: list[tuple[str, str]]) -> None:
    ids = entity_id_texts(ORGANIZATION, [t for t, _ in entities], [i for _, i in entities])
    assert len(set(ids)) == len(entities)


def test_direction_and_type_of_a_relationship_count() -> None:
    a, b = entity_id(ORGANIZATION, "username", "a"), entity_id(ORGANIZATION, "username", "b")
    found = {
        relationship_id(ORGANIZATION, a, "USES", b),
        relationship_id(ORGANIZATION, b, "USES", a),
        relationship_id(ORGANIZATION, a, "OWNS", b),
        relationship_id(OTHER, a, "USES", b),
    }
    assert len(found) == 4


def test_an_identity_of_any_length_has_an_id() -> None:
    assert entity_id(ORGANIZATION, "document", "é" * 1_000_000).version == 5


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        entity_id_texts(ORGANIZATION, ["url", "url"], ["x"])
