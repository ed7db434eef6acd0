"""Numbers in a text, in digits and in words, each with the noun that it counts."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_SMALL: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
WORDS: Final = {word: number for number, word in enumerate(_SMALL)} | {
    word: 10 * number for number, word in enumerate(_TENS, 2)
}
"""What stands for a number."""
_PERCENT: Final = "percent"
_VAGUE: Final = frozenset({
    "hundred", "hundreds", "thousand", "thousands", "million", "millions", "billion", "billions", "dozen", "dozens",
    "half", "double", "triple", "twice", "thrice", "couple", _PERCENT,
})  # fmt: skip
_NO: Final = frozenset({"no", "none", "neither", "nobody", "nothing"})
UNITS: Final = {
    **dict.fromkeys(("source", "sources"), "source"),
    **dict.fromkeys(("address", "addresses", "ip", "ips"), "source"),
    **dict.fromkeys(("session", "sessions"), "session"),
    **dict.fromkeys(("group", "groups", "community", "communities", "cluster", "clusters"), "group"),
    **dict.fromkeys(("campaign", "campaigns"), "campaign"),
    **dict.fromkeys(("command", "commands"), "command"),
    **dict.fromkeys(("file", "files", "hash", "hashes"), "file"),
    **dict.fromkeys(("host", "hosts", "domain", "domains"), "host"),
    **dict.fromkeys(("value", "values"), "value"),
    **dict.fromkeys(("technique", "techniques"), "technique"),
    **dict.fromkeys(("country", "countries"), "country"),
    **dict.fromkeys(("network", "networks"), "network"),
    **dict.fromkeys(("feed", "feeds"), "feed"),
}
"""Nouns that numbers count, each by one of its forms."""
_REACH: Final = 3
"""So many words after a number its noun is looked for."""
_TOKEN: Final = re.compile(r"[0-9][0-9,.]*[0-9]|[0-9]|[A-Za-z]+|%")
_GROUPED: Final = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")


class Number(NamedTuple):
    """A number, the noun it counts if one follows, and how it was written. `value` is None for what is none exactly."""

    value: float | None
    unit: str | None
    text: str


def numbers(text: str) -> Iterator[Number]:
    """Every number, also those in words; `no source` counts as zero of them."""
    tokens = _TOKEN.findall(text)
    lowered = [token.lower() for token in tokens]
    for place, word in enumerate(lowered):
        if word[0].isdigit():
            unit = _PERCENT if lowered[place + 1 : place + 2] in (["%"], [_PERCENT]) else _unit(lowered, place)
            yield Number(_value(word), unit, word)
        elif word in WORDS:
            yield Number(float(WORDS[word]), _unit(lowered, place), word)
        elif word in _VAGUE and not (word == _PERCENT and place and lowered[place - 1][0].isdigit()):
            yield Number(None, None, word)
        elif word in _NO and (unit := _next_unit(lowered, place)) is not None:
            yield Number(0.0, unit, word)


def _value(token: str) -> float | None:
    if "," in token and not _GROUPED.fullmatch(token):
        return None
    try:
        return float(token.replace(",", ""))
    except ValueError:
        return None


def _unit(tokens: list[str], place: int) -> str | None:
    for token in tokens[place + 1 : place + 1 + _REACH]:
        if token in UNITS:
            return UNITS[token]
        if token[0].isdigit() or token in WORDS:
            return None
    return None


def _next_unit(tokens: list[str], place: int) -> str | None:
    return UNITS.get(tokens[place + 1]) if place + 1 < len(tokens) else None
