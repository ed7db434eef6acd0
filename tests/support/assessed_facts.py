"""Facts of an analysis, made up for tests of its text; what strangers wrote in them can be chosen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from clew.domains.analyses.facts import Facts, Group, KnownFact, Reason, TechniqueFact

AT = datetime(2025, 3, 9, 0, 1, tzinfo=UTC)

GROUP = Group(
    number=1,
    sources=8,
    sessions=24,
    confidence=0.9731,
    first_seen=AT,
    last_seen=AT + timedelta(minutes=51),
    scores={"temporal": 0.41, "behavioral": 0.88, "infrastructure": 0.9, "geographic": 0.0},
    reasons=(Reason("download", "fetched the same file", 0.99), Reason("key", "used the same public key", 0.95)),
    addresses=("198.18.7.1", "198.18.7.2"),
    domains=("kraken.example",),
    hashes=("ab" * 32,),
    counts={"ip": 8, "domain": 1, "hash": 1},
    techniques=(TechniqueFact("T1105", "Ingress Tool Transfer", 24),),
    countries=("DE",),
    networks=(("Example Net", 8),),
    feeds=(("dshield", 3),),
    known=(KnownFact("kraken.example", "malware", "Kraken", None),),
)
SECOND = replace(GROUP, number=2, sources=5, sessions=11, confidence=0.55, domains=(), known=(), techniques=())
FACTS = Facts(
    depth="standard",
    whole=True,
    sessions=1234,
    sources=210,
    campaigns=1,
    communities=2,
    suppressed=3,
    earliest=AT,
    latest=AT + timedelta(hours=2),
    groups=(GROUP, SECOND),
)


def with_strangers_text(text: str) -> Facts:
    """The same analysis, with that text wherever a stranger may write: host, network, name and description."""
    known = (KnownFact(text, "malware", text, text), KnownFact("kraken.example", "threat_actor", "Kraken", text))
    group = replace(GROUP, domains=(text, "kraken.example"), networks=((text, 8),), feeds=((text, 3),), known=known)
    return replace(FACTS, groups=(group, SECOND))
