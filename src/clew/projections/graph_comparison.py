"""Record and graph view compared document by document, by digests of what each of them says now."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from clew.projections.graph.port import GraphReader, Part, document_text
from clew.projections.graph_rows import SHOWN, TABLES, GraphRows, Shown
from clew.projections.projection import Comparison, Difference

Digests = npt.NDArray[np.void]


def compare(record: GraphRows, view: GraphReader) -> Comparison:
    """Digests of every document as the engine gives it back against those of the record's rows.

    Memory: 24 bytes for each row of the organization's largest part, on both sides.
    """
    missing: list[Difference] = []
    extra: list[Difference] = []
    different: list[Difference] = []
    record_rows = view_rows = 0
    for organization_id in sorted({*record.organizations(), *view.organizations()}):
        for shown in SHOWN:
            recorded = _digests(_recorded(record, shown, organization_id))
            viewed = _digests(view.stored(organization_id, shown.part))
            record_rows, view_rows = record_rows + len(recorded), view_rows + len(viewed)
            missing += _named(organization_id, shown.part, _lacking(recorded, viewed), in_record=True)
            extra += _named(organization_id, shown.part, _lacking(viewed, recorded), in_record=False)
            different += _named(organization_id, shown.part, _differing(recorded, viewed), in_record=True)
    return Comparison(record_rows, view_rows, tuple(missing), tuple(extra), tuple(different))


def _recorded(record: GraphRows, shown: Shown, organization_id: UUID) -> Iterator[tuple[UUID, bytes]]:
    for batch in record.all(shown, organization_id):
        for document in batch.documents:
            yield UUID(document["id"]), document_text(document)


def _digests(documents: Iterable[tuple[UUID, bytes]]) -> npt.NDArray[Any]:
    """Ids and digests (8 bytes), in the order of ids. An id that is there twice keeps both: neither can be right."""
    collected = bytearray()
    for identifier, text in documents:
        collected += identifier.bytes + blake2b(text, digest_size=8).digest()
    rows = np.frombuffer(collected, np.dtype([("id", "S16"), ("digest", "S8")]))
    return rows[np.argsort(rows["id"], kind="stable")]


def _lacking(these: npt.NDArray[Any], others: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The ids of these that are not among others."""
    lacking: npt.NDArray[Any] = np.setdiff1d(these["id"], others["id"])
    return lacking


def _differing(recorded: npt.NDArray[Any], viewed: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The ids of rows in both that do not say the same, or that the view has more than once."""
    repeated = viewed["id"][1:][viewed["id"][1:] == viewed["id"][:-1]]
    common, at, beside = np.intersect1d(recorded["id"], viewed["id"], return_indices=True)
    wrong = common[recorded["digest"][at] != viewed["digest"][beside]]
    return np.union1d(wrong, np.intersect1d(repeated, recorded["id"]))


def _named(organization_id: UUID, part: Part, ids: npt.NDArray[Any], *, in_record: bool) -> Iterator[Difference]:
    for each in ids.tolist():
        row_id = UUID(bytes=bytes(each).ljust(16, b"\0"))
        yield Difference(organization_id, part.value, row_id, TABLES[part] if in_record else None)
