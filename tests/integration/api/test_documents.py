"""Documents over the API: found, read, and their content, all of it or a span; for whom, and for whom not."""

import hashlib
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.api import Api, Person, problem
from tests.support.loading import load
from tests.support.record import Tenant

DOCUMENTS = "/api/v1/documents"
FILE = Path(__file__).parents[2] / "fixtures/whois/python_whois.json"
CONTENT = FILE.read_bytes()
SIZE = len(CONTENT)


@pytest.fixture(scope="module")
def tenant(api: Api) -> Tenant:
    made = api.organization()
    load(api.database, made, FILE)
    return made


@pytest.fixture(scope="module")
def person(api: Api, tenant: Tenant) -> Person:
    return api.person(tenant)


def get(api: Api, person: Person, path: str, **headers: str) -> Any:
    return api.client.get(f"{DOCUMENTS}/{path}", headers=person.headers["key"] | headers)


@pytest.fixture(scope="module")
def file_id(api: Api, person: Person) -> str:
    (file,) = get(api, person, "raw_documents?where=document_type%3Dfile").json()["items"]
    assert file["document"]["file_info"]["size"] == SIZE
    assert file["document"]["hash"] == hashlib.sha256(CONTENT).hexdigest()
    return str(file["id"])


def test_found_by_condition_page_by_page(api: Api, person: Person, file_id: str) -> None:
    page = get(api, person, "raw_documents?where=metadata.source%3Dwhois&limit=1").json()
    seen = [each["id"] for each in page["items"]]
    while page["next_cursor"]:
        following = f"raw_documents?where=metadata.source%3Dwhois&limit=1&cursor={page['next_cursor']}"
        page = get(api, person, following).json()
        seen += [each["id"] for each in page["items"]]
    assert len(seen) == len(set(seen)) > 1
    assert file_id in seen
    enriched = get(api, person, "enriched_data?where=enrichment_type%3Dregistration").json()["items"]
    assert {each["document"]["metadata"]["enricher"] for each in enriched} == {"whois"}
    assert get(api, person, "analysis_results").json() == {"items": [], "next_cursor": None}


def test_read_with_an_etag(api: Api, person: Person, file_id: str) -> None:
    answer = get(api, person, f"raw_documents/{file_id}")
    assert answer.json()["document"]["metadata"]["source"] == "whois"
    again = get(api, person, f"raw_documents/{file_id}", **{"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        (None, 200, 0, SIZE),
        ("bytes=0-0", 206, 0, 1),
        ("bytes=0-9", 206, 0, 10),
        ("bytes=10-", 206, 10, SIZE),
        ("bytes=-10", 206, SIZE - 10, SIZE),
        (f"bytes=5-{SIZE * 2}", 206, 5, SIZE),
        (f"bytes=-{SIZE * 2}", 206, 0, SIZE),
        ("bytes=0-1,4-5", 200, 0, SIZE),
        ("bytes=-", 200, 0, SIZE),
        ("lines=0-1", 200, 0, SIZE),
        ("bytes=x-1", 200, 0, SIZE),
        (f"bytes={SIZE}-", 416, 0, 0),
        ("bytes=9-5", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
    ],
)
def test_content_or_a_span_of_it(
    api: Api, person: Person, file_id: str, asked: str | None, status: int, start: int, end: int
) -> None:
    headers = {"Range": asked} if asked else {}
    answer = get(api, person, f"raw_documents/{file_id}/content", **headers)
    assert answer.status_code == status
    if status == 416:
        assert answer.headers["content-range"] == f"bytes */{SIZE}"
        return
    assert answer.content == CONTENT[start:end]
    assert answer.headers["content-length"] == str(end - start)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"] == 'attachment; filename="python_whois.json"'
    assert answer.headers["content-type"] == "application/octet-stream"
    assert ("content-range" in answer.headers) is (status == 206)


def test_content_that_the_caller_has_is_not_sent(api: Api, person: Person, file_id: str) -> None:
    path = f"raw_documents/{file_id}/content"
    tag = get(api, person, path).headers["etag"]
    assert get(api, person, path, **{"If-None-Match": tag}).status_code == 304
    assert get(api, person, path, **{"If-Range": tag, "Range": "bytes=0-1"}).status_code == 206
    assert get(api, person, path, **{"If-Range": '"other"', "Range": "bytes=0-1"}).status_code == 200


def test_the_content_of_a_row_is_its_json(api: Api, person: Person) -> None:
    (row, *_) = get(api, person, "raw_documents?where=document_type%3Dresult").json()["items"]
    answer = get(api, person, f"raw_documents/{row['id']}/content")
    assert answer.json() == row["document"]["content"]
    assert answer.headers["content-type"] == "application/json"


def test_what_is_not_there_or_cannot_be_asked(api: Api, person: Person) -> None:
    problem(get(api, person, f"raw_documents/{uuid4()}"), 404, "not_found")
    problem(get(api, person, f"raw_documents/{uuid4()}/content"), 404, "not_found")
    problem(get(api, person, "raw_documents?where=nothing%3D1"), 400, "document_query")
    problem(get(api, person, "raw_documents?where=%24where%3D1"), 400, "document_query")
    problem(get(api, person, "raw_documents?cursor=x"), 400, "document_query")
    problem(get(api, person, "passwords"), 404, "not_found")


def test_no_other_organization_and_nobody_without_the_right_reads_them(api: Api, tenant: Tenant, file_id: str) -> None:
    stranger = api.person(api.organization(), "admin")
    assert get(api, stranger, "raw_documents").json()["items"] == []
    for path in (f"raw_documents/{file_id}", f"raw_documents/{file_id}/content"):
        problem(get(api, stranger, path), 404, "not_found")
    onlooker = api.person(tenant, "readonly")
    for path in ("raw_documents", f"raw_documents/{file_id}", f"raw_documents/{file_id}/content"):
        problem(get(api, onlooker, path), 403, "forbidden")
