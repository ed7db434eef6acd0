"""What nmap's scripts say that stands for entities: SSH host keys, names in certificates, and vulnerabilities.

Read in nmap/nmap: `scripts/ssh-hostkey.nse`, `scripts/ssl-cert.nse` and `scripts/vulners.nse` with what they document
of their XML, and the same of scripts that use the vulns library. Since 6.25 scripts write tables beside their text;
before, and where a script gives no table, there is only the text, which is read as well.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from clew.ingest.sources.value_shapes import shape_of
from clew.ingest.sources.xml_records import Element

CONFIDENCE: Final = {
    "vulnerable": 0.85,  # the script tried it: "VULNERABLE", also "(Exploitable)" and "(DoS)"
    "likely": 0.55,  # "LIKELY VULNERABLE"
    "by_version": 0.35,  # looked up by the software's name and version (vulners, vulscan): distributions patch silently
}
_CVE: Final = re.compile(r"(?<![A-Za-z0-9])(?:CVE[:-])+(\d{4}-\d{4,7})(?!\d)", re.IGNORECASE)  # also "CVE:2017-0147"
_STATE: Final = re.compile(r"State:\s*(NOT VULNERABLE|LIKELY VULNERABLE|VULNERABLE|UNKNOWN)", re.IGNORECASE)
_KEY_LINE: Final = re.compile(
    r"(?:^|\s)((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[A-Za-z0-9@.-]{1,80} [A-Za-z0-9+/]{20,16384}={0,2})"
)
_FINGERPRINT: Final = re.compile(
    r"(?<![0-9a-f:])((?:[0-9a-f]{2}:){15}[0-9a-f]{2})(?![0-9a-f:])|(SHA256:[A-Za-z0-9+/]{43})"
)
_BY_VERSION: Final = frozenset({"vulners", "vulscan", "vulscan.nse"})
_COMMON_NAME: Final = re.compile(r"Subject:[^\n]{0,400}?commonName=([^/\n]{1,254})")
_ALTERNATIVE: Final = re.compile(r"DNS:([^,\s]{1,254})")
_MOST: Final = 2000  # findings of one script
_MOST_NAMES: Final = 200


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public key ("type base64") or only its fingerprint ("MD5:…", "SHA256:…"), with its length in bits."""

    value: str
    bits: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A vulnerability by its CVE number, the script's own word for its state, and how far that is believed."""

    cve: str
    confidence: float
    state: str | None = None
    title: str | None = None
    cvss: float | None = None


def host_keys(script: Element) -> list[HostKey]:
    """Keys that ssh-hostkey shows; the key itself where it is there, else its fingerprint."""
    keys = [key for table in script.all("table") if (key := _key_of_table(table))]
    if not keys:
        output = script.attributes.get("output", "")
        keys = [HostKey(match[1]) for match in _KEY_LINE.finditer(output)]
        keys = keys or [HostKey(match[2] or f"MD5:{match[1]}") for match in _FINGERPRINT.finditer(output)]
    return list({key.value: key for key in keys}.values())[:_MOST]


def _key_of_table(table: Element) -> HostKey | None:
    told = _elements(table)
    stated = re.fullmatch(r"(\d{2,6})(?:\.0)?", told.get("bits", ""))
    bits = int(stated[1]) if stated else None
    key = told.get("key", "")
    if key and (told.get("type") or " " in key):
        return HostKey(key if " " in key else f"{told['type']} {key}", bits)
    digest = told.get("fingerprint", "").replace(":", "").lower()
    if re.fullmatch(r"[0-9a-f]{32}", digest):
        return HostKey("MD5:" + ":".join(digest[at : at + 2] for at in range(0, 32, 2)), bits)
    return None


def certificate_names(script: Element) -> list[str]:
    """Host names that ssl-cert read in a certificate: the subject's common name and its alternative names."""
    output = script.attributes.get("output", "")
    subject = next((table for table in script.all("table") if table.attributes.get("key") == "subject"), None)
    common = _elements(subject).get("commonName", "") if subject is not None else ""
    if not common:
        stated = _COMMON_NAME.search(output)
        common = stated[1] if stated else ""
    alternatives = [match[1] for match in _ALTERNATIVE.finditer(_alternatives(script) or output)]
    names = (name.strip().removeprefix("*.") for name in (common, *alternatives))
    return [name for name in dict.fromkeys(names) if shape_of(name) == "domain"][:_MOST_NAMES]


def _alternatives(script: Element) -> str:
    """The extension's text in the script's tables; since 7.2x nmap writes them."""
    told = (_elements(table) for table in _tables(script))
    return next((each.get("value", "") for each in told if "Subject Alternative Name" in each.get("name", "")), "")


def findings(script: Element) -> list[Finding]:
    """Vulnerabilities by CVE number that the script found; what it found not to be there is left out."""
    name = script.attributes.get("id", "").casefold()
    if name in _BY_VERSION:
        found = list(_looked_up(script))
    else:
        found = [finding for table in _tables(script) for finding in _tried(table)]
        if not found and not script.children:
            found = list(_in_text(script.attributes.get("output", "")))
    surest: dict[str, Finding] = {}
    for finding in found:
        if finding.cve not in surest or surest[finding.cve].confidence < finding.confidence:
            surest[finding.cve] = finding
    return list(surest.values())[:_MOST]


def _looked_up(script: Element) -> Iterator[Finding]:
    told = [_elements(table) for table in _tables(script)]
    for row in told:
        match = _CVE.fullmatch(row.get("id", ""))
        if match:
            yield Finding(f"CVE-{match[1]}", CONFIDENCE["by_version"], cvss=_score(row.get("cvss", "")))
    if not any(row.get("id") for row in told):
        for match in _CVE.finditer(script.attributes.get("output", "")):
            yield Finding(f"CVE-{match[1]}", CONFIDENCE["by_version"])


def _tried(table: Element) -> Iterator[Finding]:
    """A table of the vulns library: title, state and ids; its key is often the number itself."""
    told = _elements(table)
    confidence = _confidence(told.get("state", ""))
    if confidence is None:
        return
    ids = [
        element.text
        for inner in table.all("table")
        if inner.attributes.get("key") == "ids"
        for element in inner.children
    ]
    for text in dict.fromkeys([*ids, table.attributes.get("key", "")]):
        for match in _CVE.finditer(text):
            yield Finding(f"CVE-{match[1]}", confidence, told["state"].strip(), told.get("title") or None)


def _in_text(output: str) -> Iterator[Finding]:
    """The vulns library's text: each finding is a paragraph with its state and its ids."""
    for paragraph in re.split(r"\n\s*\n", output):
        state = _STATE.search(paragraph)
        confidence = _confidence(state[1]) if state else None
        if state and confidence is not None:
            ids = paragraph.partition("References:")[0]
            for match in _CVE.finditer(ids):
                yield Finding(f"CVE-{match[1]}", confidence, state[1].upper())


def _confidence(state: str) -> float | None:
    word = state.strip().upper()
    if word.startswith("VULNERABLE"):
        return CONFIDENCE["vulnerable"]
    return CONFIDENCE["likely"] if word.startswith("LIKELY VULNERABLE") else None


def _tables(element: Element) -> Iterator[Element]:
    """Every table below, however deep; depth is bounded by the XML reader."""
    for child in element.children:
        if child.tag == "table":
            yield child
            yield from _tables(child)


def _elements(table: Element) -> dict[str, str]:
    return {child.attributes.get("key", ""): child.text.strip() for child in table.all("elem")}


def _score(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,2}(?:\.\d{1,3})?", text) else None
