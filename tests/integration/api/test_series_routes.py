"""Measured values over the API: written, asked for, deleted, each organization's own; and the server's own figures."""

import pytest
import sqlalchemy as sa

from clew.api.serving import opened_serving
from clew.api.system_metrics import figures, write_figures
from clew.domains.identity.service import ensure_default_organization
from clew.kernel.database import TenantContext
from clew.kernel.roles import PROJECTOR
from clew.projections.series import service
from clew.records.series.model import microseconds
from tests.support.api import Api, Person
from tests.support.record import migrated_database

POINTS = [
    {"measurement": "asset_metrics", "time": "2026-03-01T00:00:00Z", "tags": {"host": "a"}, "fields": {"cpu": 1.5}},
    {"measurement": "asset_metrics", "time": "2026-03-01T00:30:00Z", "tags": {"host": "a"}, "fields": {"cpu": 2.5}},
    {"measurement": "asset_metrics", "time": "2026-03-01T01:00:00Z", "tags": {"host": "b"}, "fields": {"cpu": 9}},
    {"measurement": "nonsense", "time": "2026-03-01T01:00:00Z", "fields": {"cpu": 9}},
    {"measurement": "asset_metrics", "time": "soon", "fields": {"cpu": 9}},
    {"measurement": "event_counts", "time": "2026-03-01T01:00:00Z", "fields": {"count": 9}},
]
SPAN = {"from": "2026-03-01", "to": "2026-03-02"}


@pytest.fixture
def analyst(api: Api) -> Person:
    return api.person(api.organization(), "analyst")


