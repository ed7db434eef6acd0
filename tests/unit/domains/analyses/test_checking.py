"""A text passes only if it says nothing but the facts."""

import dataclasses
import re
from pathlib import Path

import pytest

from clew.domains.analyses import wording
from clew.domains.analyses.checking import RefusedTextError, check, vocabulary
from clew.domains.analyses.numbers import Number, numbers
from tests.support.assessed_facts import FACTS, with_strangers_text

GOOD = (
    "In 1,234 sessions from 210 sources, two groups appear to act together; one group is sure enough for a campaign.",
    "Group 1 has 8 sources and 24 sessions, with a confidence of 0.97. It was seen from 2025-03-09 00:01 until 00:52.",
    "The surest group has a confidence of 97 % and its eight sources fetched the same file.",
    'Commands tell of Ingress Tool Transfer (T1105) in 24 commands, and the host "kraken.example" was used.',
    "One of the groups is known: its 8 sources used the same public key from 198.18.7.1 and 198.18.7.2.",
    "The network \u201cExample Net\u201d holds 8 sources \u2013 3 values were too common to link.",
)
BAD = {
    "Of 211 sources in 1,234 sessions two groups act together.": "the number 211 source",
    "Of 24 sources in 1,234 sessions two groups act together.": "the number 24 source",
    "There are three groups of sources that act together.": "the number three group",
    "No sources act together in these 1,234 sessions.": "the number no source",
    "Hundreds of sources act together in two groups.": "the number hundreds",
    "The confidence of the surest group is 0.98 by the model.": "the number 0.98",
    "The confidence of the surest group is 98 % by the model.": "the number 98 percent",
    "Two groups were run by Lazarus, as the evidence shows.": "'Lazarus'",
    "two groups were run by lazarus, as the evidence shows.": "'lazarus'",
    "Two groups act together, among them 198.18.7.9 as a source.": "198.18.7.9",
    "Two groups act together and used the host kraken.example.com often.": "near 'n.e'",
    "Two groups act together and used the host kraken.example often.": "near 'n.e'",
    'Two groups act together and used the host "other.example" often.': 'quotation "other.example"',
    'Two groups act together and used the host "kraken.example often.': "does not end",
    "Two groups act together; block the 8 sources of the first.": "'block'",
    "Two groups act together, but they are benign and can be ignored.": "'benign'",
    "Two groups act together with the file " + "cd" * 32 + " as evidence.": "cdcd",
    "Two groups act together since 2025-03-10 00:01 as measured.": "2025",
    "Two groups act together in CVE-2021-44228 attacks on servers.": "number 2021",
    "Two groups act together by T1059 in the commands of the first.": "the number 1059",
    "Two groups act together. See <a>this</a> for the details of it.": "markup: <",
    "Two groups act together. **Very** sure by the model of it.": "markup: *",
    "Two groups act together. See http://kraken for the details.": "'http'",
    "Zwei Gruppen von Quellen handeln gemeinsam und sicher.": "'Zwei'",
    "Две группы источников действуют вместе.": "no plain English",
    "Two groups.": "11 characters",
    "Two groups act together. " * 80: "characters; 20 to",
}


@pytest.mark.parametrize("text", GOOD)
def test_what_the_facts_say_passes(text: str) -> None:
    assert check(text, FACTS) == text.replace("\u201c", '"').replace("\u201d", '"').replace("\u2013", "-")


@pytest.mark.parametrize(("text", "why"), BAD.items())
def test_what_they_do_not_say_is_refused(text: str, why: str) -> None:
    with pytest.raises(RefusedTextError, match=re.escape(why)):
        check(text, FACTS)


def test_the_templates_summary_passes_its_own_check() -> None:
    empty = dataclasses.replace(FACTS, communities=0, campaigns=0, groups=())
    for facts in (FACTS, empty, dataclasses.replace(empty, sessions=0, sources=0), with_strangers_text("x")):
        assert check(wording.summary(facts), facts)


def test_words_that_advise_or_judge_are_in_no_list() -> None:
    judging = (
        "block ignore delete disable allow recommend should must safe benign harmless innocent russia lazarus mirai"
    )
    assert not vocabulary() & set(judging.split())
    assert all(re.fullmatch("[a-z]+", word) for word in vocabulary())


def test_numbers_are_read_with_the_noun_that_they_count() -> None:
    found = list(numbers("1,234 sessions, eight of its sources, 0.97 and 97 %, no campaign, dozens, 1,23 hosts"))
    assert found == [
        Number(1234.0, "session", "1,234"),
        Number(8.0, "source", "eight"),
        Number(0.97, None, "0.97"),
        Number(97.0, "percent", "97"),
        Number(0.0, "campaign", "no"),
        Number(None, None, "dozens"),
        Number(None, "host", "1,23"),
    ]


def test_there_are_thirty_attempts_and_more() -> None:
    lines = (Path(__file__).parent / "injections.txt").read_text().splitlines()
    assert len({line for line in lines if line and not line.startswith("#")}) >= 30
