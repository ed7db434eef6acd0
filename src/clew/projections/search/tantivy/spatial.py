"""Circles and boxes as queries that hold exactly what is inside."""

from typing import Any, Final

import tantivy
from tantivy import FieldType, Occur, Query, Searcher

from clew.projections.search.errors import SearchQueryError
from clew.projections.search.geography import cover, distance
from clew.projections.search.port import GeoBox, GeoRadius

_MOST_POINTS: Final = 60_000


def within(searcher: Searcher, schema: tantivy.Schema, place: GeoRadius | GeoBox) -> Query:
    """The documents whose place is inside, those on the line too."""
    if isinstance(place, GeoBox):
        return _box(schema, place)
    cells = cover(place.latitude, place.longitude, place.kilometres)
    points = _measured(searcher, schema, place, list(cells.edge)) if cells.edge else []
    return Query.boolean_query(
        [
            (Occur.Should, Query.term_set_query(schema, "_cells", cells.inside)),
            (Occur.Should, Query.term_set_query(schema, "_point", points)),
        ]
    )


def _measured(searcher: Searcher, schema: tantivy.Schema, place: GeoRadius, cells: list[int]) -> list[str]:
    """The points in the cells at the edge that are near enough; each distinct point is measured once."""
    query = Query.term_set_query(schema, "_cells", cells)
    wanted: dict[str, Any] = {
        "points": {"terms": {"field": "_point", "size": _MOST_POINTS, "segment_size": _MOST_POINTS}}
    }
    found = searcher.aggregate(query, wanted)["points"]
    if found["sum_other_doc_count"]:
        if len(cells) == 1:
            raise SearchQueryError(
                f"more than {_MOST_POINTS:,} different places at the edge of the circle",
                where="within",
                remedy="choose a smaller or larger radius, or a box",
            )
        half = len(cells) // 2
        return _measured(searcher, schema, place, cells[:half]) + _measured(searcher, schema, place, cells[half:])
    near = []
    for bucket in found["buckets"]:
        latitude, _, longitude = bucket["key"].partition(",")
        if distance(place.latitude, place.longitude, float(latitude), float(longitude)) <= place.kilometres:
            near.append(bucket["key"])
    return near


def _box(schema: tantivy.Schema, box: GeoBox) -> Query:
    latitudes = Query.range_query(schema, "_lat", FieldType.Float, float(box.south), float(box.north))
    if box.west <= box.east:
        longitudes = Query.range_query(schema, "_lon", FieldType.Float, float(box.west), float(box.east))
    else:
        longitudes = Query.boolean_query(
            [
                (Occur.Should, Query.range_query(schema, "_lon", FieldType.Float, float(box.west), None)),
                (Occur.Should, Query.range_query(schema, "_lon", FieldType.Float, None, float(box.east))),
            ]
        )
    return Query.boolean_query([(Occur.Must, latitudes), (Occur.Must, longitudes)])
