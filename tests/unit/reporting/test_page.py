"""The page is whole, asks nothing of any network, and holds whatever is in the record as mere text."""

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from uuid import UUID

import pytest

from clew.reporting import page
from clew.reporting.document import Figures
from tests.unit.reporting.example_report import NOON, entity, example, relationship

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)><svg/onload=alert(1)>',
    "'/><a href='javascript:alert(1)'>x</a>",
    "javascript:alert(document.domain)",
    "</title></style></svg></text><iframe src=//203.0.113.9></iframe>",
    "]]><!--<base href=//203.0.113.9>",
    "{{ 7*7 }}{% include '/etc/passwd' %}",
    "&lt;script&gt;&#x3c;script&#x3e;",
    "a\u202egpj.exe\u2066\u200f\x00\x1b[2J",
    "x" * 1_000_000,
    "\u0301" * 100_000,
)
VOID = {"meta", "br", "base", "img", "link", "input"}
ALLOWED = set(
    "html head meta title style body a div header p h1 h2 h3 dl dt dd time nav ol ul li main section table thead "  # noqa: SIM905
    "tbody tr th td figure figcaption details summary footer bdi b code span br svg desc defs marker g path circle "
    "rect text".split()
)


class Parsed(HTMLParser):
    """The elements of a page with their attributes, the text outside of the stylesheet, and whether tags balance."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.style = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.text += data

    def attributes(self, name: str) -> list[str]:
        return [values[name] or "" for _, values in self.elements if name in values]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_values_are_mere_text(text: str) -> None:
    rendered = page.render(example(text))
    parsed = Parsed(rendered)
    assert parsed.open == []
    assert {tag for tag, _ in parsed.elements} <= ALLOWED
    assert {tag for tag, _ in parsed.elements} == {tag for tag, _ in Parsed(page.render(example())).elements}
    names = {name for _, values in parsed.elements for name in values}
    assert not {name for name in names if name.startswith("on")} | names & {"style", "src", "srcset", "xlink:href"}
    assert [link for link in parsed.attributes("href") if not re.fullmatch(r"#[a-z0-9-]+", link)] == []
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]", rendered)
    assert len(rendered) < 200_000


def test_a_hostile_value_is_shown_as_it_is_written() -> None:
    shown = Parsed(page.render(example("<b onclick=x>&amp;\u202e</b>"))).text
    assert r"<b onclick=x>&amp;\u202e</b>" in shown


def test_the_policy_allows_the_stylesheet_and_nothing_else() -> None:
    parsed = Parsed(page.render(example()))
    policy = next(values["content"] for _, values in parsed.elements if values.get("http-equiv"))
    digest = base64.b64encode(hashlib.sha256(parsed.style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_nothing_is_fetched() -> None:
    rendered = page.render(example())
    assert not re.search(r"https?:|url\((?!#head\))|@import|@font-face", rendered)


def test_every_link_leads_to_something_on_the_page_and_every_id_is_one() -> None:
    parsed = Parsed(page.render(example()))
    ids = Counter(parsed.attributes("id"))
    assert [name for name, number in ids.items() if number > 1] == []
    assert {link[1:] for link in parsed.attributes("href")} <= ids.keys()
    named = " ".join(parsed.attributes("aria-labelledby")).split()
    assert set(named) <= ids.keys()


def test_only_the_time_of_making_differs() -> None:
    first, again = example(), example()
    assert page.render(first) == page.render(again)
    later = replace(first, origin=replace(first.origin, generated_at=NOON + timedelta(days=500)))
    made = re.compile(r"2026-07-22[T ]12:00(:00Z)?|2025-03-09[T ]12:00(:00Z)?")
    assert page.render(later) != page.render(first)
    assert made.sub("", page.render(later)) == made.sub("", page.render(first))


def test_an_empty_case_says_what_is_missing() -> None:
    figures = Figures(
        {}, {}, 0, dict.fromkeys(("read", "new", "merged", "duplicate", "rejected"), 0), 0, {}, None, None
    )
    empty = example(
        figures=figures, targets=(), entities=(), drawn=(), drawn_relationships=(), events=None, sessions=(),
        session_count=0, places=(), placed=0, files=(), rejected=(),
    )  # fmt: skip
    text = Parsed(page.render(empty)).text
    for said in (
        "No target has been named",
        "No file belongs to the case yet",
        "No record of the case’s files is held",
    ):
        assert said in text


def test_what_is_left_out_is_said() -> None:
    figures = replace(
        example().figures, entities={"ip_address": 1234}, relationships={"USES": 999}, quarantine={"x": 88}
    )
    text = " ".join(Parsed(page.render(example(figures=figures))).text.split())
    assert "The 2 weightiest of 1,234" in text
    assert "The other 1,232 are in the JSON report" in text
    assert "2 of 1,234 entities, with those 1 of 999 relationships" in text
    assert "The first 1 of 88" in text


def test_an_entity_says_in_which_file_and_line_it_was_seen() -> None:
    rendered = page.render(example())
    assert '<a href="#file-1">[1]</a>:12' in rendered
    unlisted = page.render(example(files=()), {UUID(int=900): "elsewhere.json"})
    assert "<bdi>elsewhere.json</bdi>:12" in unlisted


def test_risk_is_told_in_words_and_numbers() -> None:
    report = example(entities=[entity(n, risk_score=score) for n, score in enumerate((0, 25, 26, 75, 76, 100), 1)])
    text = Parsed(page.render(report)).text
    for said in ("25 low", "26 medium", "75 high", "76 critical", "100 critical"):
        assert said in text


def test_relationships_of_the_picture_stand_in_a_table() -> None:
    report = example(drawn_relationships=(relationship(50, 1, 2, "RESOLVES_TO"),))
    assert "resolves to" in Parsed(page.render(report)).text
