"""Examples of answers whose shape is another standard's, or that are files: what OpenAPI shows of them.

What has a model of ours is exemplified from that model (`openapi.describe`).
"""

from collections.abc import Mapping
from typing import Any, Final

_COLLECTION_ID: Final = "01a22ef6-6b5e-7d8c-8bac-c9aa206a4dc2"
_INDICATOR_ID: Final = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
_MOMENT: Final = "2026-03-01T12:00:00.000Z"
_STIX: Final = "application/stix+json;version=2.1"

INDICATOR: Final[dict[str, Any]] = {
    "type": "indicator",
    "spec_version": "2.1",
    "id": _INDICATOR_ID,
    "created": _MOMENT,
    "modified": _MOMENT,
    "name": "Source of a campaign",
    "pattern": "[ipv4-addr:value = '203.0.113.77']",
    "pattern_type": "stix",
    "valid_from": _MOMENT,
}
TAXII_DISCOVERY: Final[dict[str, Any]] = {
    "title": "Clew",
    "default": "/taxii2/root/",
    "api_roots": ["/taxii2/root/"],
}
TAXII_ROOT: Final[dict[str, Any]] = {
    "title": "Shared by the organization",
    "versions": ["application/taxii+json;version=2.1"],
    "max_content_length": 1048576,
}
TAXII_COLLECTION: Final[dict[str, Any]] = {
    "id": _COLLECTION_ID,
    "title": "Campaigns",
    "can_read": True,
    "can_write": False,
    "media_types": [_STIX],
}
TAXII_COLLECTIONS: Final[dict[str, Any]] = {"collections": [TAXII_COLLECTION]}
TAXII_OBJECTS: Final[dict[str, Any]] = {"objects": [INDICATOR]}
TAXII_MANIFEST: Final[dict[str, Any]] = {
    "objects": [{"id": _INDICATOR_ID, "date_added": _MOMENT, "version": _MOMENT, "media_type": _STIX}]
}
TAXII_VERSIONS: Final[dict[str, Any]] = {"versions": [_MOMENT]}

_ENTITY: Final = "0a111b43-6283-5215-b4ff-5c9afbf34cb2"
_PARENT: Final = "602e275f-6c93-5fb9-8682-f8da09dda353"
GRAPHS: Final[Mapping[str, Any]] = {
    "application/graphml+xml": (
        '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
        '<key id="n_name" for="node" attr.name="name" attr.type="string"/>\n<graph edgedefault="directed">\n'
        f'<node id="{_ENTITY}"><data key="n_name">orders.wickandwax.test</data></node>\n</graph>\n</graphml>\n'
    ),
    "application/gexf+xml": (
        '<?xml version="1.0" encoding="UTF-8"?>\n<gexf xmlns="http://gexf.net/1.3" version="1.3">\n'
        '<graph mode="static" defaultedgetype="directed">\n'
        f'<nodes>\n<node id="{_ENTITY}" label="orders.wickandwax.test"/>\n</nodes>\n</graph>\n</gexf>\n'
    ),
    "application/json": {
        "directed": True,
        "multigraph": True,
        "graph": {},
        "nodes": [{"id": _ENTITY, "type": "domain", "name": "orders.wickandwax.test", "risk_score": 0}],
        "links": [],
    },
    "text/csv; charset=utf-8": (
        "id,source_entity_id,target_entity_id,type,confidence,source,first_seen,last_seen,properties\n"
        f"f8355083-7462-543e-a475-564757a56419,{_ENTITY},{_PARENT},SUBDOMAIN_OF,0.5,subfinder,,,\n"
    ),
}

_CAMPAIGN: Final[dict[str, Any]] = {
    "id": _COLLECTION_ID,
    "name": "Campaign 6a4dc2 of 2025-03-10",
    "status": "active",
    "confidence": 0.9991,
    "sources": 8,
    "sessions": 27,
    "first_seen": "2025-03-10T01:56:00.019355+00:00",
    "last_seen": "2025-03-10T09:57:00.123240+00:00",
    "source_ips": ["198.51.100.21", "198.51.100.34"],
}
CAMPAIGNS: Final[Mapping[str, Any]] = {
    "text/csv": (
        "campaign_id,campaign,status,campaign_confidence,threat_actor,type,value,confidence,count,first_seen,last_seen\n"
        f"{_COLLECTION_ID},Campaign 6a4dc2 of 2025-03-10,active,0.9991,,behavior,sh .w,1.0,8,"
        "2025-03-10T03:01:58.056041+00:00,2025-03-10T03:22:12.046309+00:00\n"
    ),
    "application/json": _CAMPAIGN,
}
REPORTS: Final[Mapping[str, Any]] = {
    "text/html": '<!doctype html>\n<html lang="en">…</html>\n',
    "application/json": {
        "format": "clew-report-1",
        "generated_at": "2026-03-01T12:00:00.000000Z",
        "generator": "clew 0.1.0",
        "case": {"id": _COLLECTION_ID, "name": "Harbour Lantern", "status": "pending"},
        "targets": [],
        "timeline": {"events": [], "first_seen": []},
        "entities": [],
        "relationships": [],
        "campaigns": [],
    },
}
AUDIT_LINES: Final = (
    '{"format":"clew audit export v1","organization":"01a22ef5-ac9f-7d0c-8774-2ff68b44fd08",'
    '"exported_at":"2026-03-01T12:00:00.000000+00:00","public_key":"6b879334cb735e19f04fdd96ad2f4e71bf95c61367e2239e20a891083a611dc9"}\n'
    '{"row":[2,323,766,1],"salt":"8eec04aa-b26b-48f7-9175-56465922c52d","payload":"{…}"}\n'
)
