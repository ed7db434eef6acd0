"""The shipped sample case: complete, as its README says, the script's own work, and about nobody."""

import gzip
import json
import re
from collections import defaultdict
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from bench.sample_case import files, write
from bench.sample_cowrie import MEMBERS, PAYLOAD, STAGING
from clew import samples
from clew.samples import sample_case_path

README = Path(samples.__file__).with_name("README.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([^`]+)` \| [^|]+ \| (\d+) \| (\d+) \|$", re.MULTILINE)
RESERVED = [ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.77.0.0/16")]
PLACEHOLDERS = {"0.0.0.0", "127.0.0.1"}


@pytest.fixture
def case() -> dict[str, bytes]:
    """Content of every shipped file by its path in the case, uncompressed."""
    with sample_case_path() as folder:
        found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: gzip.decompress(data) if name.endswith(".gz") else data for name, data in found.items()}


def records(name: str, data: bytes) -> int:
    """The source's own records: rows under a CSV heading, addresses above the total, rows of a document, lines."""
    if name.endswith(".csv"):
        return len(data.splitlines()) - 1
    if name.endswith(".txt"):
        return sum(line.startswith(b"https://") for line in data.splitlines())
    if name.startswith("tiktok/"):
        return 1 + len(json.loads(data)["videos"])
    if name.startswith("sherlock/"):
        return len(json.loads(data)["results"])
    return sum(bool(line.strip()) for line in data.splitlines())


def test_shipped_files_are_what_the_script_writes(case: dict[str, bytes]) -> None:
    assert case == files()


def test_the_script_writes_a_whole_case_anywhere(tmp_path: Path) -> None:
    write(tmp_path / "copy")
    write(tmp_path / "copy")
    with sample_case_path() as shipped:
        written = sorted(path.relative_to(tmp_path / "copy") for path in (tmp_path / "copy").rglob("*.*"))
        assert written == sorted(path.relative_to(shipped) for path in shipped.rglob("*.*"))


def test_readme_lists_every_file_with_its_records(case: dict[str, bytes]) -> None:
    listed = {name: int(count) for name, count, _ in ROW.findall(README)}
    assert listed == {name: records(name, data) for name, data in case.items()}


def test_case_is_small(case: dict[str, bytes]) -> None:
    with sample_case_path() as folder:
        assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 300_000


def test_only_reserved_addresses_domains_and_handles_occur(case: dict[str, bytes]) -> None:
    text = "\n".join(data.decode() for data in case.values())
    for found in set(re.findall(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])", text)) - PLACEHOLDERS:
        assert any(ip_address(found) in network for network in RESERVED), found
    assert set(re.findall(r'"(2001:[^"]+)"', text)) == {"2001:db8:5::b0a7"}
    hosts = set(re.findall(r"https?://([^/\s\"':]+)", text)) | set(re.findall(r"[\w.]@([\w-]+\.[\w.-]+\w)", text))
    names = {host for host in hosts if not re.fullmatch(r"[\d.]+", host)}
    algorithm_owners = {"openssh.com", "libssh.org"}
    assert {name for name in names if not name.endswith((".example", ".test"))} <= {"www.tiktok.com"} | algorithm_owners
    assert all(path.endswith("_example") for path in re.findall(r"tiktok\.com/@(\w+)", text))
    assert set(re.findall(r"\+\d[\d ]{9,}\d", text)) == {"+44 20 7946 0321", "+1 212 555 0142"}


def test_damaged_log_has_as_many_unsound_lines_as_the_readme_says(case: dict[str, bytes]) -> None:
    expected = {name: int(count) for name, _, count in ROW.findall(README)}["damaged/cowrie.json"]
    unsound = 0
    for line in case["damaged/cowrie.json"].splitlines():
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            unsound += 1
            continue
        unsound += event["timestamp"].startswith("2025-13-40")
    assert unsound == expected == 3


def test_the_two_threads_of_the_story_meet(case: dict[str, bytes]) -> None:
    profile = json.loads(case["tiktok/lanternkeeper_example.json"])
    assert b"tiktok.com/@lanternkeeper_example" in case["sherlock/lanternkeeper_example.csv"]
    assert "keeper@lantern-harbour.example" in profile["profile"]["bio"]
    holehe = case["holehe/holehe_1741607412_keeper@lantern-harbour.example_results.csv"].decode()
    assert re.search(r"^lampshop,lantern-harbour\.example,login,False,False,True,", holehe, re.MULTILINE)
    hosts = [json.loads(line) for line in case["subfinder/lantern-harbour.example.json"].splitlines()]
    assert STAGING in {host["ip"] for host in hosts if host["host"] == "dl.lantern-harbour.example"}
    downloads = [event for event in cowrie_events(case) if event.get("shasum") == PAYLOAD and "url" in event]
    assert {event["src_ip"] for event in downloads} == set(MEMBERS)
    assert {event["sensor"] for event in downloads} == {"harbour-east", "harbour-west"}
    assert {event["url"].split("/")[2] for event in downloads} == {STAGING, "dl.lantern-harbour.example"}


def test_rare_pairs_link_only_campaign_and_staging_host(case: dict[str, bytes]) -> None:
    users = defaultdict(set)
    for event in cowrie_events(case):
        if "password" in event:
            users[event["username"], event["password"]].add(event["src_ip"])
    assert users["lampwright", "Fresnel-1822!"] | users["keeper", "w1ck&w4x"] == {*MEMBERS, STAGING}
    assert users["lampwright", "Fresnel-1822!"] & users["keeper", "w1ck&w4x"]


def test_a_session_runs_over_midnight_into_the_next_file(case: dict[str, bytes]) -> None:
    first = {event["session"] for event in lines(case["cowrie/harbour-east/cowrie.json.2025-03-09.gz"])}
    second = {event["session"] for event in lines(case["cowrie/harbour-east/cowrie.json"])}
    assert len(first & second) == 1


def test_honeytrap_log_repeats_three_lines_and_starts_in_1970_once(case: dict[str, bytes]) -> None:
    rows = case["honeytrap/attackers.json"].splitlines()
    assert len(rows) - len(set(rows)) == 3
    assert sum(b'"@timestamp": "1970' in row for row in rows) == 1


def cowrie_events(case: dict[str, bytes]) -> list[dict[str, str]]:
    return [event for name, data in case.items() if name.startswith("cowrie/") for event in lines(data)]


def lines(data: bytes) -> list[dict[str, str]]:
    return [json.loads(line) for line in data.splitlines()]
