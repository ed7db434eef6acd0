"""XML reports made of a root and records right below it, read record by record with their place in the file.

Expat is used directly, since it alone tells the place of each element. Nothing outside the file is ever fetched and
nothing in it is expanded: a document that declares entities is refused, an external DTD is not looked at, and depth
and number of elements are bounded. A damaged record costs only itself; a report cut short keeps the records before the
cut; reports put one behind the other (nmap's --append-output) are read as several.
"""

import contextlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NoReturn
from xml.parsers import expat

from clew.ingest.facts import FactBuilder
from clew.ingest.sources.plain_text import as_utf8
from clew.ingest.sources.result_rows import RefusedRowError

_DEEPEST: Final = 64  # nested elements
_MOST_ELEMENTS: Final = 500_000  # below one record
_MOST_FAULTS: Final = 100  # after each the rest is scanned again
_DECLARED_LATIN: Final = re.compile(rb"<\?xml[^>]{0,80}encoding=[\"'](?:iso-8859-1|latin-?1)[\"']", re.IGNORECASE)
_AT_END: Final = frozenset({3, 5, 6, 20})  # expat: no element found, unclosed token, partial character, unclosed CDATA


@dataclass(slots=True)
class Element:
    """An element with everything below it. `text` is what stands directly in it."""

    tag: str
    attributes: dict[str, str]
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    def all(self, tag: str) -> Iterable["Element"]:
        """Children of that name."""
        return (child for child in self.children if child.tag == tag)

    def first(self, tag: str) -> "Element":
        """The first child of that name, or an empty one."""
        return next(iter(self.all(tag)), Element(tag, {}))


@dataclass(frozen=True, slots=True)
class XmlRecord:
    """A record with the 1-based line where it starts and its bytes; `element` is None where `fault` says why."""

    line: int
    raw: bytes
    element: Element | None
    fault: RefusedRowError | None = None


@dataclass(slots=True)
class XmlReport:
    """One root with its records. `others` are the further children asked for; `problems` cost no record."""

    attributes: dict[str, str] = field(default_factory=dict)
    records: list[XmlRecord] = field(default_factory=list)
    others: list[Element] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    closed: bool = False


def xml_root(head: bytes) -> Element | None:
    """Name and attributes of the first element at the start of a file, for recognition. Never raises."""
    found: list[Element] = []

    def start(tag: str, attributes: dict[str, str]) -> NoReturn:
        found.append(Element(tag, attributes))
        raise _FoundError

    parser = _parser(_encoding(head))
    parser.StartElementHandler = start
    with contextlib.suppress(expat.ExpatError, _FoundError, RefusedRowError):
        parser.Parse(_utf_8(head), False)  # noqa: FBT003 – expat takes no keyword
    return found[0] if found else None


def read_xml(data: bytes, root: str, records: Iterable[str], others: Iterable[str] = ()) -> list[XmlReport]:
    """The reports of a file, whose root is `root` and whose records are its children named in `records`.

    Never raises. A file that holds no such report gives one report with one faulty record.
    """
    return _Reader(data, root, frozenset(records), frozenset(others)).read()


def settle_xml(
    builder: FactBuilder, report: XmlReport, keep: Callable[[int, int, Element], None], *, first_record: int = 0
) -> int:
    """Give each record (ordinal, line, element) to `keep` or reject it; returns the ordinal after the last one.

    `keep` either announces the record and its facts or raises RefusedRowError before it has announced anything.
    """
    ordinal = first_record
    for record in report.records:
        try:
            if record.element is None:
                raise record.fault or RefusedRowError("invalid_xml", f"line {record.line}: cannot be read")
            keep(ordinal, record.line, record.element)
        except RefusedRowError as refusal:
            builder.reject(ordinal, record.line, refusal.reason, refusal.detail, record.raw)
        ordinal += 1
    for problem in report.problems:
        builder.warn(problem)
    return ordinal


class _FoundError(Exception):
    """Stops the parser: enough was seen."""


class _Reader:
    def __init__(self, data: bytes, root: str, records: frozenset[str], others: frozenset[str]) -> None:
        self.encoding = _encoding(data)
        self.data = _utf_8(data)
        self.root = root
        self.record_tags = records
        self.other_tags = others
        names = "|".join(map(re.escape, (root, *sorted(records))))
        self.resume = re.compile(rf"<({names})(?=[\s/>])".encode())
        self.reports: list[XmlReport] = []
        self.faults = 0

    def read(self) -> list[XmlReport]:
        position: int | None = 0
        inside = False  # whether what follows lies under a root that was read before
        while position is not None:
            stretch = _Stretch(self, position, inside=inside)
            position = stretch.run()
            self.faults += 1
            if position is not None:
                inside = not self.data.startswith(f"<{self.root}".encode(), position)
        if not any(report.records or report.closed for report in self.reports) and self.data.strip():
            fault = self.reports[-1].problems[0] if self.reports and self.reports[-1].problems else "no XML"
            refusal = RefusedRowError("invalid_xml", fault)
            self.reports = [XmlReport(records=[XmlRecord(1, self.data, None, refusal)])]
        return self.reports

    def next_start(self, position: int) -> int | None:
        if self.faults >= _MOST_FAULTS:
            return None
        match = self.resume.search(self.data, position)
        return match.start() if match else None


