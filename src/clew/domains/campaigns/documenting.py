"""What an analysis leaves as documents: its result with what it looked at, and what it learned of addresses."""

from collections.abc import Sequence
from typing import Any, Final, Protocol
from uuid import UUID

import orjson
import polars as pl
import psycopg

from clew.analysis.coordination import Community
from clew.domains.campaigns.enrichment import Enrichment
from clew.domains.campaigns.reporting import AnalysisReport, scores_dict
from clew.ontology import EntityType, entity_id, normalize

NETWORK: Final = "network"
"""The enrichment that says in which network an address is, and who lists it."""

_MOST_ENTITIES: Final = 10_000
_MOST_INSIGHTS: Final = 500
_ENRICHER: Final = "local-tables"

# Addresses of the sessions are entities by then: what is not (any more) has nothing to be enriched.
_ENRICH: Final = """
INSERT INTO enriched_data AS known (organization_id, entity_id, enrichment_type, data, metadata)
SELECT %(organization)s, told.id, %(type)s, told.data, %(metadata)s::jsonb
FROM unnest(%(ids)s::uuid[], %(data)s::text[]::jsonb[]) AS told (id, data)
CROSS JOIN LATERAL (SELECT FROM entities AS entity WHERE entity.organization_id = %(organization)s
                    AND entity.id = told.id OFFSET 0) AS entity
ORDER BY told.id
ON CONFLICT (organization_id, entity_id, enrichment_type, collection_item_id) DO UPDATE
SET data = excluded.data, metadata = excluded.metadata, updated_at = now()
WHERE known.data <> excluded.data OR known.metadata <> excluded.metadata
"""


class Found(Protocol):
    """What an analysis found, as far as its document tells it."""

    @property
    def communities(self) -> Sequence[Community]:
        """The communities."""

    @property
    def candidate_pairs(self) -> int:
        """Pairs that were weighed."""

    @property
    def sources(self) -> int:
        """Sources that were looked at."""


def document_of(organization_id: UUID, analysis: Found, report: AnalysisReport) -> dict[str, str]:
    """The document side of an analysis' result as JSON texts by column.

    input_entities: the addresses that it found acting together, 10,000 at most; insights: why, community by community.
    """
    addresses = sorted({address for each in analysis.communities for address in each.source_ips})
    insights = [
        {
            "confidence": each.confidence,
            "sources": len(each.source_ips),
            "evidence": [evidence.text for evidence in each.evidence],
        }
        for each in analysis.communities[:_MOST_INSIGHTS]
    ]
    metrics = scores_dict(report.scores) | {
        "sessions": report.sessions,
        "sources": analysis.sources,
        "candidate_pairs": analysis.candidate_pairs,
        "communities": len(analysis.communities),
    }
    entities = [str(_address_id(organization_id, each)) for each in addresses[:_MOST_ENTITIES]]
    return {
        "input_entities": _json(entities),
        "results": _json(report.as_dict()),
        "metrics": _json(metrics),
        "insights": _json(insights),
    }


def keep_enrichment(
    connection: psycopg.Connection[Any], organization_id: UUID, sessions: pl.DataFrame, enrichment: Enrichment
) -> None:
    """Keep what the local tables say of the sessions' addresses; what is said again changes nothing."""
    if not enrichment.tables and enrichment.feeds is None:
        return
    told = (
        sessions.select("source_ip", "asn", "as_name", "country", "feeds")
        .unique("source_ip")
        .filter(pl.any_horizontal(pl.col("asn", "as_name", "country").is_not_null()) | (pl.col("feeds").list.len() > 0))
    )
    tables = [path.name for path in enrichment.tables]
    metadata = {"enricher": _ENRICHER, "version": ", ".join(tables), "confidence": 1.0}
    connection.execute(
        _ENRICH,
        {
            "organization": organization_id,
            "type": NETWORK,
            "ids": [_address_id(organization_id, address) for address in told["source_ip"]],
            "data": [_json(row) for row in told.drop("source_ip").iter_rows(named=True)],
            "metadata": _json(metadata),
        },
    )


def _address_id(organization_id: UUID, address: str) -> UUID:
    kind = EntityType.IP_ADDRESS.value
    return entity_id(organization_id, kind, normalize(kind, address).identity)


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()
