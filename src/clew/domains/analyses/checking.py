"""Whether a text says nothing but the facts: what a language model answered is shown only if it passes.

Fail closed: a word that is in no list is refused, because it may be a name. Numbers must stand in the facts with the
noun that they count, values that others chose must be quoted whole, and what looks like markup, an address or a moment
must be one of the facts. What passes may still be clumsy; it cannot name, count or advise anything that is not there.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Final

from clew.domains.analyses.facts import Facts, Group
from clew.domains.analyses.numbers import UNITS, WORDS, Number, numbers
from clew.domains.analyses.wording import quoted

LONGEST: Final = 1_500
SHORTEST: Final = 20
_MARKUP: Final = re.compile(r"[<>{}\[\]|\\`#*_~^$@&=]")
_QUOTATION: Final = re.compile(r'"[^"]*"')
_JOINED: Final = re.compile(r"[A-Za-z0-9][.:/][A-Za-z]|[A-Za-z][.:/][A-Za-z0-9]")
_WORD: Final = re.compile(r"[A-Za-z]+")
_TYPOGRAPHIC: Final = str.maketrans(
    {
        "\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'", "\u2013": "-", "\u2014": "-", "\u2026": ".",
        "\xa0": " ",
    }
)  # fmt: skip


class RefusedTextError(Exception):
    """The text says something that is not among the facts; the message says what."""


def check(text: str, facts: Facts) -> str:
    """The text with plain quotation marks and dashes, if it says nothing but the facts. Raises RefusedTextError."""
    plain = " ".join(text.translate(_TYPOGRAPHIC).split())
    if not SHORTEST <= len(plain) <= LONGEST:
        raise RefusedTextError(f"it has {len(plain)} characters; {SHORTEST} to {LONGEST} are taken")
    if not plain.isascii() or not plain.isprintable():
        raise RefusedTextError("it has characters that are no plain English")
    rest = _without_trusted(_without_quotations(plain, facts), facts)
    if markup := _MARKUP.search(rest):
        raise RefusedTextError(f"it has markup: {markup[0]}")
    if joined := _JOINED.search(rest):
        raise RefusedTextError(f"it has what may be an address, a name or a moment near {joined[0]!r}")
    for number in numbers(rest):
        if not _stands(number, facts):
            raise RefusedTextError(f"the number {number.text} {number.unit or ''}".strip() + " is not among the facts")
    for word in _WORD.findall(rest):
        if word.lower() not in vocabulary():
            raise RefusedTextError(f"the word {word[:40]!r} is neither a plain one nor among the facts")
    return plain


@cache
def vocabulary() -> frozenset[str]:
    """The words that a text may use: plain English without names, advice and verdicts, and those of numbers."""
    text = resources.files("clew.domains.analyses").joinpath("vocabulary.txt").read_text("ascii")
    listed = {word for line in text.splitlines() if not line.startswith("#") for word in line.split()}
    return frozenset(listed | UNITS.keys() | WORDS.keys())


def _without_quotations(text: str, facts: Facts) -> str:
    allowed = {quoted(value) for group in facts.groups for value in _untrusted(group)}
    for each in _QUOTATION.findall(text):
        if each not in allowed:
            raise RefusedTextError(f"the quotation {each[:80]} is not among the facts")
    rest = _QUOTATION.sub(" ", text)
    if '"' in rest:
        raise RefusedTextError("a quotation does not end")
    return rest


def _untrusted(group: Group) -> Iterable[str]:
    yield from group.domains
    yield from group.hashes
    yield from group.countries
    yield from (name for name, _ in group.networks)
    yield from (name for name, _ in group.feeds)
    for each in group.known:
        yield each.indicator
        yield each.name


def _without_trusted(text: str, facts: Facts) -> str:
    values = {each for group in facts.groups for each in _trusted(group)}
    values |= {form for at in (facts.earliest, facts.latest) if at is not None for form in _forms(at)}
    for value in sorted(values, key=lambda each: (-len(each), each)):
        text = re.sub(rf"(?<![\w.:/-]){re.escape(value)}(?![\w:/-]|\.\w)", " ", text)
    return text


def _trusted(group: Group) -> Iterable[str]:
    yield from group.addresses
    yield from group.hashes
    for each in group.techniques:
        yield from (each.id, each.name)
    for at in (group.first_seen, group.last_seen):
        yield from _forms(at)


def _forms(at: datetime) -> Iterable[str]:
    day, minute = f"{at:%Y-%m-%d}", f"{at:%H:%M}"
    return f"{day} {minute}", f"{day}T{minute}", f"{day} at {minute}", day, minute


def _stands(number: Number, facts: Facts) -> bool:
    if number.value is None:
        return False
    if number.unit == "percent":
        shares = {round(100 * share, digits) for share in _shares(facts) for digits in (0, 1, 2)}
        return number.value in shares
    if number.unit is not None:
        return (number.value, number.unit) in _counts(facts)
    if number.text.isalpha():
        return number.text == "one"  # "one of them" counts nothing
    named = {float(group.number) for group in facts.groups}
    return number.value in named | {round(share, digits) for share in _shares(facts) for digits in (2, 4)}


def _shares(facts: Facts) -> Iterable[float]:
    for group in facts.groups:
        yield group.confidence
        yield from group.scores.values()
        yield from (reason.score for reason in group.reasons)


def _counts(facts: Facts) -> set[tuple[float, str]]:
    found = {
        (facts.sessions, "session"), (facts.sources, "source"), (facts.communities, "group"),
        (facts.campaigns, "group"), (facts.campaigns, "campaign"), (facts.suppressed, "value"),
    }  # fmt: skip
    for group in facts.groups:
        found |= {
            (group.sources, "source"), (group.sessions, "session"), (len(group.techniques), "technique"),
            (group.counts.get("hash", 0), "file"), (group.counts.get("domain", 0), "host"),
            (len(group.countries), "country"), (len(group.networks), "network"), (len(group.feeds), "feed"),
        }  # fmt: skip
        found |= {(each.count, "command") for each in group.techniques}
        found |= {(count, "source") for _, count in (*group.networks, *group.feeds)}
    return {(float(number), unit) for number, unit in found}
