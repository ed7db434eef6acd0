"""What exists and how it is named, normalised and identified; nothing else in the program decides that."""

from clew.ontology.guess import guess_types
from clew.ontology.identity import entity_id, entity_id_texts, relationship_id, relationship_id_texts
from clew.ontology.normalize import NORMALIZATION_VERSION, describe_types, normalize, normalize_many
from clew.ontology.types import EntityType, RelationshipType
from clew.ontology.value import InvalidValueError, NormalizedValue

__all__ = [
    "NORMALIZATION_VERSION",
    "EntityType",
    "InvalidValueError",
    "NormalizedValue",
    "RelationshipType",
    "describe_types",
    "entity_id",
    "entity_id_texts",
    "guess_types",
    "normalize",
    "normalize_many",
    "relationship_id",
    "relationship_id_texts",
]
