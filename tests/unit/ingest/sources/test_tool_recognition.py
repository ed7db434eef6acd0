"""Recognition among the tool readers: each file has one reader, foreign files have none, and no bytes make it raise."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clew.ingest.recognition import recognise
from clew.ingest.sources.amass import AmassSource
from clew.ingest.sources.base import ReadContext, RecordBatch, Source
from clew.ingest.sources.bbot import BbotSource
from clew.ingest.sources.holehe import HoleheSource
from clew.ingest.sources.maigret import MaigretSource
from clew.ingest.sources.nmap import NmapSource
from clew.ingest.sources.sherlock import SherlockSource
from clew.ingest.sources.spiderfoot import SpiderFootSource
from clew.ingest.sources.subfinder import SubfinderSource
from clew.ingest.sources.theharvester import TheHarvesterSource
from clew.ingest.sources.tiktok import TikTokSource
from tests.support.tool_reports import FIXTURES, assert_consistent, frame, sample

SOURCES: tuple[Source, ...] = (
    SherlockSource(),
    HoleheSource(),
    TikTokSource(),
    SubfinderSource(),
    MaigretSource(),
    AmassSource(),
    TheHarvesterSource(),
    NmapSource(),
    SpiderFootSource(),
    BbotSource(),
)
FILES = sorted(
    path for source in SOURCES for path in (FIXTURES / source.name).iterdir() if path.is_file() and path.suffix != ".md"
)
LINE_FILES = [path for path in FILES if path.suffix not in {".json", ".xlsx", ".xml"}]
VARIANTS = (
    "",
    "json",
    "csv",
    "xlsx",
    "text",
    "plain",
    "json-lines",
    "simple",
    "ndjson",
    "graph",
    "xml",
    "web",
    "console",
)
FOREIGN = {
    "cowrie.json": b'{"eventid":"cowrie.session.connect","src_ip":"192.0.2.1","session":"a1"}\n',
    "heralding.json": b'{"auth_attempts": [{"username": "root"}], "session_id": "a"}\n',
    "dionaea.json": b'{"connection": {"protocol": "smbd", "transport": "tcp", "type": "accept"}}\n',
    "honeytrap.json": b'{"attack_connection": {"remote_ip": "192.0.2.1", "protocol": "tcp"}}\n',
    "notes.txt": b"Total of three calls today. See https://example.com/a and write back.\n",
    "links.txt": b"https://example.com/one\nhttps://example.org/two\n",
    "stars.txt": b"*********\nwelcome\n*********\n[+] done\n",
    "table.csv": b"name,email,exists\nheron,heron@example.org,yes\n",
    "list.json": b'[{"name": "a", "exists": true}]',
    "results.json": b'{"results": [{"id": 1}], "username": "heron"}',
    "services.json": b'{"services": [{"port": 22}], "host": "192.0.2.1"}',
    "videos.json": b'{"videos": [{"id": 1}], "username": "heron"}',
    "ports.csv": b"Source,Type,Data\nshop,Order,17\n",
    "hosts.json": b'{"hosts": ["www.example.com"], "port": 22}',
    "sites.json": b'{"GitHub": {"status": "Claimed", "url_user": "https://github.com/heron"}}',
    "arrows.txt": b"a (FQDN) -> b (IPAddress)\nwww.example.com is up\n",
    "events.json": b'{"type": "login", "id": "1", "data": "x", "timestamp": 1}\n',
    "feed.xml": b'<?xml version="1.0"?><rss version="2.0"><host/></rss>',
    "entities.xml": b'<!DOCTYPE nmaprun [<!ENTITY a "b">]><nmaprun>&a;</nmaprun>',
    "page.html": b"<!doctype html><title>x</title>",
    "binary.bin": bytes(range(256)) * 8,
    "deep.json": b"[" * 60_000,
    "deeper.json": b'{"results": ' + b'{"a":' * 20_000,
    "empty": b"",
}


def claims(name: str, data: bytes) -> list[str]:
    return [source.name for source in SOURCES if source.recognise(sample(name, data)) is not None]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_fixture_has_exactly_its_own_reader(path: Path) -> None:
    assert claims(path.name, path.read_bytes()) == [path.parent.name]
    assert claims("data", path.read_bytes()) == [path.parent.name], "the name must not be needed"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_among_all_readers_the_surest_is_the_fixtures_own(path: Path) -> None:
    found = recognise(sample(path.name, path.read_bytes()))
    assert found is not None
    assert found[0].name == path.parent.name


@pytest.mark.parametrize("name", FOREIGN)
def test_files_of_others_are_left_alone(name: str) -> None:
    assert claims(name, FOREIGN[name]) == []


@pytest.mark.parametrize("path", LINE_FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_long_file_is_recognised_by_its_start(path: Path) -> None:
    data = path.read_bytes()
    body = re.split(rb"(?<=\n)", data)
    longer = data + b"".join(body[1:-2]) * (70_000 // len(data) + 1)
    assert claims(path.name, longer) == [path.parent.name]


def test_a_long_json_report_is_recognised_by_its_start() -> None:
    row = b'{"subdomain": "www.example.com", "ip": "192.0.2.10", "source": "crtsh"}'
    assert claims("a.json", b'{"host": "example.com", "subdomains": [' + b", ".join([row] * 2000) + b"]}") == [
        "subfinder"
    ]


@settings(max_examples=150)
@given(st.binary(max_size=400), st.sampled_from(VARIANTS))
def test_no_bytes_make_a_reader_raise(data: bytes, variant: str) -> None:
    check_reads(data, variant)


@settings(max_examples=150)
@given(st.sampled_from(FILES), st.data(), st.sampled_from(VARIANTS))
def test_no_damage_to_a_report_makes_a_reader_raise(path: Path, draw: st.DataObject, variant: str) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(draw.draw(st.integers(1, 6))):
        start = draw.draw(st.integers(0, len(data)))
        end = draw.draw(st.integers(start, min(len(data), start + 40)))
        data[start:end] = draw.draw(
            st.binary(max_size=12) | st.sampled_from((b'"', b"{", b"]", b"\n", b"\\u0000", b"[["))
        )
    check_reads(bytes(data), variant)


def check_reads(data: bytes, variant: str) -> None:
    for source in SOURCES:
        recognition = source.recognise(sample("heron.txt", data))
        if recognition is not None:
            facts = source.read(frame(data, recognition.framing), ReadContext("heron.txt", recognition.variant))
            assert_consistent(facts)
        facts = source.read(RecordBatch([data], [1], 0), ReadContext("a@example.org.csv", variant))
        assert_consistent(facts)
