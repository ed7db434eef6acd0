"""Uploads to a real server: resumed, broken off, lied about, contested, and killed."""

import base64
import hashlib
import json
import os
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from clew.domains.uploads.staging import Staging
from clew.ingest.filestore import FileStore
from clew.kernel.database import Database
from tests.support.embedded import wait_until
from tests.support.loading import count, line, rows
from tests.support.record import Tenant, migrated_database, new_organization
from tests.support.serving import Server, served_from
from tests.support.uploading import Answer, Client, client_of

CONTENT = b"".join(line("session.connect", second) + b"\n" for second in range(300))


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """A record whose jobs only these servers do."""
    with migrated_database() as opened:
        yield opened


@pytest.fixture(scope="module")
def server(database: Database) -> Iterator[Server]:
    with served_from(database, CLEW_UPLOAD_SLOW_SECONDS="2", CLEW_UPLOAD_MAXIMUM_BYTES="64MiB") as opened:
        yield opened


@pytest.fixture
def client(server: Server, database: Database, tenant: Tenant) -> Client:
    return client_of(server, database, tenant)


def digest(content: bytes, algorithm: str = "sha-256") -> str:
    made = hashlib.new(algorithm.replace("-", "")).copy()
    made.update(content)
    return f"{algorithm}=:{base64.b64encode(made.digest()).decode()}:"


def staged(database: Database, tenant: Tenant, upload: UUID) -> Path:
    return Staging.of(database.settings).path(tenant.id, upload)