@pytest.fixture
def long_kept(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Points of any age are taken."""
    monkeypatch.setitem(api.serving.settings.series_retention_days, "raw", 36_500)


@pytest.mark.usefixtures("long_kept")
def test_points_are_written_asked_for_and_deleted(api: Api, analyst: Person) -> None:
    headers = analyst.headers["key"]
    written = api.client.post("/api/v1/series/points", json={"points": POINTS[:5]}, headers=headers)
    assert written.status_code == 200, written.text
    assert written.json()["values"] == 3
    assert [each["line"] for each in written.json()["refused"]] == [4, 5]
    listed = api.client.get("/api/v1/series", headers=headers).json()["items"]
    assert [(each["measurement"], each["series"], each["first"]) for each in listed] == [
        ("asset_metrics", 2, "2026-03-01T00:00:00Z")
    ]
    series = api.client.get("/api/v1/series/asset_metrics", headers=headers).json()["items"]
    assert sorted(each["tags"]["host"] for each in series) == ["a", "b"]
    asked = {**SPAN, "every": "1h", "aggregate": "mean,count", "by": "host"}
    answer = api.client.get("/api/v1/series/asset_metrics/values", params=asked, headers=headers).json()
    assert answer["resolution"] == "1h"
    assert [(line["tags"], line["values"]) for line in answer["lines"]] == [
        ({"host": "a"}, {"mean": [2.0], "count": [2.0]}),
        ({"host": "b"}, {"mean": [9.0], "count": [1.0]}),
    ]
    span = {**SPAN, "where": "host=a"}
    deleted = api.client.delete("/api/v1/series/asset_metrics/values", params=span, headers=headers)
    assert deleted.json() == {"hours": 1}
    left = api.client.get("/api/v1/series/asset_metrics/values", params=SPAN, headers=headers).json()
    assert [line["tags"] for line in left["lines"]] == [{"host": "b"}]


@pytest.mark.usefixtures("long_kept")
def test_what_others_measured_is_not_there(api: Api, analyst: Person) -> None:
    other = api.person(api.organization(), "admin")
    api.client.post("/api/v1/series/points", json={"points": POINTS[:3]}, headers=analyst.headers["key"])
    headers = other.headers["key"]
    assert api.client.get("/api/v1/series", headers=headers).json() == {"items": []}
    answer = api.client.get("/api/v1/series/asset_metrics/values", params=SPAN, headers=headers).json()
    assert answer["lines"] == []
    deleted = api.client.delete("/api/v1/series/asset_metrics/values", params=SPAN, headers=headers)
    assert deleted.json() == {"hours": 0}


@pytest.mark.usefixtures("long_kept")
@pytest.mark.parametrize(
    ("odd", "refused"),
    [("12345678901234567890123", []), ("-9223372036854775809", []), ('"\\ud800"', [1]), ("1e400", [1])],
)
def test_numbers_of_any_length_are_written_and_what_is_none_is_told(
    api: Api, analyst: Person, odd: str, refused: list[int]
) -> None:
    point = '{"measurement": "asset_metrics", "time": "2026-03-01T00:00:00Z", "fields": {"cpu": %s}}'
    body = f'{{"points": [{point % odd}, {point % 1.5}]}}'
    headers = analyst.headers["key"] | {"Content-Type": "application/json"}
    answer = api.client.post("/api/v1/series/points", content=body.encode(), headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["values"] == 2 - len(refused)
    assert [each["line"] for each in answer.json()["refused"]] == refused


@pytest.mark.usefixtures("long_kept")
def test_points_that_are_sent_again_are_written_once(api: Api, analyst: Person) -> None:
    headers = analyst.headers["key"] | {"Idempotency-Key": "one"}
    answers = [api.client.post("/api/v1/series/points", json={"points": POINTS[:3]}, headers=headers) for _ in range(2)]
    assert [answer.json()["values"] for answer in answers] == [3, 3]
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true"]


def test_whoever_only_reads_cannot_write(api: Api, analyst: Person) -> None:
    reader = api.person(analyst.tenant, "readonly").headers["key"]
    refused = api.client.post("/api/v1/series/points", json={"points": POINTS[:1]}, headers=reader)
    assert refused.status_code == 403
    assert api.client.get("/api/v1/series", headers=reader).status_code == 200


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/series/asset_metrics/values?every=often", 422),
        ("/series/asset_metrics/values?every=1h&aggregate=median", 422),
        ("/series/asset_metrics/values?by=a%22b", 422),
        ("/series/asset_metrics/values?from=soon", 422),
    ],
)
def test_questions_that_cannot_be_answered_are_refused(api: Api, analyst: Person, target: str, status: int) -> None:
    answer = api.client.get(f"/api/v1{target}", headers=analyst.headers["key"])
    assert answer.status_code in {400, status}
    assert answer.json()["code"] == "series_input"


def test_counted_measurements_are_nobodys_to_write(api: Api, analyst: Person) -> None:
    headers = analyst.headers["key"]
    answer = api.client.post("/api/v1/series/points", json={"points": POINTS[5:]}, headers=headers)
    assert answer.json()["code"] == "series_input"
    assert api.client.delete("/api/v1/series/event_counts/values", params=SPAN, headers=headers).status_code >= 400


def test_a_server_measures_itself(api: Api) -> None:
    organization = ensure_default_organization(api.database)
    measured = figures(api.serving)
    assert measured["", ""]["memory_available_bytes"] > 0
    write_figures(api.serving, measured)
    now = microseconds(api.serving.clock())
    from clew.projections.series.wording import query_of

    with api.database.transaction(TenantContext(organization.id)) as connection:
        query = query_of("system_metrics", now, since="-1h", every="1h", aggregates=["count"])
        answer = service.ask(connection, api.serving.settings, organization.id, query)
    assert {"load_1m", "disk_free_bytes", "feed_changes"} <= {line.field for line in answer.lines}


def test_on_a_record_of_nobody_yet_a_server_keeps_its_figures_to_itself() -> None:
    with migrated_database() as fresh, opened_serving(fresh) as serving:
        write_figures(serving, figures(serving))
        with fresh.transaction(None, PROJECTOR, reading=True) as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM organizations")).scalar_one() == 0
