"""`clew report` writes a page that a browser shows by itself, and JSON that a program can rely on."""

import hashlib
import json
import re
import stat
from html.parser import HTMLParser

import pytest

from tests.support.program import Program

pytestmark = pytest.mark.slow

CASE = "Harbour Lantern"
KEYS = [
    *("format", "generated_at", "generator", "case", "targets", "figures", "timeline", "places", "files"),
    *("quarantine", "sessions", "campaigns", "relationships", "entities"),
]
ENTITY_KEYS = {
    *("id", "type", "name", "platform", "properties", "risk_score", "confidence", "first_seen", "last_seen", "flags"),
    *("tags", "is_target", "relationship_count", "source_count", "sources"),
}


class Links(HTMLParser):
    """What a page links to, loads or runs, and what can be linked to on it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.ids: set[str] = set()
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("href", "src", "srcset", "action", "data"):
                self.targets.add(value or "")
            if name == "id":
                self.ids.add(value or "")


def test_a_page_that_needs_nothing_else(loaded: Program) -> None:
    said = loaded.run("report", CASE, "--output", "case.html").output
    file = loaded.base / "case.html"
    assert said.startswith("wrote case.html: HTML, ")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    page = file.read_text(encoding="utf-8")
    links = Links(page)
    assert {target[:1] for target in links.targets} == {"#"}
    assert {target[1:] for target in links.targets} <= links.ids
    assert not links.tags & {"script", "img", "link", "iframe", "object", "embed", "form", "input"}
    assert "default-src &#39;none&#39;; style-src &#39;sha256-" in page
    for told in ("Harbour Lantern", "203.0.113.77", "harbour-lantern/damaged/cowrie.json", "invalid timestamp"):
        assert told in page
    assert [entry.name for entry in loaded.base.iterdir() if "case.html" in entry.name] == ["case.html"]


def test_the_same_case_gives_the_same_page_but_for_the_time(loaded: Program) -> None:
    pages = [loaded.run("report", CASE).output for _ in range(2)]
    made = re.search(r'Made</dt><dd><time datetime="(\S{16})', pages[0])
    assert made
    stamp = re.compile(r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\dZ)?")
    assert stamp.sub("", pages[0]) == stamp.sub("", pages[1])


def test_json_with_the_documented_keys(loaded: Program) -> None:
    report = loaded.json("report", CASE)
    assert list(report) == KEYS
    assert report["format"] == "clew-report-1"
    assert {frozenset(each) for each in report["entities"]} == {frozenset(ENTITY_KEYS)}
    overview = loaded.json("case", "show", CASE)
    assert len(report["entities"]) == report["figures"]["entity_count"] == overview["entity_count"]
    assert report["figures"]["entities"] == overview["entities"]
    assert len(report["files"]) == overview["file_count"]
    assert report["figures"]["events"] == overview["events"]
    files = {each["id"]: each["name"] for each in report["files"]}
    assert {source["file_id"] for each in report["entities"] for source in each["sources"]} <= files.keys()
    known = {each["id"] for each in report["entities"]}
    assert {end for each in report["relationships"] for end in (each["source"], each["target"])} <= known


def test_a_line_in_the_report_is_the_line_in_the_card(loaded: Program) -> None:
    card = loaded.json("show", "203.0.113.77")
    report = loaded.json("report", CASE, "--format", "json")
    files = {each["id"]: each["name"] for each in report["files"]}
    entity = next(each for each in report["entities"] if each["id"] == card["id"])
    told = {(files[each["file_id"]], each["line"]) for each in entity["sources"]}
    assert told == {(each["file"], each["line"]) for each in card["sources"]}


def test_a_file_is_described_for_programs(loaded: Program) -> None:
    written = loaded.json("report", CASE, "--output", "case.json")
    content = (loaded.base / "case.json").read_bytes()
    assert written == {
        "file": "case.json",
        "format": "json",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert json.loads(content)["case"]["name"] == CASE
    assert loaded.json("report", CASE, "--format", "html", "--output", "case.html")["format"] == "html"


def test_failures_say_what_to_do(loaded: Program) -> None:
    assert CASE in loaded.error("report", "No such case", expect=5)["remedy"]
    assert loaded.error("report", CASE, "--format", "pdf", expect=2)["code"] == "usage"
    assert "--output" in loaded.error("report", CASE, "--format", "html", expect=2)["message"]
    error = loaded.error("report", CASE, "--output", loaded.base / "nowhere" / "case.html", expect=4)
    assert error["where"].endswith("nowhere/case.html")
    assert loaded.error("report", CASE, "--output", loaded.base, expect=4)["code"] == "input"
    (loaded.base / "kept.html").write_text("what was there")
    loaded.run("report", "No such case", "--output", "kept.html", expect=5)
    assert (loaded.base / "kept.html").read_text() == "what was there"