def test_a_small_file_in_one_request_is_loaded_and_accounted_for(
    client: Client, database: Database, tenant: Tenant
) -> None:
    answer = client.send_whole(CONTENT, "cowrie.json", case="Harbour")
    assert answer.status == 201, answer.body
    upload = answer.document
    assert (upload["status"], upload["received_bytes"]) == ("completed", len(CONTENT))
    assert upload["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert answer.headers["location"] == f"/api/v1/uploads/{upload['id']}"
    assert answer.headers["upload-complete"] == "?1"
    job = client.await_job(upload["job_id"])
    assert job["status"] == "completed", job
    result = job["result"]
    assert (result["read"], result["rejected"], result["events"]) == (300, 0, 300)
    assert result["files"][0]["file"] == "cowrie.json"
    assert result["files"][0]["source"] == "cowrie"
    assert job["bytes_done"] == job["bytes_total"] == len(CONTENT)
    assert count(database, tenant, "events") == 300
    assert count(database, tenant, "investigation_items") == 1
    assert FileStore(database.settings.data_dir / "files").verify(upload["sha256"])

    again = client.await_job(client.send_whole(CONTENT, "renamed.json").document["job_id"])
    assert again["result"]["duplicate"] == 300
    assert count(database, tenant, "events") == 300


def test_parts_make_one_file_and_the_last_one_starts_the_job(
    client: Client, database: Database, tenant: Tenant
) -> None:
    whole = hashlib.sha256(CONTENT).hexdigest()
    upload = client.begin(size=len(CONTENT), sha256=whole)
    first = client.append(upload, 0, CONTENT[:1000], Content_Digest=digest(CONTENT[:1000]))
    assert (first.status, first.offset, first.headers["upload-complete"]) == (204, 1000, "?0")
    assert client.offset(upload) == 1000
    assert staged(database, tenant, upload).read_bytes() == CONTENT[:1000]
    middle = client.append(upload, 1000, iter([CONTENT[1000:1500], CONTENT[1500:2000]]), Upload_Length=len(CONTENT))
    assert middle.offset == 2000
    last = client.append(upload, 2000, CONTENT[2000:], complete=True, Repr_Digest=digest(CONTENT, "sha-512"))
    assert last.status == 200, last.body
    assert last.document["sha256"] == whole
    assert client.await_job(last.document["job_id"])["result"]["read"] == 300
    more = client.append(upload, len(CONTENT), b"more")
    assert (more.status, more.document["code"]) == (400, "completed_upload")
    assert client.ask("HEAD", f"/uploads/{upload}").headers["upload-complete"] == "?1"
    assert client.ask("DELETE", f"/uploads/{upload}").status == 409


@pytest.mark.parametrize("offset", [0, 999, 1001, 10**12])
def test_a_wrong_offset_is_told_with_the_right_one(client: Client, offset: int) -> None:
    upload = client.begin()
    client.append(upload, 0, CONTENT[:1000])
    answer = client.append(upload, offset, b"x")
    assert (answer.status, answer.offset) == (409, 1000)
    assert answer.document["code"] == "mismatching_upload_offset"
    assert client.offset(upload) == 1000


@pytest.mark.parametrize("field", ["-1", "1.5", "0x10", "1e3", "", "9" * 30, "1, 2", "٣"])
def test_an_offset_that_is_no_number_is_refused(client: Client, field: str) -> None:
    upload = client.begin()
    with client.server.socket() as connection:
        head = client.head(upload, 0, "Content-Length: 1").replace(
            b"Upload-Offset: 0", b"Upload-Offset: " + field.encode()
        )
        connection.sendall(head + b"x")
        assert connection.recv(12).endswith(b" 400")
    assert client.offset(upload) == 0


def test_lengths_that_contradict_each_other_are_refused(client: Client) -> None:
    upload = client.begin(size=1000)
    for answer in (
        client.append(upload, 0, b"x" * 10, Upload_Length=999),
        client.append(upload, 0, b"x" * 10, complete=True),  # Content-Length says that this is all
        client.append(upload, 0, iter([b"x" * 600, b"x" * 600]), complete=True),
        client.append(client.begin(), 0, iter([b"x" * 10]), complete=True, Upload_Length=11),
    ):
        assert answer.status == 400, answer.body
        assert answer.document["code"] == "inconsistent_upload_length"
    assert client.offset(upload) <= 1000


def test_a_wrong_digest_of_a_part_gives_that_part_up(client: Client, database: Database, tenant: Tenant) -> None:
    upload = client.begin()
    client.append(upload, 0, CONTENT[:500])
    answer = client.append(upload, 500, CONTENT[500:900], Content_Digest=digest(b"other"))
    assert (answer.status, answer.document["code"]) == (400, "digest_mismatch")
    assert client.offset(upload) == 500
    assert staged(database, tenant, upload).stat().st_size == 500
    right = client.append(upload, 500, CONTENT[500:], complete=True, Content_Digest=digest(CONTENT[500:]))
    assert right.document["sha256"] == hashlib.sha256(CONTENT).hexdigest()


def test_a_wrong_digest_of_the_whole_starts_no_job(client: Client) -> None:
    answer = client.ask("POST", "/ingest?file_name=x", CONTENT, Repr_Digest=digest(b"other"))
    assert (answer.status, answer.document["code"]) == (400, "digest_mismatch")
    upload = client.begin(sha256=hashlib.sha256(b"other").hexdigest())
    assert client.append(upload, 0, CONTENT, complete=True).document["code"] == "digest_mismatch"
    assert client.append(upload, len(CONTENT), b"", complete=True).document["code"] == "digest_mismatch"
    assert client.ask("GET", "/jobs").document["items"] == []


@pytest.mark.parametrize("field", ["sha-256=abc", "sha-256=:YWJj:", "md5=:YWJj:", "sha-256=:%%:", "", "," * 50])
def test_digests_that_cannot_be_checked_are_refused(client: Client, field: str) -> None:
    answer = client.ask("POST", "/ingest?file_name=x", CONTENT, Content_Digest=field)
    assert (answer.status, answer.document["code"]) == (400, "input")


def test_names_are_never_paths(client: Client, database: Database, tenant: Tenant) -> None:
    names = {
        "../../../etc/passwd": "passwd",
        "/etc/cron.d/evil": "evil",
        "..\\..\\windows\\win.ini": "win.ini",
        "..": "upload",
        "": "upload",
        "a\r\nSet-Cookie: x=1": "aSet-Cookie: x=1",
        "\x1b[31mred\u202e.json": "[31mred.json",
        "x" * 1000: "x" * 255,
        "~root/.ssh/keys": "keys",
    }
    for given, shown in names.items():
        upload = client.begin(given)
        assert client.ask("GET", f"/uploads/{upload}").document["file_name"] == shown
        assert staged(database, tenant, upload).is_file()
    folder = database.settings.data_dir / "uploads" / str(tenant.id)
    assert {UUID(path.name) for path in folder.iterdir()} == {
        UUID(item["id"]) for item in client.ask("GET", "/uploads").document["items"]
    }


def test_a_file_sent_again_under_its_key_is_loaded_once(client: Client, database: Database, tenant: Tenant) -> None:
    def send(content: bytes, key: str = "once", name: str = "x") -> Answer:
        return client.ask("POST", f"/ingest?file_name={name}", content, Idempotency_Key=key)

    first, again = send(CONTENT), send(CONTENT)
    assert (first.status, again.status) == (201, 201)
    assert again.document["job_id"] == first.document["job_id"]
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    other = (send(CONTENT + b"\n"), send(CONTENT, name="y"))
    assert [(each.status, each.document["code"]) for each in other] == 2 * [(422, "idempotency_key_reused")]
    assert send(CONTENT, key="another").document["job_id"] != first.document["job_id"]
    partial = client.ask("POST", "/ingest?file_name=x", CONTENT, Idempotency_Key="part", Upload_Complete="?0")
    assert (partial.status, partial.document["code"]) == (400, "input")
    assert send(CONTENT, key="no\tkey").status == 400
    assert count(database, tenant, "jobs") == 2


def test_a_file_that_was_broken_off_under_its_key_is_sent_anew(
    client: Client, database: Database, tenant: Tenant
) -> None:
    head = (
        f"POST /api/v1/ingest?file_name=x HTTP/1.1\r\nHost: x\r\nX-API-Key: {client.key}\r\n"
        f"Idempotency-Key: broken\r\nContent-Length: {len(CONTENT)}\r\n\r\n"
    )
    with client.server.socket() as connection:
        connection.sendall(head.encode() + CONTENT[:1000])
    whole = client.ask("POST", "/ingest?file_name=x", CONTENT, Idempotency_Key="broken")
    assert (whole.status, whole.document["status"]) == (201, "completed")
    assert count(database, tenant, "jobs") == 1


def test_of_two_at_once_under_one_key_one_is_loaded_and_both_are_answered_alike(
    client: Client, database: Database, tenant: Tenant
) -> None:
    def send(_: int) -> Answer:
        def parts() -> Iterator[bytes]:
            yield CONTENT[:1000]
            # Not until the server receives both: one that it hears of later is answered without being received.
            wait_until(lambda: count(database, tenant, "uploads") == 2, "the second")
            yield CONTENT[1000:]

        return client.ask("POST", "/ingest?file_name=x", parts(), Idempotency_Key="both")

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(send, range(2))
    assert (first.status, second.status) == (201, 201), (first.body, second.body)
    assert first.document["job_id"] == second.document["job_id"]
    assert count(database, tenant, "jobs") == 1
    states = sorted(each["status"] for each in client.ask("GET", "/uploads").document["items"])
    assert states == ["cancelled", "completed"]


def test_what_the_sender_says_of_its_type_decides_nothing_and_comes_back_nowhere(client: Client) -> None:
    page = b"<html><script>alert(1)</script></html>"
    answer = client.ask("POST", "/ingest?file_name=evil.html", page, Content_Type="text/html")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    job = client.await_job(answer.document["job_id"])
    assert (job["status"], job["error"]["code"]) == ("failed", "input")
    assert "no source recognises its content" in job["error"]["message"]
    disguised = client.ask("POST", "/ingest?file_name=picture.png", CONTENT, Content_Type="image/png")
    assert client.await_job(disguised.document["job_id"])["result"]["by_source"] == {"cowrie": 300}


def test_a_job_that_failed_can_be_retried_while_the_bytes_are_kept(client: Client) -> None:
    job = client.send_whole(b"nothing that anybody knows").document["job_id"]
    assert client.await_job(job)["attempts"] == 1
    assert client.ask("POST", f"/jobs/{job}/retry").document["status"] == "pending"
    assert client.await_job(job)["status"] == "failed"
    assert client.ask("POST", f"/jobs/{job}/cancel").status == 409


def test_options_are_checked_before_the_file_is_sent(client: Client) -> None:
    for query in ("source=nosuch", "time_zone=Atlantis", "region=ZZ", "case=%0A", "source=mapped"):
        answer = client.ask("POST", f"/ingest?file_name=x&{query}", CONTENT)
        assert (answer.status, answer.document["code"]) == (400, "input"), query
    assert client.ask("GET", "/uploads").document["items"] == []
    body = json.dumps({"file_name": "x", "organization_id": str(uuid4())}).encode()
    assert client.ask("POST", "/uploads", body, Content_Type="application/json").status == 422
    assert client.ask("POST", "/ingest", CONTENT).status == 422


def test_too_much_is_refused_when_announced_and_when_it_comes(client: Client) -> None:
    body = json.dumps({"file_name": "x", "size_bytes": 65 << 20}).encode()
    answer = client.ask("POST", "/uploads", body, Content_Type="application/json")
    assert (answer.status, answer.document["code"]) == (413, "too_large")
    upload = client.begin()
    assert client.append(upload, 0, b"x", Upload_Length=65 << 20).status == 413
    lump = bytes(1 << 20)
    sent = client.server.socket()
    with sent:
        sent.sendall(client.head(upload, 0, "Transfer-Encoding: chunked", "Upload-Complete: ?1"))
        heard = b""
        try:
            for _ in range(70):
                sent.sendall(b"%x\r\n%b\r\n" % (len(lump), lump))
        except OSError:
            pass  # it hangs up on us
        try:
            heard = sent.recv(12)
        except OSError:
            heard = b""
    assert heard in {b"HTTP/1.1 413", b""}
    assert client.offset(upload) <= 64 << 20


def test_a_broken_connection_loses_nothing_that_arrived(client: Client, database: Database, tenant: Tenant) -> None:
    content = os.urandom(3 << 20)
    upload = client.begin(size=len(content))
    with client.half_sent(upload, 0, content[: 2 << 20], len(content)) as connection:
        wait_until(lambda: staged(database, tenant, upload).stat().st_size >= 1 << 20, "some of it to be written")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # as a cable pulled out
    wait_until(lambda: rows(database, tenant, "SELECT max(received_bytes) FROM uploads")[0][0] > 0, "it to be kept")
    offset = client.offset(upload)
    assert 1 << 20 <= offset <= 2 << 20
    last = client.append(upload, offset, content[offset:], complete=True)
    assert last.document["sha256"] == hashlib.sha256(content).hexdigest()


def test_whoever_goes_on_ends_a_request_that_hangs(client: Client) -> None:
    upload = client.begin(size=len(CONTENT))
    with client.half_sent(upload, 0, CONTENT[:3000], len(CONTENT)) as hanging:
        wait_until(lambda: client.ask("GET", f"/uploads/{upload}").status == 200, "the server to answer")
        wait_until(lambda: client.offset(upload) in {0, 3000}, "the first request to be ended")
        last = went_on(client, upload)
        hanging.settimeout(30)
        assert hanging.recv(12) in {b"HTTP/1.1 409", b""}
    assert last.document["sha256"] == hashlib.sha256(CONTENT).hexdigest()


def went_on(client: Client, upload: UUID) -> Answer:
    """The rest of it sent; asked again, as its answer says, while the server is still ending who sent before."""
    answers: list[Answer] = []

    def sent() -> bool:
        offset = client.offset(upload)
        answers.append(client.append(upload, offset, CONTENT[offset:], complete=True))
        assert answers[-1].status in {200, 409}, answers[-1].body
        return answers[-1].status == 200

    wait_until(sent, "the request before to be ended")
    return answers[-1]


def test_two_senders_at_once_make_one_whole_file(client: Client) -> None:
    from concurrent.futures import ThreadPoolExecutor

    content = os.urandom(400_000)
    upload = client.begin(size=len(content))

    def send() -> None:
        for _ in range(200):
            offset = client.offset(upload)
            if offset == len(content):
                return
            client.append(upload, offset, content[offset : offset + 50_000])

    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(send) for _ in range(4)]:
            each.result()
    last = client.append(upload, len(content), b"", complete=True)
    assert last.document["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_slow_body_is_ended_and_what_came_is_kept(client: Client) -> None:
    upload = client.begin(size=len(CONTENT))
    with client.half_sent(upload, 0, CONTENT[:700], len(CONTENT)) as connection:
        connection.settimeout(30)
        assert connection.recv(12) == b"HTTP/1.1 408"
    assert client.offset(upload) == 700


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: -5",),
        ("Content-Length: 5x",),
        ("Transfer-Encoding: chunked, identity",),
    ],
)
def test_bodies_framed_by_tricks_are_refused(client: Client, lines: tuple[str, ...]) -> None:
    upload = client.begin()
    with client.server.socket() as connection:
        connection.settimeout(30)
        connection.sendall(client.head(upload, 0, *lines) + b"5\r\nhello\r\n0\r\n\r\n")
        status = connection.recv(12)
    assert status.endswith(b" 400") or status == b"", status
    assert client.offset(upload) == 0


