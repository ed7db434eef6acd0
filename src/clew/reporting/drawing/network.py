"""The picture of relationships: where each entity stands, and the lines between them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import rustworkx

from clew.reporting.document import Entity, Relationship
from clew.reporting.inert_text import inert

WIDTH: Final = 1080.0
MARGIN: Final = 26.0
RADIUS: Final = 7.0
_LABEL_CHARACTERS: Final = 26
_NAME_CHARACTERS: Final = 18
_PLATFORM_CHARACTERS: Final = 10
_CHARACTER_WIDTH: Final = 6.8
_ROW_HEIGHT: Final = 40.0
_SEED: Final = 20
_ROUNDS: Final = 300
_SMALL_PART: Final = 6

GROUPS: Final = {
    "people": ("person", "organization", "username", "social_profile", "email", "phone", "threat_actor"),
    "network": ("domain", "ip_address", "url", "asn", "location"),
    "artefacts": ("file_hash", "ssh_key", "software", "user_agent", "credential", "malware", "vulnerability"),
}
"""Kinds of entity that are drawn alike; every other type is "other"."""

KINDS: Final = {
    "identity": ("HAS_ACCOUNT", "OWNS", "CONTROLS", "MEMBER_OF", "WORKS_FOR", "SAME_AS", "ATTRIBUTED_TO"),
    "infrastructure": ("RESOLVES_TO", "SUBDOMAIN_OF", "REGISTERED_WITH", "LOCATED_AT"),
    "activity": ("USES", "TARGETS", "INDICATES", "COMMUNICATES_WITH", "TRANSACTS_WITH"),
}
"""Kinds of relationship that are drawn alike; every other type is "mention"."""


@dataclass(frozen=True, slots=True)
class Node:
    """An entity's mark; x and y are its middle."""

    entity: Entity
    x: float
    y: float
    group: str
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """A relationship from the edge of one mark to the edge of the other."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Network:
    """The picture in units of its own, about a pixel each."""

    width: int
    height: int
    nodes: tuple[Node, ...]
    lines: tuple[Line, ...]


@dataclass(slots=True)
class _Box:
    """What a mark and its label need: half its width to each side of x, from y - RADIUS down."""

    x: float
    y: float
    half: float


def draw(entities: Sequence[Entity], relationships: Sequence[Relationship]) -> Network:
    """The entities laid out so that what is related stands near and no label covers another.

    Each connected part is laid out by itself (force-directed, Fruchterman and Reingold 1991); the greatest comes
    first, the others side by side below. The same input always gives the same picture.
    """
    order = {each.id: number for number, each in enumerate(entities)}
    graph = rustworkx.PyGraph(multigraph=False)
    graph.add_nodes_from(list(entities))
    graph.add_edges_from_no_data([(order[each.source], order[each.target]) for each in relationships])
    parts = sorted((sorted(part) for part in rustworkx.connected_components(graph)), key=lambda p: (-len(p), p))
    labels = [_label(each) for each in entities]
    boxes = [_Box(0, 0, max(RADIUS, len(label) * _CHARACTER_WIDTH / 2)) for label in labels]
    bottom = _arrange(graph, parts, boxes)
    nodes = tuple(
        Node(each, round(boxes[n].x, 1), round(boxes[n].y, 1), _group(each.type), labels[n])
        for n, each in enumerate(entities)
    )
    lines = tuple(_line(each, nodes[order[each.source]], nodes[order[each.target]]) for each in relationships)
    return Network(round(WIDTH), math.ceil(bottom), nodes, tuple(line for line in lines if line is not None))


def _arrange(graph: "rustworkx.PyGraph[Entity, None]", parts: list[list[int]], boxes: list[_Box]) -> float:
    """Give every box its place; how far down the picture reaches."""
    top, left, row = 0.0, 0.0, 0.0
    in_row: list[_Box] = []
    for part in parts:
        width = WIDTH if len(part) > _SMALL_PART else max(WIDTH / 4, 2 * (MARGIN + max(boxes[n].half for n in part)))
        if left + width > WIDTH + 1:
            _centre(in_row, left)
            top, left, row, in_row = top + row, 0.0, 0.0, []
        mine = [boxes[n] for n in part]
        height = _lay_out(graph.subgraph(part), mine, width)
        for box in mine:
            box.x += left
            box.y += top
        in_row += mine
        left, row = left + width, max(row, height)
    _centre(in_row, left)
    return top + row


def _centre(boxes: list[_Box], width: float) -> None:
    """Move a row of parts that takes up `width` to the middle of the picture."""
    for box in boxes:
        box.x += (WIDTH - width) / 2


def _lay_out(graph: "rustworkx.PyGraph[Entity, None]", boxes: list[_Box], width: float) -> float:
    """Place the boxes of one connected part within the width; its height."""
    inner = width - 2 * MARGIN
    height = max(2 * _ROW_HEIGHT, min(0.68 * width, 34.0 * len(boxes)))
    if len(boxes) > 1:
        found = rustworkx.spring_layout(graph, seed=_SEED, num_iter=600, k=1.6 / math.sqrt(len(boxes)))
        points = _turned([(found[n][0], found[n][1]) for n in graph.node_indices()])
        across = _stretched([x for x, _ in points], inner)
        down = _stretched([y for _, y in points], height)
        for box, x, y in zip(boxes, across, down, strict=True):
            box.x, box.y = x, y
    else:
        boxes[0].x, boxes[0].y = inner / 2, 0.0
    _separate(boxes, inner)
    lowest = min(box.y for box in boxes)
    for box in boxes:
        box.x += MARGIN
        box.y += MARGIN - lowest
    return max(box.y for box in boxes) + _ROW_HEIGHT


def _stretched(values: Sequence[float], extent: float) -> list[float]:
    low, high = min(values), max(values)
    return [(value - low) / ((high - low) or 1.0) * extent for value in values]


def _turned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points turned about their middle so that they extend farthest from left to right (principal axis)."""
    middle_x, middle_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    shifted = [(x - middle_x, y - middle_y) for x, y in points]
    across, down, mixed = (
        sum(map(term, shifted)) for term in (lambda p: p[0] ** 2, lambda p: p[1] ** 2, lambda p: p[0] * p[1])
    )
    angle = math.atan2(2 * mixed, across - down) / 2
    cosine, sine = math.cos(angle), math.sin(angle)
    return [(x * cosine + y * sine, y * cosine - x * sine) for x, y in shifted]


