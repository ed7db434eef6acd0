"""XML reports: records with their place, damage that costs only itself, and nothing that expands or fetches."""

import pytest

from clew.ingest.facts import FactBuilder
from clew.ingest.sources.xml_records import Element, XmlReport, read_xml, settle_xml, xml_root


def read(data: bytes) -> list[XmlReport]:
    return read_xml(data, "scan", ("host",), ("end",))


def keep_nothing(record: int, line: int, element: Element) -> None:
    pytest.fail(f"record {record} on line {line} is no record: {element}")


def test_records_carry_line_bytes_and_content() -> None:
    (report,) = read(
        b'<?xml version="1.0"?>\n<scan at="1">\n<host n="a"><x>one</x>two</host>\n<host n="b"/><end/></scan>'
    )
    assert report.attributes == {"at": "1"}
    assert [(record.line, record.raw) for record in report.records] == [
        (3, b'<host n="a"><x>one</x>two</host>'),
        (4, b'<host n="b"/>'),
    ]
    element = report.records[0].element
    assert element == Element("host", {"n": "a"}, [Element("x", {}, [], "one")], "two")
    assert [other.tag for other in report.others] == ["end"]
    assert report.closed
    assert report.problems == []


@pytest.mark.parametrize(
    ("tail", "lost"),
    [(b"", []), (b"<host><x>", [3]), (b'<host n="', [3]), (b"<ho", []), (b"<end", [])],
    ids=["root open", "record open", "tag open", "name open", "other open"],
)
def test_a_file_cut_short_keeps_what_is_whole(tail: bytes, lost: list[int]) -> None:
    (report,) = read(b"<scan>\n<host>a</host>\n" + tail)
    assert [record.line for record in report.records if record.fault] == lost
    assert [record.fault.reason for record in report.records if record.fault] == ["truncated_xml"] * len(lost)
    assert "1 records are whole" in report.problems[0]


def test_damage_costs_only_its_record() -> None:
    (report,) = read(b"<scan><host><a></host><host>1</host><host>\xff</host>\n<host>2</host></scan>")
    assert [record.element.text if record.element else None for record in report.records] == [None, "1", None, "2"]
    assert [record.raw for record in report.records if record.fault] == [b"<host><a></host>", b"<host>\xff</host>"]
    assert report.problems == []


def test_an_unclosed_comment_hides_no_record() -> None:
    (report,) = read(b"<scan><!-- <host>1</host><host>2</host></scan>")
    assert [record.element.text for record in report.records if record.element] == ["1", "2"]
    assert len(report.problems) == 1


def test_reports_behind_each_other_keep_their_own_head() -> None:
    one, two = read(b'<scan n="1"><host/></scan>\n<?xml version="1.0"?>\n<scan n="2"><host/><host/></scan>')
    assert (one.attributes["n"], len(one.records)) == ("1", 1)
    assert (two.attributes["n"], len(two.records)) == ("2", 2)
    cut, whole = read(b'<scan n="1"><host/><?xml version="1.0"?><scan n="2"><host/></scan>')
    assert [len(cut.records), len(whole.records)] == [1, 1]
    assert cut.problems


@pytest.mark.parametrize(
    "declared",
    [
        b'<!ENTITY a "b">',
        b'<!ENTITY a SYSTEM "file:///etc/passwd">',
        b'<!ENTITY % a SYSTEM "http://127.0.0.1/x.dtd"> %a;',
        b'<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">',
    ],
    ids=["internal", "external", "parameter", "laughs"],
)
def test_declared_entities_refuse_the_file(declared: bytes) -> None:
    (report,) = read(b"<!DOCTYPE scan [" + declared + b"]><scan><host>&c;</host></scan>")
    (record,) = report.records
    assert record.element is None
    assert record.fault is not None
    assert "entities" in record.fault.detail


def test_depth_and_number_of_elements_are_bounded() -> None:
    deep = b"<host>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</host>"
    (report,) = read(b"<scan>" + deep + b"<host>whole</host></scan>")
    assert [bool(record.fault) for record in report.records] == [True, False]
    (report,) = read(b"<scan><host>" + b"<a/>" * 500_001 + b"</host><host>whole</host></scan>")
    assert [bool(record.fault) for record in report.records] == [True, False]


@pytest.mark.parametrize("data", [b"no xml", b"<other/>", b"<scan", b"{}", b"<scan n=1>"])
def test_what_is_no_report_is_one_faulty_record(data: bytes) -> None:
    (report,) = read(data)
    builder = FactBuilder()
    assert settle_xml(builder, report, keep_nothing) in {0, 1}
    facts = builder.facts()
    assert facts.rejects.height + len(facts.warnings) >= 1


def test_encodings_are_the_files_own_and_never_looked_up() -> None:
    latin = '<?xml version="1.0" encoding="iso-8859-1"?><scan><host>é</host></scan>'
    assert read(latin.encode("latin-1"))[0].records[0].element == Element("host", {}, [], "é")
    wide = '<?xml version="1.0" encoding="utf-16"?><scan><host>é</host></scan>'
    assert read(wide.encode("utf-16"))[0].records[0].element == Element("host", {}, [], "é")
    odd = b'<?xml version="1.0" encoding="unicode_escape"?><scan><host>\\x41</host></scan>'
    assert read(odd)[0].records[0].element == Element("host", {}, [], "\\x41")


def test_the_root_is_known_by_the_start_of_a_file() -> None:
    assert xml_root(b'\xef\xbb\xbf<?xml version="1.0"?><!DOCTYPE scan SYSTEM "x.dtd">\n<scan a="1"><ho') == Element(
        "scan", {"a": "1"}
    )
    assert xml_root(b"scan") is None
    assert xml_root(b"") is None
