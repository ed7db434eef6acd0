"""Analyses over the API: started, followed, cancelled, counted; secrets of callbacks; nothing of others shows."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from clew.domains.analyses.settling import settle
from clew.domains.jobs.claims import Advance
from clew.domains.jobs.service import cancel_job
from clew.worker.analyze_job import ANALYZE
from clew.worker.work import Outcome, Work
from tests.support.api import Api, problem
from tests.support.attacks import START, Operator, background
from tests.support.identity import new_user
from tests.support.loading import count, load, log, rows
from tests.support.record import Tenant, new_organization

PLACE = "/api/v1/analyses"
SECRET = "/api/v1/organization/webhook-secret"


def headers_of(api: Api, tenant: Tenant, role: str = "analyst") -> dict[str, str]:
    return api.headers(tenant, new_user(api.database, tenant, role=role), "key")


def worked(api: Api, tenant: Tenant, analysis: dict[str, Any], **options: Any) -> Outcome:
    """One attempt at the job of an analysis."""
    told = options.pop("observe", lambda _advance: None)
    stop = options.pop("stop", threading.Event())
    parameters = {"analysis_session_id": analysis["id"]}
    return ANALYZE.run(Work(api.database, tenant.id, UUID(analysis["job_id"]), None, 1, parameters, told, stop))


def test_an_analysis_is_started_followed_and_read(api: Api, tenant: Tenant, tmp_path: Path) -> None:
    headers = headers_of(api, tenant)
    lines = [*background(START), *Operator("kraken").lines(START)]
    load(api.database, tenant, log(tmp_path / "cowrie.json", lines))
    asked = {"depth": "minimal", "priority": 9, "until": datetime(2030, 1, 1, tzinfo=UTC).isoformat()}
    started = api.client.post(PLACE, json=asked, headers=headers)
    assert started.status_code == 202, started.text
    analysis = started.json()
    assert (analysis["status"], analysis["priority"], analysis["analysis_depth"]) == ("queued", 9, "minimal")
    job = api.client.get(f"/api/v1/jobs/{analysis['job_id']}", headers=headers).json()
    assert (job["priority"], job["queue"]) == (9, "analysis")
    place = f"{PLACE}/{analysis['id']}"
    seen: list[dict[str, Any]] = []

    def observe(advance: Advance) -> None:
        if advance.step == "weighing pairs":
            seen.append(api.client.get(place, headers=headers).json())

    assert worked(api, tenant, analysis, observe=observe).finished
    assert [(each["status"], each["current_step"]) for each in seen] == [("processing", "evidence")]
    answer = api.client.get(place, headers=headers)
    found = answer.json()
    assert (found["status"], found["result"]["sessions"], found["current_step"]) == ("completed", 84, None)
    assert "act together" in found["result"]["assessment"]["summary"]
    assert [step["step"] for step in found["steps"]][-1] == "publish"
    assert api.client.get(place, headers=headers | {"If-None-Match": answer.headers["ETag"]}).status_code == 304
    listed = api.client.get(PLACE, params={"status": "completed"}, headers=headers).json()["items"]
    assert [each["id"] for each in listed] == [analysis["id"]]
    assert api.client.get(PLACE, params={"status": "failed"}, headers=headers).json()["items"] == []
    problem(api.client.post(f"{place}/cancel", headers=headers), 409, "conflict")


def test_one_that_waits_is_cancelled_at_once_and_one_at_work_behind_its_node(
    api: Api, tenant: Tenant, tmp_path: Path
) -> None:
    headers = headers_of(api, tenant)
    load(api.database, tenant, log(tmp_path / "cowrie.json", [*background(START), *Operator("hydra").lines(START)]))
    first = api.client.post(PLACE, json={}, headers=headers).json()
    stale = {"If-Match": '"0123456789abcdef0123456789abcdef"'}
    problem(api.client.post(f"{PLACE}/{first['id']}/cancel", headers=headers | stale), 412, "precondition")
    cancelled = api.client.post(f"{PLACE}/{first['id']}/cancel", headers=headers)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert api.client.get(f"/api/v1/jobs/{first['job_id']}", headers=headers).json()["status"] == "cancelled"
    assert api.client.post(f"{PLACE}/{first['id']}/cancel", headers=headers).json()["status"] == "cancelled"

    second = api.client.post(PLACE, json={}, headers=headers).json()
    stop = threading.Event()
    with api.database.transaction(tenant.context) as connection:
        connection.exec_driver_sql(
            "UPDATE jobs SET status = 'running', claim_id = gen_random_uuid() WHERE status = 'pending'"
        )

    def observe(advance: Advance) -> None:
        if advance.step == "evidence":
            assert api.client.post(f"{PLACE}/{second['id']}/cancel", headers=headers).json()["status"] == "processing"
            stop.set()

    outcome = worked(api, tenant, second, observe=observe, stop=stop)
    assert (outcome.finished, outcome.result["status"]) == (False, "cancelled")
    found = api.client.get(f"{PLACE}/{second['id']}", headers=headers).json()
    assert (found["status"], found["steps"][-1]["status"]) == ("cancelled", "interrupted")
    assert api.client.get("/api/v1/campaigns?all=true", headers=headers).json()["items"] == []
    for table in ("analysis_intermediates", "checkpoints", "checkpoint_writes"):
        assert count(api.database, tenant, table) == 0


def test_one_whose_job_ends_without_it_does_not_say_for_ever_that_it_waits(api: Api, tenant: Tenant) -> None:
    headers = headers_of(api, tenant)
    first, second = (api.client.post(PLACE, json={}, headers=headers).json() for _ in range(2))
    with api.database.transaction(tenant.context) as connection:
        cancel_job(connection, tenant.id, UUID(first["job_id"]))
        connection.exec_driver_sql(
            'UPDATE jobs SET status = \'failed\', error = \'{"code": "runner_died", "message": "its runner died"}\''
            f" WHERE id = '{second['job_id']}'"
        )
    assert settle(api.database, tenant.id) == 2
    assert api.client.get(f"{PLACE}/{first['id']}", headers=headers).json()["status"] == "cancelled"
    failed = api.client.get(f"{PLACE}/{second['id']}", headers=headers).json()
    assert (failed["status"], failed["result"]["code"]) == ("failed", "runner_died")
    assert settle(api.database, tenant.id) == 0


def test_each_analysis_of_a_key_is_counted_once_and_none_beyond_its_quota(api: Api, tenant: Tenant) -> None:
    headers = headers_of(api, tenant)
    with api.database.transaction(tenant.context) as connection:
        connection.exec_driver_sql("UPDATE api_keys SET quota_analyses_per_month = 2")
    named = headers | {"Idempotency-Key": "one"}
    first, again = (api.client.post(PLACE, json={}, headers=named).json() for _ in range(2))
    assert first["id"] == again["id"]
    problem(api.client.post(PLACE, json={"source_ips": ["no address"]}, headers=headers), 400, "input")
    assert api.client.post(PLACE, json={}, headers=headers).status_code == 202
    problem(api.client.post(PLACE, json={}, headers=headers), 429, "limit")
    assert rows(api.database, tenant, "SELECT analyses_used_this_month FROM api_keys") == [(2,)]
    assert count(api.database, tenant, "analysis_sessions") == 2


def test_the_secret_of_callbacks_is_shown_once_and_its_url_may_not_lead_inside(api: Api, tenant: Tenant) -> None:
    admin, analyst = headers_of(api, tenant, "admin"), headers_of(api, tenant)
    problem(api.client.get(SECRET, headers=admin), 404, "not_found")
    callback = {"callback_url": "https://hooks.example.com/clew"}
    problem(api.client.post(PLACE, json=callback, headers=analyst), 400, "input")
    problem(api.client.post(SECRET, headers=analyst), 403, "forbidden")
    made = api.client.post(SECRET, headers=admin)
    assert (made.status_code, made.json()["secret"][:6]) == (201, "whsec_")
    known = api.client.get(SECRET, headers=admin).json()
    assert made.json()["secret"][6:] not in str(known)
    assert api.client.post(SECRET, headers=admin).json()["secret"] != made.json()["secret"]
    assert api.client.get(SECRET, headers=admin).json()["fingerprint"] != known["fingerprint"]
    assert api.client.post(PLACE, json=callback, headers=analyst).status_code == 202
    for inside in ("http://127.0.0.1:1/", "http://[::1]/", "http://169.254.169.254/latest"):
        problem(api.client.post(PLACE, json={"callback_url": inside}, headers=analyst), 400, "outbound_refused")
    assert api.client.delete(SECRET, headers=admin).status_code == 204
    problem(api.client.delete(SECRET, headers=admin), 404, "not_found")
    stored = rows(api.database, tenant, "SELECT old_value::text || new_value::text FROM audit.configuration_changes")
    assert all("whsec_" not in str(each) for each in stored)


def test_nothing_of_others_shows(api: Api, tenant: Tenant) -> None:
    mine = api.client.post(PLACE, json={}, headers=headers_of(api, tenant)).json()
    stranger = headers_of(api, new_organization(api.database), "admin")
    problem(api.client.get(f"{PLACE}/{mine['id']}", headers=stranger), 404, "not_found")
    problem(api.client.post(f"{PLACE}/{mine['id']}/cancel", headers=stranger), 404, "not_found")
    assert api.client.get(PLACE, headers=stranger).json()["items"] == []
    readonly = headers_of(api, tenant, "readonly")
    problem(api.client.post(PLACE, json={}, headers=readonly), 403, "forbidden")
    assert api.client.get(f"{PLACE}/{mine['id']}", headers=readonly).status_code == 200
    problem(api.client.get(f"{PLACE}/{uuid4()}", headers=readonly), 404, "not_found")
