"""The command line with a server elsewhere says what it says of the record beside it."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clew.cli.refusal import NotRemoteError
from clew.client import ServerUnreachableError
from clew.kernel.errors import AuthenticationError, ConfigurationError, NotFoundError
from tests.support.embedded import wait_until
from tests.support.program import PATIENCE_SECONDS, Program, Result, set_up_program
from tests.support.serving import Server, started

pytestmark = pytest.mark.same_everywhere

CASE = "Harbour Lantern"
UNLIMITED = ("--per-minute", "0", "--per-hour", "0", "--per-day", "0")
EVENT = {
    "eventid": "cowrie.session.connect", "timestamp": "2025-01-01T00:00:00Z", "session": "aa11", "dst_port": 22,
    "src_ip": "198.51.100.77", "src_port": 1, "dst_ip": "203.0.113.9", "protocol": "ssh", "sensor": "s1",
}  # fmt: skip


@dataclass
class Remote:
    """A program, a server of its record, and a file with a key."""

    program: Program
    server: Server
    key_file: Path

    @property
    def address(self) -> str:
        return self.server.address

    def run(self, *arguments: str | Path, expect: int | None = 0) -> Result:
        return self.program.run("--server", self.address, "--key-file", self.key_file, *arguments, expect=expect)

    def json(self, *arguments: str | Path) -> Any:
        return json.loads(self.run(*arguments, "--json").output)

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        return self.program.start("--server", self.address, "--key-file", self.key_file, *arguments)


@pytest.fixture(scope="module")
def remote() -> Iterator[Remote]:
    """The sample case, served."""
    with set_up_program() as program:
        program.run("demo")
        made = program.json("key", "create", *UNLIMITED, "--scope", "read", "--scope", "write", "--scope", "admin")
        key_file = program.base / "key"
        key_file.touch(0o600)
        key_file.write_text(made["key"])
        made_remote = Remote(program, started(program), key_file)
        try:
            yield made_remote
        finally:
            with made_remote.server as server:
                server.end()


READS = [
    ("show", "203.0.113.77"),
    ("path", "lanternkeeper_example", "198.51.100.21"),
    ("case", "list"),
    ("case", "show", CASE),
    ("org", "show"),
    ("jobs", "list"),
    ("suggest", "lant"),
    ("search", "lant* wget", "--index", "attacks", "--highlight", "--facet", "protocol", "--histogram", "day"),
    ("graph", "neighbours", "lantern-harbour.example"),
    ("graph", "ego", "lanternkeeper_example", "--depth", "1", "--between"),
    ("graph", "path", "lanternkeeper_example", "198.51.100.21", "--surest"),
    ("graph", "paths", "lanternkeeper_example", "198.51.100.21", "--max-length", "5"),
    ("report", CASE, "--format", "json"),
    ("user", "list"),
    ("role", "list"),
    ("key", "list"),
]


def same(text: str) -> str:
    """The text without the times that no two runs share."""
    return re.sub(r'"(took_ms|generated_at|last_used_at|last_activity)": [^,]+,|found in [\d.,]+ ms', "", text)


@pytest.mark.parametrize("command", READS, ids=" ".join)
def test_documents_are_the_same(remote: Remote, command: tuple[str, ...]) -> None:
    here, there = remote.program.run(*command, "--json").output, remote.run(*command, "--json").output
    assert json.loads(here)
    assert same(there) == same(here)


@pytest.mark.parametrize("command", [READS[0], READS[3], READS[7]], ids=" ".join)
def test_people_are_told_the_same(remote: Remote, command: tuple[str, ...]) -> None:
    here, there = remote.program.run(*command).output, remote.run(*command).output
    assert here.strip()
    assert same(there) == same(here)


def test_people_roles_and_keys_are_made(remote: Remote) -> None:
    added = remote.json("user", "add", "ann", "--email", "ann@lantern.example", "--role", "analyst", "--generate")
    assert len(added["password"]) > 12
    assert remote.json("user", "deactivate", "ann")["is_active"] is False
    assert remote.json("user", "activate", "ANN@lantern.example")["is_active"] is True
    assert remote.json("role", "new", "Tagger", "entity:write")["permissions"] == ["entity:write"]
    assert remote.json("role", "grant", "Tagger", "entity:read")["permissions"] == ["entity:read", "entity:write"]
    remote.run("user", "set-role", "ann", "Tagger")
    here, there = remote.program.json("user", "show", "ann"), remote.json("user", "show", "ann")
    assert there == here
    assert here["custom_roles"] == ["Tagger"]
    assert remote.json("user", "reset-password", "ann", "--link")["link"].startswith("http")
    made = remote.json("key", "create", "--user", "ann", "--scope", "read")
    assert remote.json("key", "revoke", made["id"])["is_active"] is False
    told = [each["resource_name"] for each in remote.json("audit", "search", "--action", "CREATE")["events"]]
    assert {"ann", "Tagger"} <= set(told)


def test_the_audit_trail_is_copied_so_that_others_can_check_it(remote: Remote) -> None:
    remote.program.run("audit", "verify")  # seals what is not sealed yet
    copy = remote.program.base / "trail.ndjson"
    done = remote.json("audit", "export", copy)
    assert done["rows"] > 0
    checked = remote.program.json("audit", "verify", "--export", copy, "--public-key", done["public_key"])
    assert (checked["ok"], checked["rows"]) == (True, done["rows"])


def test_what_the_record_does_not_know_is_told_alike(remote: Remote) -> None:
    command = ("show", "lanternkeper_example")
    here = remote.program.error(*command, expect=NotFoundError.exit_code)
    there = remote.run(*command, "--json", expect=NotFoundError.exit_code).error
    assert here["remedy"].startswith("did you mean")
    assert there == here


def test_rejected_records_are_the_same_but_for_their_bytes_in_lists(remote: Remote) -> None:
    here, there = remote.program.json("quarantine", "list")["held"], remote.json("quarantine", "list")["held"]
    assert len(here) == 3
    assert there == [{name: value for name, value in each.items() if name != "content"} for each in here]
    identifier = here[0]["id"]
    assert remote.json("quarantine", "show", identifier) == remote.program.json("quarantine", "show", identifier)


def test_how_views_fare_is_told_as_far_as_it_is_the_organizations_own(remote: Remote) -> None:
    here, there = (
        json.loads(run("projection", "status", "--json").output)[0] for run in (remote.program.run, remote.run)
    )
    shared = ("projection", "adapter", "state", "reason", "set_aside")
    assert {name: there[name] for name in shared} == {name: here[name] for name in shared}
    assert "ready" in remote.run("projection", "status").output


def test_views_are_compared_and_made_anew_beside_the_server_that_keeps_them(remote: Remote) -> None:
    here, there = (
        json.loads(run("projection", "verify", "--json").output)[0] for run in (remote.program.run, remote.run)
    )
    assert here["equal"] is there["equal"] is True
    assert here["record_rows"] == here["view_rows"] > 0
    assert (there["missing"], there["extra"], there["different"]) == (0, 0, 0)
    (built,) = json.loads(remote.program.run("projection", "rebuild", "search", "--json").output)
    assert built["rebuilt_rows"] == here["record_rows"]
    assert remote.program.json("projection", "drill", "search")["equal"] is True


def test_cases_are_opened_and_given_targets(remote: Remote) -> None:
    made = remote.json("case", "new", "Afar", "--description", "from elsewhere", "--priority", "high")
    assert remote.program.json("case", "show", "Afar")["priority"] == made["priority"] == "high"
    first, again = (remote.json("case", "add-target", "Afar", "198.51.100.21") for _ in range(2))
    assert (first["added"], again["added"]) == (True, False)
    assert first["id"] == again["id"] == remote.program.json("case", "show", "Afar")["targets"][0]["id"]


def test_files_are_loaded_and_every_record_is_accounted_for(remote: Remote) -> None:
    folder = remote.program.base / "logs"
    (folder / "inner").mkdir(parents=True)
    (folder / "a.json").write_text(json.dumps(EVENT) + "\nnot json at all\n")
    (folder / "inner" / "b.json").write_text(json.dumps(EVENT | {"session": "bb22"}) + "\n")
    report = remote.json("ingest", folder, "--case", "Sent", "--source", "cowrie")
    assert (report["read"], report["rejected"]) == (3, 1)
    assert report["read"] == report["new"] + report["merged"] + report["duplicate"] + report["rejected"]
    assert [each["file"] for each in report["files"]] == ["logs/a.json", "logs/inner/b.json"]
    again = remote.program.json("ingest", folder, "--source", "cowrie")
    assert (again["new"], again["item_ids"]) == (0, report["item_ids"]), "the record has them as if loaded here"
    assert remote.program.json("case", "show", "Sent")["file_count"] == 2
    assert [each["kind"] for each in remote.json("jobs", "list")["jobs"]][:2] == ["ingest", "ingest"]


def test_what_cannot_be_read_is_told_as_it_is_here(remote: Remote) -> None:
    file = remote.program.base / "riddle.bin"
    file.write_bytes(bytes(range(256)) * 4)
    here = remote.program.run("ingest", file, "--json", expect=4)
    there = remote.run("ingest", file, "--json", expect=4)
    assert there.error == here.error
    assert there.document["files"][0]["status"] in {"failed", here.document["files"][0]["status"]}


def test_a_server_that_goes_away_in_the_middle_of_an_upload_is_waited_for(remote: Remote) -> None:
    file = remote.program.base / "long.json"  # long to send, and soon loaded
    with file.open("w") as written:
        for number in range(3_000):
            written.write(json.dumps(EVENT | {"session": f"{number:08x}", "message": "x" * 4_000}) + "\n")
    sending = remote.start("ingest", file, "--json")
    staged = remote.program.data_dir / "uploads"
    wait_until(lambda: any(each.stat().st_size for each in staged.rglob("*") if each.is_file()), "the upload to begin")
    with remote.server as killed:
        killed.kill()
    remote.server = started(remote.program, "--port", str(killed.port))
    output, errors = sending.communicate(timeout=PATIENCE_SECONDS)
    assert sending.returncode == 0, errors
    assert json.loads(output)["read"] == 3_000


@pytest.mark.parametrize(
    "command",
    [
        ("init",), ("demo",), ("serve",), ("db", "status"), ("projection", "drill", "search"), ("projection", "follow"),
        ("org", "new", "x"), ("org", "list"), ("audit", "verify"), ("ingest", "x", "--mapping", "m.yaml", "--dry-run"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_makes_no_sense_from_elsewhere_says_why(remote: Remote, command: tuple[str, ...]) -> None:
    (remote.program.base / "m.yaml").write_text("")
    refused = remote.run(*command, "--json", expect=None)
    assert refused.code in {NotRemoteError.exit_code, 4}
    if refused.code == NotRemoteError.exit_code:
        assert refused.error["code"] == "not_remote"
        assert ": " in refused.error["message"]


def test_wrong_keys_and_wrong_addresses(remote: Remote) -> None:
    wrong = "clew_live_" + "x" * 43
    told = remote.program.run("--server", remote.address, "--key", wrong, "org", "show", "--json", expect=None)
    assert told.code == AuthenticationError.exit_code
    assert wrong not in told.errors
    without = remote.program.run("--server", remote.address, "org", "show", "--json", expect=None)
    assert without.code == ConfigurationError.exit_code
    nowhere = remote.program.run("--server", "http://127.0.0.1:9", "--key", wrong, "org", "show", expect=None)
    assert nowhere.code == ServerUnreachableError.exit_code
    assert remote.program.run("--server", "nowhere", "--key", wrong, "org", "show", expect=None).code == 4


def test_the_environment_names_server_and_key_and_the_examination_looks_at_both(remote: Remote) -> None:
    variables = {"CLEW_SERVER": remote.address, "CLEW_KEY_FILE": str(remote.key_file)}
    found = remote.program.json("doctor", **variables)
    assert found["healthy"]
    assert {each["name"] for each in found["findings"]} == {"connection", "server", "readiness", "key", "version"}
    assert remote.program.json("--server", "", "org", "show", **variables)["slug"] == "default", "an empty one: here"


def test_schedules_are_kept_from_afar_as_from_here(remote: Remote) -> None:
    made = remote.json("jobs", "schedule", "nightly", "analyze", "--every", "1d", "--parameters", '{"depth": "deep"}')
    assert (made["every_seconds"], made["parameters"], made["queue"]) == (86_400, {"depth": "deep"}, "analysis")
    assert remote.json("jobs", "reschedule", "nightly", "--pause", "--every", "2d")["is_active"] is False
    (here,) = remote.program.json("jobs", "schedules")["schedules"]
    (there,) = remote.json("jobs", "schedules")["schedules"]
    assert (here, here["every_seconds"]) == (there, 172_800)
    remote.run("jobs", "schedule", "x", "analyze", "--every", "1d", "--parameters", '{"deep": 1}', expect=4)
    remote.run("jobs", "schedule", "nightly", "analyze", "--every", "1d", expect=6)
    remote.program.run("jobs", "reschedule", "nightly", expect=4)
    assert remote.json("jobs", "unschedule", "nightly")["name"] == "nightly"
    remote.run("jobs", "unschedule", "nightly", expect=5)


def test_an_analysis_is_asked_for_followed_and_read_from_afar(remote: Remote) -> None:
    made = remote.json("analysis", "start", "--priority", "8", "--depth", "minimal", "--until", "2030-01-01")
    assert (made["priority"], made["analysis_depth"], made["status"] in {"queued", "processing"}) == (
        8,
        "minimal",
        True,
    )
    over = remote.json("analysis", "wait", made["id"])
    assert (over["id"], over["status"], over["steps"][-1]["step"]) == (made["id"], "completed", "publish")
    here, there = (
        json.loads(run("analysis", "show", made["id"], "--json").output) for run in (remote.program.run, remote.run)
    )
    assert there == here == over
    assert here["result"]["sessions"] > 0
    listed = [remote.program.json("analysis", "list"), remote.json("analysis", "list", "--status", "completed")]
    assert [each["id"] for each in listed[0]["analyses"]] == [each["id"] for each in listed[1]["analyses"]]
    assert made["id"] in [each["id"] for each in listed[1]["analyses"]]
    shown = remote.run("analysis", "show", made["id"]).output
    assert shown == remote.program.run("analysis", "show", made["id"]).output
    assert "completed" in shown
    assert here["result"]["assessment"]["summary"].split()[0] in shown


def test_what_is_wrong_with_an_analysis_is_told_alike(remote: Remote) -> None:
    unknown = ("analysis", "show", "00000000-0000-7000-8000-000000000000")
    assert remote.run(*unknown, "--json", expect=5).error == remote.program.error(*unknown, expect=5)
    remote.run("analysis", "start", "--of", "no-address", expect=4)
    inside = ("analysis", "start", "--callback", "http://127.0.0.1:1/")
    for run in (remote.program.run, remote.run):
        refused = run(*inside, "--json", expect=4).error
        assert refused["code"] in {"input", "outbound_refused"}
        assert refused["remedy"]
    (first, *_) = remote.json("analysis", "list", "--status", "completed")["analyses"]
    remote.run("analysis", "cancel", first["id"], expect=6)


def test_the_graph_is_measured_told_and_written_from_afar_as_here(remote: Remote) -> None:
    measured = remote.json("graph", "measure")
    assert measured["entities"] > 0
    for command in (("graph", "central"), ("graph", "central", "--by", "betweenness"), ("graph", "communities")):
        here, there = remote.program.run(*command, "--json").output, remote.run(*command, "--json").output
        assert json.loads(there) == json.loads(here)
        assert json.loads(there)["measurement"]["id"] == measured["id"]
        assert remote.run(*command).output == remote.program.run(*command).output
    written = []
    for name, run in (("here.graphml", remote.program.run), ("there.graphml", remote.run)):
        run("graph", "export", remote.program.base / name)
        written.append((remote.program.base / name).read_bytes())
    assert written[0] == written[1]
    assert b"<graphml" in written[0]
    unknown = ("graph", "neighbours", "nobody.example")
    assert remote.run(*unknown, "--json", expect=5).error == remote.program.error(*unknown, expect=5)