def _separate(boxes: list[_Box], width: float) -> None:
    """Push boxes apart, the shorter way, until none covers another or the rounds are over; keep them within width."""
    for _ in range(_ROUNDS):
        moved = False
        for first in range(len(boxes)):
            for second in range(first + 1, len(boxes)):
                moved |= _push(boxes[first], boxes[second])
        for box in boxes:
            box.x = min(max(box.x, box.half), max(box.half, width - box.half))
        if not moved:
            return


def _push(one: _Box, other: _Box) -> bool:
    across = one.half + other.half + 10 - abs(one.x - other.x)
    down = _ROW_HEIGHT - abs(one.y - other.y)
    if across <= 0 or down <= 0:
        return False
    if down <= across:
        step = (down / 2 + 0.5) * (1 if one.y <= other.y else -1)
        one.y, other.y = one.y - step, other.y + step
    else:
        step = (across / 2 + 0.5) * (1 if one.x <= other.x else -1)
        one.x, other.x = one.x - step, other.x + step
    return True


def _line(relationship: Relationship, source: Node, target: Node) -> Line | None:
    length = math.hypot(target.x - source.x, target.y - source.y)
    if length < 3 * RADIUS:
        return None
    across, down = (target.x - source.x) / length, (target.y - source.y) / length
    title = f"{source.entity.label} {relationship.type} {target.entity.label}"
    start, end = RADIUS + 2, length - RADIUS - 4
    return Line(
        round(source.x + across * start, 1),
        round(source.y + down * start, 1),
        round(source.x + across * end, 1),
        round(source.y + down * end, 1),
        _kind(relationship.type),
        inert(title, 200),
    )


def _label(entity: Entity) -> str:
    if not entity.platform:
        return inert(entity.name, _LABEL_CHARACTERS)
    return f"{inert(entity.name, _NAME_CHARACTERS)} · {inert(entity.platform, _PLATFORM_CHARACTERS)}"


def _group(entity_type: str) -> str:
    return next((name for name, types in GROUPS.items() if entity_type in types), "other")


def _kind(relationship_type: str) -> str:
    return next((name for name, types in KINDS.items() if relationship_type in types), "mention")
