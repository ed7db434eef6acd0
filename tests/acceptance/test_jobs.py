"""`clew jobs`, beside a server that does them."""

import http.client
import json
from uuid import uuid4

import pytest

from tests.support.program import Program

pytestmark = pytest.mark.same_everywhere


def upload(program: Program, content: bytes) -> str:
    """The job of a file that was sent to a server, which has ended when this returns."""
    key = program.json("key", "create", "--name", "up", "--scope", "write")["key"]
    process = program.start("serve", "--port", "0", CLEW_JOB_WORKERS="1")
    try:
        assert process.stdout is not None
        host, _, port = process.stdout.readline().split("//")[1].strip().partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        connection.request("POST", "/api/v1/ingest?file_name=x.json", content, {"X-API-Key": key})
        response = connection.getresponse()
        answer = json.loads(response.read())
        assert response.status == 201, answer
        connection.close()
        return str(answer["job_id"])
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_jobs_are_listed_shown_cancelled_and_retried(prepared: Program) -> None:
    assert prepared.json("jobs", "list") == {"jobs": []}
    assert "No jobs" in prepared.run("jobs", "list").errors
    job = upload(prepared, b"nothing that anybody knows")
    (listed,) = prepared.json("jobs", "list", "--kind", "ingest")["jobs"]
    assert listed["id"] == job
    if listed["status"] == "pending":  # the server ended before it began
        assert prepared.json("jobs", "cancel", job)["status"] == "cancelled"
    else:
        assert listed["status"] == "failed"
        assert prepared.error("jobs", "cancel", job, expect=6)["code"] == "conflict"
    assert prepared.json("jobs", "retry", job)["status"] == "pending"
    assert "pending" in prepared.run("jobs", "show", job).output
    assert prepared.json("jobs", "cancel", job)["status"] == "cancelled"
    assert "cancelled" in prepared.run("jobs", "list", "--status", "cancelled").output
    assert prepared.error("jobs", "show", str(uuid4()), expect=5)["code"] == "not_found"
    assert prepared.error("jobs", "list", "--status", "dancing", expect=4)["code"] == "input"
