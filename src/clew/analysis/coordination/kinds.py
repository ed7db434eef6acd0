"""The kinds of evidence, each with its version. A change of what a kind counts, or how, is a new version.

Most kinds are sets: a source has values of it (files, commands, moments of becoming active), and two sources may share
some. How surprising that is, `surprise` says, for all of them by the same formula. Kinds of one group say nearly the
same thing, so that the count of groups, not of kinds, tells how many independent reasons there are.
"""

from dataclasses import dataclass
from typing import Final, Literal

Group = Literal["artefact", "credential", "command", "client", "http", "timing", "network", "geography", "target"]
Score = Literal["temporal", "behavioral", "infrastructure", "geographic"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of evidence; `number` stands for it in columns and in stored backgrounds, and is never used again."""

    number: int
    name: str
    version: str
    group: Group
    score: Score
    says: str
    generates: bool = True
    """Whether sharing a rare value of it is reason enough to compare two sources."""
    deep: bool = False
    """Whether minimal depth leaves it out."""


KINDS: Final = (
    Kind(1, "download", "download-v1", "artefact", "infrastructure", "fetched the same file"),
    Kind(2, "payload", "payload-v1", "artefact", "behavioral", "sent the same bytes"),
    Kind(3, "url", "url-v1", "artefact", "infrastructure", "fetched from the same address"),
    Kind(4, "host", "host-v1", "artefact", "infrastructure", "fetched from the same host"),
    Kind(5, "key", "key-v1", "artefact", "infrastructure", "used the same public key"),
    Kind(6, "literal", "literal-v2", "command", "behavioral", "used the same made-up name"),
    Kind(7, "credential", "credential-v2", "credential", "behavioral", "tried the same login"),
    Kind(8, "secret", "secret-v1", "credential", "behavioral", "tried the same password"),
    Kind(9, "template", "template-v1", "credential", "behavioral", "made passwords alike", deep=True),
    Kind(10, "command", "command-v1", "command", "behavioral", "typed the same command"),
    Kind(11, "sequence", "sequence-v1", "command", "behavioral", "typed commands in the same order", deep=True),
    Kind(12, "client", "client-v2", "client", "behavioral", "used the same client"),
    Kind(13, "fingerprint", "fingerprint-v2", "client", "behavioral", "has the same client fingerprint"),
    Kind(14, "http", "http-v1", "http", "behavioral", "asked for the same path"),
    Kind(
        15, "moment", "moment-v1", "timing", "temporal", "became active in the same minutes", generates=False, deep=True
    ),
    Kind(16, "cadence", "cadence-v1", "timing", "temporal", "keeps the same pace", generates=False, deep=True),
    Kind(17, "prefix", "prefix-v1", "network", "infrastructure", "comes from the same network", generates=False),
    Kind(18, "asn", "asn-v1", "network", "infrastructure", "comes from the same autonomous system", generates=False),
    Kind(19, "country", "country-v1", "geography", "geographic", "comes from the same country", generates=False),
    Kind(20, "target", "target-v1", "target", "behavioral", "aims at the same service", generates=False, deep=True),
    Kind(21, "encounter", "encounter-v1", "timing", "temporal", "became active together more than once", deep=True),
)
"""`encounter` is two moments of `moment` at once: it makes candidates of sources that share nothing but their time."""

BY_NAME: Final = {kind.name: kind for kind in KINDS}
BY_NUMBER: Final = {kind.number: kind for kind in KINDS}

SPAN_KINDS: Final = ("debut", "handover")
"""Kinds of timing that compare two sources' first and last moments, without a set of values."""

SPAN_VERSIONS: Final = {"debut": "debut-v1", "handover": "handover-v1"}
NEIGHBOURS_VERSION: Final = "neighbours-v2"
"""Of the evidence that a rare habit is crowded into one network (`neighbours`), which no set of values is."""


def versions() -> dict[str, str]:
    """Version of every kind by its name."""
    return {kind.name: kind.version for kind in KINDS if kind.name != "encounter"} | (
        SPAN_VERSIONS | {"neighbours": NEIGHBOURS_VERSION}
    )
