"""What is broken, hostile or no file at all is said where it is; the rest is loaded and every record counted."""

import gzip
import io
import json
import os
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from clew.kernel.database import Database
from tests.support.loading import LoadingProcess, count, held, line, load, log, rows
from tests.support.record import Tenant

SOUND = [line("session.connect", 1), line("command.input", 2, input="id"), line("session.closed", 3)]


def test_broken_lines_are_held_with_their_place(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    lines = [
        SOUND[0],
        SOUND[1][:40],
        b"\xff\xfe not text \x80",
        b"[1, 2]",
        b"\x00\x01\x02\x7fELF",
        line("command.input", 2, input=None)[:-1] + b', "input": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        line("command.input", src_ip="not an address"),
        line("command.input", timestamp="0000-01-01T00:00:00.000000Z"),
        SOUND[1],
        SOUND[2][:-1],
    ]

    report = load(database, tenant, log(tmp_path / "cowrie.json", lines))

    assert (report.counts.read, report.counts.new, report.counts.rejected) == (10, 2, 8)
    assert [(row[0], row[1]) for row in held(database, tenant)] == [
        ("invalid_json", 2),
        ("invalid_encoding", 3),
        ("wrong_type", 4),
        ("invalid_json", 5),
        ("invalid_json", 6),
        ("invalid_ip_address", 7),
        ("invalid_timestamp", 8),
        ("invalid_json", 10),
    ]


HOSTILE = {
    "nul": "a\0b",
    "end of copy": "a\n\\.\nb",
    "copy": "\\N\t\\t\"\",,''\r\n\\x00{}",
    "carriage return": "a\rb",
    "terminal": "\x1b]0;owned\x07\x1b[2J\x9b31m",
    "separators": "\u2028\u2029\u0085\ufeff\uffff",
    "backslash and digits": "\\u0000 \\\\u0000 \\ud800",
    "sql": "'; DROP TABLE events; -- %s %(x)s $1 :x",
    "emoji": "\U0001f989" * 300,
    "large": "x" * 1_000_000,
    "empty": "",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_kept_as_it_is(database: Database, tenant: Tenant, tmp_path: Path, text: str) -> None:
    lines = [SOUND[0], line("command.input", 2, input=text), line("login.failed", 3, username=text, password=text)]

    report = load(database, tenant, log(tmp_path / "cowrie.json", lines))

    shown = text.replace("\0", "␀")
    assert (report.counts.new, report.counts.rejected) == (3, 0)
    assert rows(database, tenant, "SELECT payload FROM events WHERE kind = 'cowrie.command.input'") == [(shown,)]
    query = "SELECT properties ->> 'username' FROM events WHERE kind = 'cowrie.login.failed'"
    assert rows(database, tenant, query) == [(shown,)]
    assert rows(database, tenant, "SELECT payload, activity -> 0 ->> 2 FROM attack_sessions") == [(shown, shown)]


@pytest.mark.parametrize("field", ["eventid", "sensor", "session", "protocol", "hassh", "version", "url", "dst_ip"])
@pytest.mark.parametrize("value", ['"a\\u0000z"', '"\\ud800"', "17", '{"a": [1, null]}', "[]", "false", "-0.0"])
def test_fields_of_any_kind_do_not_stop_a_load(
    database: Database, tenant: Tenant, tmp_path: Path, field: str, value: str
) -> None:
    event = {"hassh": "client.kex", "version": "client.version", "url": "session.file_download"}.get(field, "x")
    odd = json.loads(line(event, 5)) | {field: "@"}
    text = json.dumps(odd).replace('"@"', value)

    report = load(database, tenant, log(tmp_path / "cowrie.json", [*SOUND, text.encode()]))

    assert report.counts.read == 4
    assert report.counts.new >= 3


@pytest.mark.parametrize("stated", ['"\\u0000"', '"\\ud800"', "[1e400]"])
def test_a_hostile_count_in_a_report_is_only_a_warning(
    database: Database, tenant: Tenant, tmp_path: Path, stated: str
) -> None:
    path = tmp_path / "quietowl.json"
    row = '{"platform": "Site", "url": "https://site.example/quietowl", "status": "found", "response_time": 1}'
    path.write_text(f'{{"username": "quietowl", "total_found": {stated}, "results": [{row}]}}')

    report = load(database, tenant, path)

    assert report.counts.new == 1
    assert any("count of accounts found" in warning for warning in report.warnings)


def test_a_clock_that_names_every_month_is_believed_no_further_than_it_can_be(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    lines = [
        line("session.connect", timestamp=f"{year:04}-{month:02}-01T00:00:00.000000Z")
        for year in (*range(1, 2000, 10), *range(2026, 9999, 50))
        for month in range(1, 13)
    ]

    report = load(database, tenant, log(tmp_path / "cowrie.json", lines))

    assert report.counts.new == len(lines)
    assert len(lines) > 2000


def test_things_that_are_no_files_are_said_and_the_rest_is_loaded(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    folder = tmp_path / "f"
    log(folder / "cowrie.json", SOUND)
    (folder / "empty.json").touch()
    (folder / "noise.bin").write_bytes(bytes(range(256)) * 500)
    (folder / "dangling").symlink_to("nowhere")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(folder)  # the path of a socket may be only 107 bytes long
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
        report = load(database, tenant, folder)

    assert report.counts.new == 3
    assert {Path(file.file).name: file.status for file in report.files} == {
        "cowrie.json": "loaded",
        "dangling": "skipped",
        "empty.json": "skipped",
        "fifo": "skipped",
        "loop": "skipped",
        "noise.bin": "unrecognised",
        "socket": "skipped",
    }


if os.geteuid() != 0:  # root may read everything

    def test_a_file_that_may_not_be_read_is_said(database: Database, tenant: Tenant, tmp_path: Path) -> None:
        log(tmp_path / "cowrie.json", SOUND)
        log(tmp_path / "secret.json", SOUND).chmod(0)
        report = load(database, tenant, tmp_path)
        assert [file.status for file in report.files] == ["loaded", "failed"]


def test_a_file_that_vanishes_while_others_load_is_said(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    log(tmp_path / "a.json", SOUND)
    second = log(tmp_path / "b.json", SOUND[::-1])

    report = load(database, tenant, tmp_path, observe=lambda _: second.unlink(missing_ok=True))

    assert [file.status for file in report.files][:1] == ["loaded"]
    assert report.counts.new == 3
    assert any("b.json" in warning for warning in report.warnings)


def zipped(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_bombs_and_truncated_archives_cost_only_themselves(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    folder = tmp_path / "f"
    log(folder / "cowrie.json", SOUND)
    nested = zipped({"cowrie.json": b"\n".join(SOUND)})
    for depth in range(6):
        nested = zipped({f"{depth}.zip": nested})
    (folder / "nested.zip").write_bytes(nested)
    (folder / "bomb.json.gz").write_bytes(gzip.compress(SOUND[0] + b"\n" + b" " * (200 << 20)))
    later = b"\n".join(line("command.input", second % 3600, input=f"n{second}") for second in range(20_000))
    (folder / "truncated.json.gz").write_bytes(gzip.compress(later)[:-30_000])
    (folder / "traversal.zip").write_bytes(zipped({"../../../etc/clew-test": SOUND[0]}))

    report = load(database, tenant, folder)

    assert {row[0] for row in held(database, tenant)} <= {"invalid_json", "record_too_long"}
    assert report.counts.rejected <= 2  # the line where the truncated log ends, and the bomb's
    assert 1000 < count(database, tenant, "events") < 20_000
    said = " ".join(report.warnings)
    for name in ("nested.zip", "bomb.json.gz", "truncated.json.gz"):
        assert name in said
    assert not Path("/etc/clew-test").exists()


@pytest.mark.slow
def test_a_session_of_huge_commands_does_not_outgrow_the_database(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    # 4 MB each: all of them in one session's JSON would be more than PostgreSQL takes.
    lines = [line("command.input", second, input=f"{second:03}" + "x" * 4_000_000) for second in range(90)]
    one, other = (log(tmp_path / f"{name}.json", [SOUND[0], *part]) for name, part in (("b", lines[45:]), ("a", lines)))

    load(database, tenant, one)
    report = load(database, tenant, other)

    assert report.counts.new == 45
    assert count(database, tenant, "events") == 91
    query = "SELECT event_count, jsonb_array_length(activity), left(payload, 3) FROM attack_sessions"
    assert rows(database, tenant, query) == [(91, 3, "000")]


def long_line(path: Path, mebibytes: int) -> Path:
    with path.open("wb") as file:
        file.write(SOUND[0] + b"\n" + SOUND[1][:-2])
        for _ in range(mebibytes):
            file.write(b"x" * (1 << 20))
        file.write(b'"}\n' + SOUND[2] + b"\n")
    return path


def test_a_log_whose_first_line_is_long_is_recognised_all_the_same(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    lines = [line("command.input", 1, input="x" * 300_000), *SOUND]

    report = load(database, tenant, log(tmp_path / "cowrie.json", lines))

    assert (report.counts.new, [file.source for file in report.files]) == (4, ["cowrie"])


@pytest.fixture(params=[64, pytest.param(2048, marks=pytest.mark.slow)], ids=lambda size: f"{size} MiB")
def one_long_line(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    path = long_line(tmp_path / "cowrie.json", request.param)
    yield path
    path.unlink()


def test_one_long_line_is_passed_over_in_bounded_memory(
    database: Database, tenant: Tenant, one_long_line: Path
) -> None:
    code, report, complaint = LoadingProcess(database, tenant, one_long_line, batch_bytes=16 << 20).end()

    assert code == 0, complaint
    assert (report["read"], report["new"], report["rejected"]) == (3, 2, 1)
    assert held(database, tenant) == [("record_too_long", 2, len(SOUND[0]) + 1, 1)]
    assert report["peak_kib"] < 700 << 10
