"""What the `whois` command prints, as rows of labels and values: "Registrar: Example Registrar, Inc.".

Read as ICANN's agreements with registries and registrars lay it down ("Key: Value" lines, the domain's name first, a
label for each value of a list), which is what generic top-level domains answer; many countries' registries use the same
labels in other letters ("domain:", "nserver:"). Texts of law, comments (%, #, >>>) and blank lines say nothing. The
command asks the registry and then the registrar and prints both answers: they are one row each, of one domain.
Answers about networks (inetnum, NetRange, aut-num) are of another kind, and are RDAP's to tell in a form of its own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from clew.ingest.sources.result_rows import ResultRow

_LINE: Final = re.compile(r"\s{0,40}([A-Za-z][A-Za-z0-9 /._-]{0,59}?)\s{0,10}:(?:[ \t]{0,60}(\S.{0,2000}))?", re.DOTALL)
_BEGINS: Final = frozenset({"domain name", "domain"})
_SAID_ENOUGH: Final = frozenset(
    {"registrar", "registrar iana id", "creation date", "created", "name server", "nserver", "registry expiry date",
     "registry domain id", "expires", "paid-till", "registrar whois server", "changed", "holder", "registrant"}
)  # fmt: skip
_RENAMED: Final = {"domain": "domain_name", "nserver": "name_server", "paid-till": "expiration_date", "state": "status"}
_END: Final = ">>>"
_MOST_LABELS: Final = 2000


@dataclass(slots=True)
class _Answer:
    line: int
    values: dict[str, list[str]] = field(default_factory=dict)
    raw: list[bytes] = field(default_factory=list)


def is_whois_text(head: str) -> bool:
    """Whether a text says the name of a domain and enough else of it, in labels at the beginnings of lines."""
    answers = list(_answers(head.encode("utf-8", "surrogatepass")))
    return any(len({label.casefold() for label in answer.values} & _SAID_ENOUGH) > 1 for answer in answers)


def whois_text_rows(data: bytes) -> Iterator[ResultRow]:
    """A row for each answer, with the labels as the JSON forms of whois have them."""
    for answer in _answers(data):
        values = {
            _RENAMED.get(label.casefold(), label): texts if len(texts) > 1 else texts[0]
            for label, texts in answer.values.items()
        }
        yield ResultRow(answer.line, values, b"".join(answer.raw))


def _answers(data: bytes) -> Iterator[_Answer]:
    """What stands between one "Domain Name:" and the next, or the end of what the registry said."""
    open_answer: _Answer | None = None
    for number, raw in enumerate(data.splitlines(keepends=True), start=1):
        text = raw.decode("utf-8", "replace").replace("\0", "\ufffd").rstrip("\r\n")  # no fact can hold a NUL
        if text.lstrip().startswith(_END):
            if open_answer is not None:
                yield open_answer
            open_answer = None
            continue
        match = None if text.lstrip()[:1] in {"%", "#"} else _LINE.fullmatch(text)
        label = match[1].strip().casefold() if match else ""
        if match and match[2] and label in _BEGINS:
            if open_answer is not None:
                yield open_answer
            open_answer = _Answer(number)
        if open_answer is None:
            continue
        open_answer.raw.append(raw)
        if match and match[2] and len(open_answer.values) < _MOST_LABELS:
            open_answer.values.setdefault(match[1].strip(), []).append(match[2].strip())
    if open_answer is not None:
        yield open_answer
