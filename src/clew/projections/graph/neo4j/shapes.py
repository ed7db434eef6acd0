"""Documents as properties of nodes and relationships, and back: what comes back has the same text.

Neo4j keeps no nested values, so an entity's own properties are JSON text; confidences are numbers from 0 to 1 there,
as users of the server expect. A name too long for an index is cut in `name` and whole in `full_name`.
"""

from typing import Any, Final

import orjson

from clew.projections.graph.port import Document

Row = dict[str, Any]

_INDEXED: Final = 1_000  # characters: an index takes some 8,000 bytes
_NODE: Final = (
    "id",
    "type",
    "risk_score",
    "wall",
    "first_seen",
    "last_seen",
    "created_at",
    "updated_at",
    "pagerank",
    "betweenness",
    "community",
)
_EDGE: Final = ("id", "type", "source", "first_seen", "last_seen", "created_at", "updated_at")
_NODE_VALUES: Final = (*_NODE, "name", "full_name", "properties")
_EDGE_VALUES: Final = (*_EDGE, "confidence", "properties")
# Values without their names are half of what the driver has to decode.
NODE_LIST: Final = f"[{', '.join(f'n.{field}' for field in _NODE_VALUES)}]"
EDGE_LIST: Final = f"[{', '.join(f'r.{field}' for field in _EDGE_VALUES)}]"


def node_row(document: Document, key: Row) -> Row:
    """An entity's properties, and where it was collected from."""
    name = document["name"]
    fields = {field: document[field] for field in _NODE} | key
    fields |= {"name": name[:_INDEXED], "properties": _written(document["properties"])}
    if len(name) > _INDEXED:
        fields["full_name"] = name
    collected = [{**each, "confidence": each["confidence"] / 100} for each in document["collected_from"]]
    return {"id": document["id"], "fields": fields, "collected": collected}


def node_document(stored: Row, collected: list[Row]) -> Document:
    """The entity that was written as these properties."""
    document = {field: stored.get(field) for field in _NODE}
    places = [{**each, "confidence": _hundredths(each["confidence"])} for each in collected]
    return document | {
        "name": stored.get("full_name", stored.get("name")),
        "properties": _read(stored.get("properties")),
        "collected_from": sorted(places, key=lambda each: (str(each["source_id"]), str(each["collection_id"]))),
    }


def node_of(values: list[Any], collected: list[Row]) -> Document:
    """The entity whose properties are these, in the order of NODE_LIST."""
    return node_document(_named(_NODE_VALUES, values), collected)


def edge_of(values: list[Any], source: str, target: str) -> Document:
    """The relationship whose properties are these, in the order of EDGE_LIST."""
    return edge_document(_named(_EDGE_VALUES, values), source, target)


def edge_row(document: Document, key: Row) -> Row:
    """A relationship's properties, and its ends."""
    fields = {field: document[field] for field in _EDGE} | key
    fields |= {"confidence": document["confidence"] / 100, "properties": _written(document["properties"])}
    return {
        "id": document["id"],
        "source": document["source_entity_id"],
        "target": document["target_entity_id"],
        "fields": fields,
    }


def edge_document(stored: Row, source: str, target: str) -> Document:
    """The relationship that was written as these properties."""
    document = {field: stored.get(field) for field in _EDGE}
    return document | {
        "source_entity_id": source,
        "target_entity_id": target,
        "confidence": _hundredths(stored.get("confidence")),
        "properties": _read(stored.get("properties")),
    }


def source_row(document: Document, key: Row) -> Row:
    """A source's properties."""
    return {"id": document["id"], "fields": {**document, **key}}


def _named(fields: tuple[str, ...], values: list[Any]) -> Row:
    return {field: value for field, value in zip(fields, values, strict=True) if value is not None}


def _hundredths(confidence: float | None) -> int | float | None:
    """Whole hundredths; whatever else somebody wrote there, as it is."""
    if confidence is None:
        return None
    hundredths = round(confidence * 100)
    return hundredths if hundredths / 100 == confidence else confidence * 100


def _written(properties: Any) -> str:
    return orjson.dumps(properties, option=orjson.OPT_SORT_KEYS).decode()


def _read(text: Any) -> Any:
    """What was written; of what was not written so, the text itself, which is then seen to differ."""
    try:
        return orjson.loads(text)
    except (ValueError, TypeError):
        return text