@pytest.mark.parametrize("body", [b"ZZ\r\nhello\r\n", b"-5\r\nhello\r\n", b"5\r\nhelloXX0\r\n\r\n", b"5\r\nhel"])
def test_broken_chunks_complete_nothing(client: Client, body: bytes) -> None:
    upload = client.begin()
    with client.server.socket() as connection:
        connection.settimeout(30)
        connection.sendall(client.head(upload, 0, "Transfer-Encoding: chunked", "Upload-Complete: ?1") + body)
        connection.shutdown(socket.SHUT_WR)
        assert not connection.recv(12).endswith(b" 200")
    assert client.offset(upload) <= 5
    assert client.ask("GET", f"/uploads/{upload}").document["status"] == "receiving"


def test_a_second_request_is_not_smuggled_behind_a_body(client: Client) -> None:
    upload = client.begin()
    smuggled = f"DELETE /api/v1/uploads/{upload} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    with client.server.socket() as connection:
        connection.settimeout(30)
        connection.sendall(client.head(upload, 0, f"Content-Length: {len(smuggled)}") + smuggled)
        assert connection.recv(12).endswith(b" 204")
    assert client.offset(upload) == len(smuggled)


def test_other_organizations_uploads_and_jobs_are_not_found(client: Client, server: Server, database: Database) -> None:
    upload = client.begin()
    job = client.send_whole(CONTENT).document["job_id"]
    stranger = client_of(server, database, new_organization(database), "admin")
    for path in (f"/uploads/{upload}", f"/uploads/{uuid4()}"):
        for answer in (
            stranger.ask("GET", path),
            stranger.ask("HEAD", path),
            stranger.ask("DELETE", path),
            stranger.ask("PATCH", path, b"x", Content_Type="application/partial-upload", Upload_Offset=0),
        ):
            assert answer.status == 404
    for path in (f"/jobs/{job}", f"/jobs/{uuid4()}"):
        assert stranger.ask("GET", path).status == 404
        assert stranger.ask("POST", f"{path}/cancel").status == 404
        assert stranger.ask("POST", f"{path}/retry").status == 404
    assert stranger.ask("GET", "/uploads").document["items"] == []
    assert stranger.ask("GET", "/jobs").document["items"] == []
    assert client.offset(upload) == 0


def test_who_may_only_look_uploads_nothing(server: Server, database: Database, tenant: Tenant) -> None:
    reader = client_of(server, database, tenant, "readonly")
    assert reader.send_whole(CONTENT).status == 403
    assert reader.ask("GET", "/uploads").status == 403
    assert reader.ask("GET", "/jobs").status == 200
    assert reader.ask("POST", f"/jobs/{uuid4()}/cancel").status == 403


def test_given_up_uploads_take_no_more_and_their_bytes_go(client: Client, database: Database, tenant: Tenant) -> None:
    from clew.domains.uploads.sweeping import sweep

    upload = client.begin()
    client.append(upload, 0, b"some")
    assert client.ask("DELETE", f"/uploads/{upload}", If_Match='"other"').status == 412
    assert client.ask("DELETE", f"/uploads/{upload}").status == 204
    assert client.append(upload, 4, b"more").document["code"] == "completed_upload"
    sweep(database)
    assert not staged(database, tenant, upload).exists()
