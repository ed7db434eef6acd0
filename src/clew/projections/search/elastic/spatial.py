"""Circles and boxes that hold exactly what is inside.

The engine keeps places to a centimetre and knows another earth's radius: its own circles only say which places are
surely inside, and which may be. Those at the rim are measured from the numbers as they were given.
"""

from typing import Any, Final

from clew.projections.search.elastic.expressions import Query, inner
from clew.projections.search.physical.names import LATITUDE, LONGITUDE
from clew.projections.search.port import GeoBox, GeoRadius
from clew.projections.search.requests import EARTH_RADIUS_KILOMETRES

_SLACK: Final = 1e-5  # of the distance
_SLACK_KILOMETRES: Final = 0.01
_MEASURE: Final = f"""
if (doc['{inner(LATITUDE)}'].size() == 0) {{ return false; }}
double a = params.latitude * Math.PI / 180;
double b = doc['{inner(LATITUDE)}'].value * Math.PI / 180;
double half = Math.pow(Math.sin((b - a) / 2), 2) + Math.cos(a) * Math.cos(b)
    * Math.pow(Math.sin((doc['{inner(LONGITUDE)}'].value - params.longitude) * Math.PI / 360), 2);
return 2 * params.radius * Math.asin(Math.min(1.0, Math.sqrt(half))) <= params.kilometres;
"""


def within(place: GeoRadius | GeoBox, field: str) -> Query:
    """The documents whose place is inside, those on the line too."""
    if isinstance(place, GeoBox):
        return _box(place)
    slack = place.kilometres * _SLACK + _SLACK_KILOMETRES
    parameters = {
        "latitude": float(place.latitude),
        "longitude": float(place.longitude),
        "kilometres": float(place.kilometres),
        "radius": EARTH_RADIUS_KILOMETRES,
    }
    measured = {"script": {"script": {"source": _MEASURE, "lang": "painless", "params": parameters}}}
    rim: Query = {"bool": {"filter": [_circle(place, field, place.kilometres + slack), measured]}}
    if place.kilometres <= slack:
        return rim
    surely = _circle(place, field, place.kilometres - slack)
    return {"bool": {"should": [surely, rim], "minimum_should_match": 1}}


def _circle(place: GeoRadius, field: str, kilometres: float) -> Query:
    centre = {"lat": place.latitude, "lon": place.longitude}
    return {"geo_distance": {"distance": f"{kilometres:.6f}km", field: centre}}


def _box(box: GeoBox) -> Query:
    latitude: Query = {"range": {inner(LATITUDE): {"gte": box.south, "lte": box.north}}}
    name = inner(LONGITUDE)
    west, east = {"range": {name: {"gte": box.west}}}, {"range": {name: {"lte": box.east}}}
    if box.west <= box.east:
        return {"bool": {"filter": [latitude, west, east]}}
    either: dict[str, Any] = {"bool": {"should": [west, east], "minimum_should_match": 1}}
    return {"bool": {"filter": [latitude, either]}}
