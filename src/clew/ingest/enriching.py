"""Which sources enrich what is known already, and what each of their rows says of each entity it describes.

A log's events and a scan's findings are facts like all others. Of those who are asked about something (registries,
reputation services) it matters besides what exactly who answered when: each answer is kept as it was.
"""

import mimetypes
from typing import Any, Final

import orjson
import polars as pl

from clew.ingest.json_text import without_nul
from clew.ingest.sources.base import Framing
from clew.records.batch import ENRICHMENTS

ENRICHES: Final[dict[str, str]] = {
    "whois": "registration",
    "rdap": "registration",
    "shodan": "exposure",
    "virustotal": "reputation",
    "hibp": "breaches",
}
"""The type of enrichment that a source's rows are."""

_TYPES: Final = mimetypes.MimeTypes()  # what Python knows itself, whatever this machine has in its files
_BY_FRAMING: Final = {Framing.LINES: "text/plain", Framing.JSON_VALUES: "application/json"}


def mime_type_of(file_name: str, framing: Framing) -> str:
    """The media type of a file as its name says it, else as it is read; what neither says is bytes."""
    named, _ = _TYPES.guess_type(file_name)
    return named or _BY_FRAMING.get(framing, "application/octet-stream")


def enrichments(mentions: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """What each row says of each entity that it has properties of: columns of ENRICHMENTS.

    `mentions` are identified (column id), `rows` have the ids of their items. Of what a row says twice, as of two
    spellings of a value, the later wins.
    """
    said = (
        mentions.filter(pl.col("properties").is_not_null())
        .join(rows.select("record", pl.col("id").alias("item_id")), on="record", how="inner", maintain_order="left")
        .select("id", "item_id", "properties", pl.col("confidence").cast(pl.Float64).round(2))
    )
    merged: dict[tuple[str, str], tuple[dict[str, Any], float]] = {}
    for identifier, item, text, confidence in said.iter_rows():
        data, most = merged.get((identifier, item), ({}, 0.0))
        merged[identifier, item] = (data | orjson.loads(without_nul(text)), max(most, confidence))
    kept = [
        (identifier, item, orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode(), confidence)
        for (identifier, item), (data, confidence) in merged.items()
    ]
    return pl.DataFrame(kept, schema=ENRICHMENTS, orient="row")