class _Stretch:
    """One parser from one place up to the end or to the first damage."""

    def __init__(self, reader: _Reader, position: int, *, inside: bool) -> None:
        self.reader = reader
        self.position = position
        prefix = f"<{reader.root}>".encode() if inside and reader.reports else b""
        self.prefix = prefix
        if not prefix:
            reader.reports.append(XmlReport())
        self.report = reader.reports[-1]
        self.lines_before = reader.data.count(b"\n", 0, position)
        self.open: list[Element] = []
        self.texts: list[list[str]] = []  # of each open element
        self.depth = 0
        self.elements = 0
        self.begin = (0, 0)  # byte and line of the child of the root that is open
        self.parser = parser = _parser(reader.encoding)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text

    def run(self) -> int | None:
        """Read on; returns where another stretch should begin, None where nothing is left."""
        try:
            self.parser.Parse(self.prefix, False)  # noqa: FBT003 – expat takes no keyword
            self.parser.Parse(memoryview(self.reader.data)[self.position :], False)  # noqa: FBT003
            self.parser.Parse(b"", True)  # noqa: FBT003
        except expat.ExpatError as error:
            place = max(self.position, self._byte(self.parser.ErrorByteIndex))
            if error.code in _AT_END and self.reader.resume.search(self.reader.data, place + 1) is None:
                self._ended(place)
                return None
            line, column = self.lines_before + error.lineno, error.offset + 1
            return self._damaged(place, f"line {line}, column {column}: {expat.ErrorString(error.code)}")
        except RefusedRowError as refusal:
            return self._refused(refusal)
        return None

    def _ended(self, place: int) -> None:
        """The file ends inside the root."""
        data, record = self.reader.data, self._open_record()
        begun = self.reader.resume.match(data, place)
        if record is None and begun and begun[1] != self.reader.root.encode():
            record = (place, 1 + data.count(b"\n", 0, place))
        if record is not None:
            detail = f"line {record[1]}: the file ends inside the record"
            self._lose(record, len(data), RefusedRowError("truncated_xml", detail))
        self.report.problems.append(
            f"the file ends before </{self.reader.root}>: it was cut short or the tool interrupted; "
            f"{sum(item.fault is None for item in self.report.records)} records are whole"
        )

    def _damaged(self, place: int, detail: str) -> int | None:
        record = self._open_record()
        after = self.reader.next_start(max(place, record[0] + 1 if record else 0))
        if record is not None:
            end = len(self.reader.data) if after is None else after
            self._lose(record, end, RefusedRowError("invalid_xml", detail))
        elif after is None or not self.report.closed:
            self.report.problems.append(f"{detail}; read on at the next record" if after else detail)
        return after

    def _refused(self, refusal: RefusedRowError) -> int | None:
        record = self._open_record()
        place = self._byte(self.parser.CurrentByteIndex)
        after = self.reader.next_start(place + 1) if self.depth > 1 else None
        if record is None:
            self.report.problems.append(refusal.detail)
        else:
            self._lose(record, len(self.reader.data) if after is None else after, refusal)
        return after

    def _lose(self, record: tuple[int, int], end: int, refusal: RefusedRowError) -> None:
        self.report.records.append(XmlRecord(record[1], self.reader.data[record[0] : end].rstrip(), None, refusal))

    def _open_record(self) -> tuple[int, int] | None:
        return self.begin if self.open and self.open[0].tag in self.reader.record_tags else None

    def _byte(self, index: int) -> int:
        return index - len(self.prefix) + self.position

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        line = self.lines_before + self.parser.CurrentLineNumber
        if self.depth == 1:
            if tag != self.reader.root:
                raise RefusedRowError("invalid_xml", f"line {line}: <{self.reader.root}> is expected, not <{tag[:40]}>")
            if not self.prefix:
                self.report.attributes = attributes
            return
        if self.depth > _DEEPEST:
            raise RefusedRowError("invalid_xml", f"line {line}: more than {_DEEPEST} nested elements")
        if self.depth == 2:
            self.begin = (self._byte(self.parser.CurrentByteIndex), line)
            self.elements = 0
            if tag not in self.reader.record_tags and tag not in self.reader.other_tags:
                return
        elif not self.open:
            return
        self.elements += 1
        if self.elements > _MOST_ELEMENTS:
            raise RefusedRowError("invalid_xml", f"line {line}: more than {_MOST_ELEMENTS} elements in one record")
        element = Element(tag, attributes)
        if self.open:
            self.open[-1].children.append(element)
        self.open.append(element)
        self.texts.append([])

    def _end(self, _tag: str) -> None:
        self.depth -= 1
        if self.depth == 0:
            self.report.closed = True
        if not self.open:
            return
        element = self.open.pop()
        element.text = "".join(self.texts.pop())
        if self.open:
            return
        if element.tag in self.reader.record_tags:
            data = self.reader.data
            end = self._byte(self.parser.CurrentByteIndex)
            if data.startswith(b"</", end):  # of <host/> expat gives the place behind it
                end = data.find(b">", end) + 1
            self.report.records.append(XmlRecord(self.begin[1], data[self.begin[0] : end], element))
        else:
            self.report.others.append(element)

    def _text(self, text: str) -> None:
        if self.open:
            self.texts[-1].append(text)


def _parser(encoding: str) -> expat.XMLParserType:
    parser = expat.ParserCreate(encoding)  # overrides what the file declares: no codec is looked up by its word
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.EntityDeclHandler = _refuse_entity
    parser.ExternalEntityRefHandler = _refuse_entity
    return parser


def _refuse_entity(*_details: object) -> NoReturn:
    raise RefusedRowError("forbidden_xml", "the file declares XML entities, which no tool writes; it is not read")


def _encoding(data: bytes) -> str:
    return "iso-8859-1" if _DECLARED_LATIN.match(data[:200]) else "utf-8"


def _utf_8(data: bytes) -> bytes:
    """UTF-16 as UTF-8, anything else as it is but for what stands before the first tag."""
    text = as_utf8(data).removeprefix(b"\xef\xbb\xbf")
    return text.lstrip(b" \t\r\n") if text[:1].isspace() and text.lstrip()[:1] == b"<" else text
