"""Why two addresses are thought to act together, or not."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg

from clew.analysis.coordination import Background, Depth, Explanation, background_of, explain
from clew.domains.campaigns.enrichment import Enrichment
from clew.domains.campaigns.features import Stretch, read_features
from clew.domains.campaigns.log_lines import with_lines
from clew.kernel.errors import InputError, NotFoundError
from clew.ontology import EntityType, InvalidValueError, normalize
from clew.ontology.possible_times import MAXIMUM_CLOCK_SKEW
from clew.records.acts import Act, record

_BACKGROUND: Final = """
SELECT background FROM coordination_states WHERE organization_id = %(organization)s
ORDER BY updated_at DESC LIMIT 1
"""


def explain_pair(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    first: str,
    second: str,
    *,
    enrichment: Enrichment,
    now: datetime,
) -> Explanation:
    """How probably the two act together, with the evidence, by what is common in the whole record.

    Takes a connection inside a transaction of the organization. Raises InputError for what is no address, or twice
    the same, NotFoundError for one that the record has no session of.
    """
    pair = [_address(text) for text in (first, second)]
    if pair[0] == pair[1]:
        raise InputError("these are one address", remedy="name two")
    latest = now + MAXIMUM_CLOCK_SKEW
    sessions = read_features(connection, organization_id, Stretch(addresses=pair), latest, enrichment)
    for address in pair:
        if address not in sessions["source_ip"]:
            raise NotFoundError(
                f"no session comes from {address}", remedy="`clew show ADDRESS` says what is known of it"
            )
    background = _background(connection, organization_id)
    if background is None:
        everything = read_features(connection, organization_id, Stretch(), latest, enrichment)
        background = background_of(everything)
    found = explain(sessions, *pair, background=background, depth=Depth.FORENSIC)
    request = {"with": pair[1], "probability": found.probability}
    record(connection, Act("coordination_explained", "READ", "ip_address", None, pair[0], request=request))
    return found


def as_document(found: Explanation, connection: psycopg.Connection[Any], organization_id: UUID) -> dict[str, Any]:
    """For JSON, with the lines of the logs that the sessions are from."""
    return {
        "probability": found.probability,
        "evidence": with_lines(
            connection,
            organization_id,
            (
                {
                    "kind": each.kind,
                    "version": each.version,
                    "score": each.score,
                    "text": each.text,
                    "refs": list(each.refs),
                }
                for each in found.evidence
            ),
        ),
    }


def _background(connection: psycopg.Connection[Any], organization_id: UUID) -> Background | None:
    row = connection.execute(_BACKGROUND, {"organization": organization_id}, binary=True).fetchone()
    try:
        return None if row is None else Background.from_bytes(row[0])
    except ValueError:
        return None


def _address(text: str) -> str:
    try:
        return normalize(EntityType.IP_ADDRESS, text).name
    except InvalidValueError as error:
        raise InputError(f"this is no address: {text[:80]!r}", remedy="write an IPv4 or IPv6 address") from error
