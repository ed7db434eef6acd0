"""What a graph is written as for other programs."""

from enum import StrEnum
from typing import Final


class Format(StrEnum):
    """Of files. csv: relationships; csv-entities: entities."""

    GRAPHML = "graphml"
    GEXF = "gexf"
    JSON = "json"
    CSV = "csv"
    CSV_ENTITIES = "csv-entities"


MEDIA: Final = {
    Format.GRAPHML: "application/graphml+xml",
    Format.GEXF: "application/gexf+xml",
    Format.JSON: "application/json",
    Format.CSV: "text/csv; charset=utf-8",
    Format.CSV_ENTITIES: "text/csv; charset=utf-8",
}
