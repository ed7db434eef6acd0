"""Which source a file is from: by its content, unless the user says so."""

from typing import Final

from clew.ingest.sources.base import Framing, Recognition, Sample, Source
from clew.ingest.sources.registry import SOURCES
from clew.kernel.errors import InputError

_FRAMING_OF_UNRECOGNISED: Final = {
    "sherlock": Framing.DOCUMENT,
    "maigret": Framing.DOCUMENT,
    "holehe": Framing.DOCUMENT,
    "tiktok": Framing.DOCUMENT,
    "subfinder": Framing.LINES,
    "amass": Framing.LINES,
    "theharvester": Framing.DOCUMENT,
    "nmap": Framing.DOCUMENT,
    "spiderfoot": Framing.DOCUMENT,
    "bbot": Framing.LINES,
    "httpx": Framing.DOCUMENT,
    "dnsx": Framing.DOCUMENT,
    "shodan": Framing.DOCUMENT,
    "hibp": Framing.DOCUMENT,
    "whois": Framing.DOCUMENT,
    "rdap": Framing.DOCUMENT,
    "virustotal": Framing.DOCUMENT,
    "misp": Framing.DOCUMENT,
    "stix": Framing.DOCUMENT,
    "mapped": Framing.DOCUMENT,
    "cowrie": Framing.LINES,
    "heralding": Framing.JSON_VALUES,
    "dionaea": Framing.JSON_VALUES,
    "honeytrap": Framing.JSON_VALUES,
    "dshield": Framing.JSON_VALUES,
    "suricata": Framing.JSON_VALUES,
}
"""How a file is cut that its source does not recognise but the user names."""


def find_source(name: str) -> Source:
    """The source of that name. Raises InputError that lists the names there are."""
    for source in SOURCES:
        if source.name == name:
            return source
    names = ", ".join(source.name for source in SOURCES)
    raise InputError(f"no source is called {name!r}", remedy=f"use one of: {names}")


def named_source(name: str | None, mapping: str | None) -> Source | None:
    """The source that is asked for by name or by giving a mapping file; None where neither was given.

    Raises InputError for an unknown name, and where one of the two lacks or contradicts the other.
    """
    if mapping is not None and name not in {None, "mapped"}:
        raise InputError(f"a mapping file is not read by the source {name!r}", remedy="leave out one of the two")
    if mapping is None and name == "mapped":
        raise InputError("the source 'mapped' needs a mapping file", remedy="give one with --mapping")
    return find_source(name or "mapped") if name or mapping is not None else None


def recognise(sample: Sample, named: Source | None = None) -> tuple[Source, Recognition] | None:
    """The source that claims the file most surely, or the named one; None if nobody knows the format.

    Raises InputError naming both where two claim it equally: guessing would file evidence under a wrong name.
    """
    if named is not None:
        claim = named.recognise(sample)
        return named, claim or Recognition(0.0, _FRAMING_OF_UNRECOGNISED[named.name], "")
    claims = [(source, claim) for source in SOURCES if (claim := source.recognise(sample)) is not None]
    if not claims:
        return None
    claims.sort(key=lambda claimed: -claimed[1].confidence)
    if len(claims) > 1 and claims[0][1].confidence == claims[1][1].confidence:
        names = " and ".join(source.name for source, _ in claims[:2])
        raise InputError(f"could be from {names}", where=sample.name, remedy="say which with --source")
    return claims[0]
