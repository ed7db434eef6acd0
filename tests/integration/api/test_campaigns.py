"""Campaigns over the API: an analysis is a job, a decision binds, and nothing of others shows."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from clew.worker.analyze_job import ANALYZE
from clew.worker.work import Work
from tests.support.api import Api, problem
from tests.support.attacks import START, Operator, background
from tests.support.identity import new_user
from tests.support.loading import load, log
from tests.support.record import Tenant

if TYPE_CHECKING:
    from clew.domains.jobs.claims import Advance


def test_an_analysis_is_a_job_and_its_campaigns_are_decided_about(api: Api, tenant: Tenant, tmp_path: Path) -> None:
    headers = api.headers(tenant, new_user(api.database, tenant, role="analyst"), "key")
    load(
        api.database,
        tenant,
        log(tmp_path / "cowrie.json", [*background(START), *Operator("kraken").lines(START)]),
    )
    started = api.client.post("/api/v1/analyses", json={"depth": "standard"}, headers=headers)
    assert started.status_code == 202, started.text
    waiting = started.json()
    assert (waiting["status"], started.headers["Location"]) == ("queued", f"/api/v1/analyses/{waiting['id']}")
    job = api.client.get(f"/api/v1/jobs/{waiting['job_id']}", headers=headers).json()
    assert (job["kind"], job["queue"], job["status"]) == ("analyze", "analysis", "pending")
    steps: list[Advance] = []
    work = Work(api.database, tenant.id, UUID(job["id"]), None, 1, job["parameters"], steps.append, threading.Event())
    outcome = ANALYZE.run(work)
    assert outcome.finished
    assert len(steps) > 3
    (analysis,) = api.client.get("/api/v1/analyses", headers=headers).json()["items"]
    assert (analysis["status"], analysis["result"]["campaigns"]) == ("completed", outcome.result["campaigns"])
    assert api.client.get(f"/api/v1/analyses/{analysis['id']}", headers=headers).json()["confidence"] > 0.5

    (listed,) = api.client.get("/api/v1/campaigns", headers=headers).json()["items"]
    place = f"/api/v1/campaigns/{listed['id']}"
    shown = api.client.get(place, headers=headers).json()
    assert (len(shown["source_ips"]), len(shown["session_ids"])) == (8, 24)
    pair = {"first": shown["source_ips"][0], "second": shown["source_ips"][1]}
    explained = api.client.get("/api/v1/coordination", params=pair, headers=headers).json()
    assert explained["probability"] > 0.3
    assert explained["evidence"]
    export = api.client.get(f"{place}/export", headers=headers)
    assert export.headers["content-type"].startswith("text/csv")
    assert export.text.count("\r\n") == len(shown["indicators"]) + 1

    def decide(**decision: object) -> dict[str, object]:
        answer = api.client.post(f"{place}/decisions", json=decision, headers=headers)
        assert answer.status_code == 200, answer.text
        first: dict[str, object] = answer.json()["items"][0]
        return first

    assert decide(decision="rename", name="Black Tide")["name"] == "Black Tide"
    assert decide(decision="reject")["is_rejected"] is True
    assert api.client.get("/api/v1/campaigns", headers=headers).json()["items"] == []
    assert len(api.client.get("/api/v1/campaigns?all=true", headers=headers).json()["items"]) == 1
    again = api.client.post(f"{place}/decisions", json={"decision": "pin"}, headers=headers)
    problem(again, 409, "conflict")
    problem(api.client.get(f"/api/v1/campaigns/{uuid4()}", headers=headers), 404, "not_found")
