"""Groups among an organization's vectors, called by the words that tell them apart.

Up to MOST_BY_DENSITY subjects: HDBSCAN (Campello et al., 2013) on the 24 principal directions. It needs no number of
groups and leaves alone what belongs to none, which is most of what an investigation holds; its work grows with the
square of the number. Of more: mini-batch k-means (Sculley, 2010) on a sample, every vector then given to its nearest
centre, batch by batch, so that memory stays the same however many there are. Both are seeded: the same vectors give the
same groups.

Words are told apart by how often they come in a group against all groups (c-TF-IDF, Grootendorst, 2022).
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final
from uuid import UUID

import numpy as np

from clew.domains.similarity.questions import Group, Grouping, Likeness
from clew.projections.vectors.port import Collection, Neighbour, Point, Subject, VectorReader

MOST_BY_DENSITY: Final = 3_000
_SAMPLE: Final = 20_000
_BATCH: Final = 2_000
_DIRECTIONS: Final = 24
_LEAST: Final = 3
_MOST_GROUPS: Final = 200
_TERMS: Final = 6
_EXAMPLES: Final = 5
_MOST_WORDS: Final = 20_000
_WORD: Final = re.compile(r"[^\W\d_][^\W_]{2,30}")


def grouped(
    reader: VectorReader,
    organization_id: UUID,
    collection: Collection,
    *,
    limit: int = 20,
    most_by_density: int = MOST_BY_DENSITY,
) -> Grouping:
    """The largest groups of a collection, at most `limit`, with what each is about."""
    count = reader.count(organization_id, collection)
    points = (each for each in reader.stored(organization_id, collection) if each.vector.any())
    assigned: Iterable[tuple[Point, int]]
    if count <= most_by_density:
        # In the order of their ids: what an engine gives first must not change the outcome.
        few = sorted(points, key=lambda each: each.subject.id)
        labels, centres = _by_density(few)
        method, assigned = "hdbscan", zip(few, labels, strict=True)
    else:
        centres = _centres(sorted(islice(points, _SAMPLE), key=lambda each: each.subject.id))
        rest = (each for each in reader.stored(organization_id, collection) if each.vector.any())
        method, assigned = "k-means", _nearest_centres(rest, centres)
    groups = [_Gathered() for _ in range(len(centres))]
    apart = subjects = 0
    for point, label in assigned:
        subjects += 1
        if label < 0:
            apart += 1
        else:
            groups[label].add(point, float(point.vector @ centres[label]))
    model = reader.models[collection].name
    told = _told([each for each in groups if each.size], collection, model)
    return Grouping(collection.value, method, subjects, apart, tuple(told[:limit]))


class _Gathered:
    """What is known of a group: how many, which words, and the subjects nearest to its middle."""

    def __init__(self) -> None:
        self.size = 0
        self.words: Counter[str] = Counter()
        self.nearest: list[tuple[float, UUID, Subject]] = []

    def add(self, point: Point, likeness: float) -> None:
        subject = point.subject
        self.size += 1
        self.words.update(set(_WORD.findall(f"{subject.name} {subject.excerpt}".casefold())))
        if len(self.words) > _MOST_WORDS:
            self.words = Counter(dict(self.words.most_common(_MOST_WORDS // 2)))
        self.nearest.append((-likeness, subject.id, subject))
        if len(self.nearest) > 8 * _EXAMPLES:
            self.nearest = sorted(self.nearest, key=lambda each: each[:2])[:_EXAMPLES]

    def examples(self) -> list[Neighbour]:
        best = sorted(self.nearest, key=lambda each: each[:2])[:_EXAMPLES]
        return [Neighbour(subject, -likeness) for likeness, _, subject in best]


def _by_density(points: Sequence[Point]) -> tuple[Sequence[int], Any]:
    """The group of each point, -1 for none, and the groups' middles."""
    from sklearn.cluster import HDBSCAN  # type: ignore[import-untyped]  # noqa: PLC0415
    from sklearn.decomposition import PCA  # type: ignore[import-untyped]  # noqa: PLC0415

    if len(points) < 2 * _LEAST:
        return [-1] * len(points), np.zeros((0, 1), np.float32)
    vectors = np.stack([each.vector for each in points])
    directions = min(_DIRECTIONS, len(points) - 1, vectors.shape[1])
    narrow = PCA(directions, svd_solver="full", random_state=0).fit_transform(vectors)
    labels = HDBSCAN(min_cluster_size=_LEAST, copy=True).fit_predict(narrow)
    count = int(labels.max()) + 1
    centres = [vectors[labels == label].mean(axis=0) for label in range(count)]
    return labels.tolist(), np.stack(centres) if centres else np.zeros((0, 1), np.float32)


def _centres(points: Sequence[Point]) -> Any:
    from sklearn.cluster import MiniBatchKMeans  # noqa: PLC0415  as above

    vectors = np.stack([each.vector for each in points])
    count = max(2, min(_MOST_GROUPS, round(math.sqrt(len(vectors) / 2))))
    fitted = MiniBatchKMeans(count, batch_size=_BATCH, n_init=3, random_state=0).fit(vectors)
    lengths = np.linalg.norm(fitted.cluster_centers_, axis=1, keepdims=True)
    return (fitted.cluster_centers_ / np.maximum(lengths, 1e-9)).astype(np.float32)


def _nearest_centres(points: Iterator[Point], centres: Any) -> Iterator[tuple[Point, int]]:
    for some in _batches(points):
        labels = np.argmax(np.stack([each.vector for each in some]) @ centres.T, axis=1)
        yield from zip(some, labels.tolist(), strict=True)


def _batches(points: Iterator[Point]) -> Iterator[list[Point]]:
    while some := list(islice(points, _BATCH)):
        yield some


def _told(groups: Sequence[_Gathered], collection: Collection, model: str) -> list[Group]:
    everywhere: Counter[str] = Counter()
    for each in groups:
        everywhere.update(each.words)
    mean = sum(each.size for each in groups) / max(1, len(groups))
    told = []
    for each in groups:
        weights = {
            word: count / each.size * math.log(1 + mean / everywhere[word])
            for word, count in each.words.items()
            if count > 1 or each.size < 2 * _LEAST
        }
        terms = sorted(weights, key=lambda word, weights=weights: (-weights[word], word))[:_TERMS]  # type: ignore[misc]
        examples = tuple(Likeness.of(collection, model, neighbour) for neighbour in each.examples())
        told.append(Group(each.size, tuple(terms), examples))
    return sorted(told, key=lambda group: (-group.size, group.terms))
