"""A graph as a file, written as it is read: GraphML, GEXF, JSON (nodes and links), or tables of CSV.

GraphML 1.0 and GEXF 1.3 as Gephi, Cytoscape, yEd and networkx read them. Nothing is held but one document at a time.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final
from uuid import UUID
from xml.sax.saxutils import escape, quoteattr

import orjson

from clew.projections.graph.answers import Question, surroundings
from clew.projections.graph.formats import Format
from clew.projections.graph.port import Document, GraphReader, Part

_NODE_FIELDS: Final = {
    "type": "string",
    "name": "string",
    "risk_score": "int",
    "first_seen": "string",
    "last_seen": "string",
    "pagerank": "double",
    "betweenness": "double",
    "community": "string",
    "properties": "string",
}
_EDGE_FIELDS: Final = {
    "type": "string",
    "confidence": "double",
    "source": "string",
    "first_seen": "string",
    "last_seen": "string",
    "properties": "string",
}
# What XML 1.0 has no way to write, not even escaped.
_UNWRITABLE: Final = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 65534, 65535), "�")
# Spreadsheets take what begins with these for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
_CHUNK: Final = 64 * 1024


def exported(reader: GraphReader, organization_id: UUID, form: Format) -> Iterator[bytes]:
    """All of an organization's graph, piece by piece."""

    def stored(part: Part) -> Iterator[Document]:
        return (orjson.loads(text) for _, text in reader.stored(organization_id, part))

    return _gathered(_WRITERS[form](lambda: stored(Part.NODES), lambda: stored(Part.EDGES)))


def exported_around(
    reader: GraphReader, organization_id: UUID, entity_id: UUID, question: Question, form: Format
) -> Iterator[bytes]:
    """What is around an entity. Raises NotFoundError, GraphQueryError before the first piece."""
    found = surroundings(reader, organization_id, entity_id, question)
    return _gathered(_WRITERS[form](lambda: (each.node for each in found.nodes), lambda: found.edges))


def _gathered(pieces: Iterable[str]) -> Iterator[bytes]:
    """Pieces of a size that is worth sending."""
    waiting: list[str] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _CHUNK:
            yield "".join(waiting).encode()
            waiting, size = [], 0
    yield "".join(waiting).encode()


Documents = Callable[[], Iterable[Document]]


def _graphml(nodes: Documents, edges: Documents) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
    for kind, fields in (("node", _NODE_FIELDS), ("edge", _EDGE_FIELDS)):
        for name, sort in fields.items():
            yield f'<key id="{kind[0]}_{name}" for="{kind}" attr.name="{name}" attr.type="{sort}"/>\n'
    yield '<graph id="clew" edgedefault="directed">\n'
    for node in nodes():
        yield f"<node id={_attribute(node['id'])}>{_data('n', node, _NODE_FIELDS)}</node>\n"
    for edge in edges():
        ends = f"source={_attribute(edge['source_entity_id'])} target={_attribute(edge['target_entity_id'])}"
        yield f"<edge id={_attribute(edge['id'])} {ends}>{_data('e', edge, _EDGE_FIELDS)}</edge>\n"
    yield "</graph>\n</graphml>\n"


def _data(prefix: str, document: Document, fields: Iterable[str]) -> str:
    found = ((name, _plain(document, name)) for name in fields)
    return "".join(f'<data key="{prefix}_{name}">{_text(value)}</data>' for name, value in found if value is not None)


def _gexf(nodes: Documents, edges: Documents) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<gexf xmlns="http://gexf.net/1.3" version="1.3">\n'
    yield '<graph mode="static" defaultedgetype="directed">\n'
    for kind, fields in (("node", _NODE_FIELDS), ("edge", _EDGE_FIELDS)):
        yield f'<attributes class="{kind}">\n'
        for name, sort in fields.items():
            yield f'<attribute id="{kind[0]}_{name}" title="{name}" type="{"integer" if sort == "int" else sort}"/>\n'
        yield "</attributes>\n"
    yield "<nodes>\n"
    for node in nodes():
        label = f"id={_attribute(node['id'])} label={_attribute(node['name'])}"
        yield f"<node {label}><attvalues>{_values('n', node, _NODE_FIELDS)}</attvalues></node>\n"
    yield "</nodes>\n<edges>\n"
    for edge in edges():
        ends = f"source={_attribute(edge['source_entity_id'])} target={_attribute(edge['target_entity_id'])}"
        told = (
            f'id={_attribute(edge["id"])} {ends} label={_attribute(edge["type"])} weight="{edge["confidence"] / 100}"'
        )
        yield f"<edge {told}><attvalues>{_values('e', edge, _EDGE_FIELDS)}</attvalues></edge>\n"
    yield "</edges>\n</graph>\n</gexf>\n"


def _values(prefix: str, document: Document, fields: Iterable[str]) -> str:
    found = ((name, _plain(document, name)) for name in fields)
    return "".join(
        f'<attvalue for="{prefix}_{name}" value={_attribute(value)}/>' for name, value in found if value is not None
    )


def _json(nodes: Documents, edges: Documents) -> Iterator[str]:
    """The node-link form that networkx reads: `source` and `target` are the ends."""
    yield '{"directed": true, "multigraph": true, "graph": {}, "nodes": [\n'
    yield from _listed(node for node in nodes())
    yield '\n], "links": [\n'
    yield from _listed(_link(edge) for edge in edges())
    yield "\n]}\n"


def _link(edge: Document) -> Document:
    rest = {name: value for name, value in edge.items() if name not in {"source_entity_id", "target_entity_id", "id"}}
    ends = {"source": edge["source_entity_id"], "target": edge["target_entity_id"], "key": edge["id"]}
    return rest | {"told_by": edge["source"], "confidence": edge["confidence"] / 100} | ends


def _listed(documents: Iterable[Document]) -> Iterator[str]:
    for number, document in enumerate(documents):
        yield (",\n" if number else "") + orjson.dumps(document).decode()


def _relationships(_: Documents, edges: Documents) -> Iterator[str]:
    yield _line(["id", "source_entity_id", "target_entity_id", *_EDGE_FIELDS])
    for edge in edges():
        ends = [edge["id"], edge["source_entity_id"], edge["target_entity_id"]]
        yield _line([*ends, *(_plain(edge, name) for name in _EDGE_FIELDS)])


def _entities(nodes: Documents, _: Documents) -> Iterator[str]:
    yield _line(["id", *_NODE_FIELDS])
    for node in nodes():
        yield _line([node["id"], *(_plain(node, name) for name in _NODE_FIELDS)])


_WRITERS: Final[dict[Format, Callable[[Documents, Documents], Iterator[str]]]] = {
    Format.GRAPHML: _graphml,
    Format.GEXF: _gexf,
    Format.JSON: _json,
    Format.CSV: _relationships,
    Format.CSV_ENTITIES: _entities,
}


def _plain(document: Document, name: str) -> Any:
    """A field as these formats take it: nested values as JSON text, confidences from 0 to 1."""
    value = document[name]
    if name == "confidence":
        return value / 100
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode() if value else None
    return value


def _line(values: Iterable[Any]) -> str:
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\r\n").writerow([_cell(value) for value in values])
    return sink.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = str(value).replace("\0", "\ufffd")
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _text(value: Any) -> str:
    return escape(str(value).translate(_UNWRITABLE))


def _attribute(value: Any) -> str:
    return quoteattr(str(value).translate(_UNWRITABLE), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
