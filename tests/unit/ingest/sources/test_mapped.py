"""Somebody's own tables, by a mapping file."""

import json
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clew.ingest.facts import Facts
from clew.ingest.preview import preview
from clew.ingest.sources.base import Framing, ReadContext, RecordBatch
from clew.ingest.sources.mapped import MAPPING, MappedSource, recognise_mapped
from clew.ingest.sources.mapping_file import MappingError, mapping_of
from clew.ingest.sources.times import NO_TIME_ZONE_WARNING
from clew.kernel.errors import InputError
from tests.support.tool_reports import (
    FIXTURES,
    assert_consistent,
    contents,
    entities,
    frame,
    links,
    rejects,
    sample,
)

SOURCE = MappedSource()
FOLDER = FIXTURES / "mapped"
CUSTOMERS = (FOLDER / "customers.toml").read_text()
SIGHTINGS = (FOLDER / "sightings.toml").read_text()
HOSTS = '[entities.host]\ntype = "ip_address"\nvalue = "ip"\n'


def read(mapping: str, data: bytes, **context: object) -> Facts:
    claim, _ = recognise_mapped(mapping_of(mapping), sample("x", data))
    options = {MAPPING: mapping}
    return SOURCE.read(frame(data, claim.framing), ReadContext("x", claim.variant, options=options, **context))  # type: ignore[arg-type]


def customers() -> Facts:
    return read(CUSTOMERS, (FOLDER / "customers.csv").read_bytes())


def test_a_table_becomes_entities_links_and_properties() -> None:
    facts = customers()
    assert_consistent(facts)
    assert links(facts) == {
        ("Quiet Heron", "ASSOCIATED_WITH", "heron@example.org"),
        ("Quiet Heron", "ASSOCIATED_WITH", "heron@example.net"),
        ("Quiet Heron", "HAS_ACCOUNT", "quietheron42"),
        ("Loud Crane", "ASSOCIATED_WITH", "crane@example.org"),
        ("Not Mail", "ASSOCIATED_WITH", "not an address"),
    }
    assert ("person", "Quiet Heron", "crm:1001") in entities(facts)
    assert ("username", "quietheron42", "github") in entities(facts)
    first = facts.mentions.row(0, named=True)
    assert json.loads(first["properties"]) == {"orders": 12, "plan": "gold"}
    assert str(first["first_seen"]) == "2024-01-31 23:00:00+00:00"
    assert str(first["last_seen"]) == "2025-01-01 00:00:00+00:00"
    assert facts.warnings == ()


def test_rows_are_rejected_for_what_is_wrong_with_them() -> None:
    assert rejects(customers()) == [(2, 4, "missing_field"), (3, 5, "invalid_timestamp"), (5, 8, "wrong_type")]


def test_a_required_value_is_marked_for_the_ontology_to_judge() -> None:
    facts = customers()
    assert facts.mentions.filter(entity_type="email")["required"].all()
    assert not facts.mentions.filter(entity_type="person")["required"].any()


def test_nested_values_lists_and_times_without_a_zone() -> None:
    data = (FOLDER / "sightings.jsonl").read_bytes()
    facts = read(SIGHTINGS, data)
    assert_consistent(facts)
    assert links(facts) == {(name, "RESOLVES_TO", "192.0.2.10") for name in ("a.example.com", "b.example.com")}
    assert rejects(facts) == [(2, 3, "missing_field"), (3, 4, "invalid_timestamp"), (4, 5, "invalid_json")]
    assert json.loads(facts.mentions["properties"][0]) == {"latitude": 52.5, "longitude": 13.4, "open": [22, 443]}
    assert facts.warnings == (NO_TIME_ZONE_WARNING,)
    there = read(SIGHTINGS, data, timezone=ZoneInfo("Asia/Tokyo"))
    assert str(there.mentions.filter(value="192.0.2.11")["first_seen"][0]) == "2026-03-02 03:00:00+00:00"
    assert there.warnings == ()


def test_json_rows_in_a_member() -> None:
    mapping = f'format = "json"\nrows = "answer.items"\n{HOSTS}'
    facts = read(mapping, b'{"answer": {"items": [\n {"ip": "192.0.2.1"},\n {"ip": 5, "x": {}}\n]}}\n{"answer": {}}')
    assert entities(facts) == {("ip_address", "192.0.2.1", None), ("ip_address", "5", None)}
    assert facts.records["line"].to_list() == [2, 3]
    assert rejects(facts) == [(2, 5, "missing_field")]


def test_csv_with_another_delimiter_and_names_in_other_case() -> None:
    hosts = HOSTS.replace('"ip"', '" IP "')
    mapping = f'format = "csv"\ndelimiter = "|"\n{hosts}'
    facts = read(mapping, b"note, old|ip\nx|192.0.2.1\n|\n")
    assert entities(facts) == {("ip_address", "192.0.2.1", None)}
    assert contents(facts) == [{"note, old": "x", "ip": "192.0.2.1"}]
    assert rejects(facts) == [(1, 3, "nothing_mapped")]


def test_a_national_number_is_read_in_the_region_of_the_call() -> None:
    mapping = 'format = "csv"\n[entities.office]\ntype = "phone"\nvalue = "tel"\n'
    assert entities(read(mapping, b"tel\n030 123456\n", region="DE")) == {("phone", "030 123456", "DE")}


def test_missing_columns_are_named_with_those_most_like_them() -> None:
    with pytest.raises(MappingError, match=r"has no column 'E-mail' \(did you mean 'email'\?\)") as caught:
        read(CUSTOMERS, b"Customer no;Name;email;Login;Phone;Plan;Orders;Joined;Last order\n")
    assert "its columns are: 'customer no', 'name', 'email'" in str(caught.value.remedy)


def test_paths_that_no_row_has_are_an_error_only_where_nothing_is_left() -> None:
    mapping = mapping_of(SIGHTINGS)
    _, warnings = recognise_mapped(mapping, sample("x", b'{"where": {"ip": "192.0.2.1"}, "time": 5}\n'))
    assert len(warnings) == 1
    assert re.match(r"its first rows have no 'at', 'where\.lat' \(did you mean 'where\.ip'\?\), ", warnings[0])
    with pytest.raises(MappingError, match=r"'where\.ip' \(did you mean 'there\.ip'\?\)"):
        recognise_mapped(mapping, sample("x", b'{"there": {"ip": "192.0.2.1"}}\n'))
    with pytest.raises(MappingError, match="holds no JSON objects"):
        recognise_mapped(mapping, sample("x", b"a,b\n"))


def test_nothing_is_recognised_or_read_without_a_mapping() -> None:
    data = (FOLDER / "customers.csv").read_bytes()
    assert SOURCE.recognise(sample("customers.csv", data)) is None
    facts = SOURCE.read(RecordBatch([data], [1], 0), ReadContext("x", "csv"))
    assert_consistent(facts)
    broken = SOURCE.read(RecordBatch([b"{}"], [1], 0), ReadContext("x", "csv", options={MAPPING: "x"}))
    assert rejects(broken) == [(0, 1, "invalid_mapping")]


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("text", " a ", "a"),
        ("integer", "12", 12),
        ("number", "1.5", 1.5),
        ("boolean", "Yes", True),
        ("boolean", "0", False),
        ("list", "a", ["a"]),
    ],
)
def test_kinds_of_properties(kind: str, cell: str, value: object) -> None:
    mapping = f'format = "csv"\n{HOSTS}properties = {{ p = {{ column = "p", as = "{kind}" }} }}\n'
    facts = read(mapping, f"ip,p\n192.0.2.1,{cell}\n".encode())
    assert json.loads(facts.mentions["properties"][0]) == {"p": value}


@pytest.mark.parametrize(
    ("kind", "cell"), [("integer", "1_0"), ("integer", "9" * 30), ("number", "nan"), ("number", "x"), ("boolean", "?")]
)
def test_a_property_of_another_kind_rejects_its_row(kind: str, cell: str) -> None:
    mapping = f'format = "csv"\n{HOSTS}properties = {{ p = {{ column = "p", as = "{kind}" }} }}\n'
    assert rejects(read(mapping, f"ip,p\n192.0.2.1,{cell}\n".encode())) == [(0, 2, "wrong_type")]


def test_a_row_of_too_many_links_is_rejected() -> None:
    mapping = (
        'format = "csv"\n[entities.a]\ntype = "domain"\nvalue = "a"\nsplit = "|"\n'
        '[entities.b]\ntype = "domain"\nvalue = "b"\nsplit = "|"\n'
        '[[links]]\nsource = "a"\ntype = "USES"\ntarget = "b"\n'
    )
    many = ["|".join(f"{side}{number}.example" for number in range(40)) for side in "ab"]
    assert rejects(read(mapping, f"a,b\n{many[0]},{many[1]}\n".encode())) == [(0, 2, "too_many_links")]


@settings(max_examples=200)
@given(st.binary(max_size=300), st.sampled_from((CUSTOMERS, SIGHTINGS)), st.sampled_from(Framing))
def test_no_bytes_make_it_raise(data: bytes, mapping: str, framing: Framing) -> None:
    variant = mapping_of(mapping).format
    if framing is Framing.LINES and variant == "csv":
        return
    batch = frame(data, framing)
    facts = SOURCE.read(batch, ReadContext("x", variant, options={MAPPING: mapping}))
    assert_consistent(facts)


def test_a_preview_shows_ten_rows_and_what_is_wrong(tmp_path: Path) -> None:
    found = preview((FOLDER / "customers.csv",), CUSTOMERS, region="DE")[0]
    assert [row.line for row in found.rows] == [2, 3, 4, 5, 7, 8]
    assert [row.refusal[0] if row.refusal else None for row in found.rows] == [
        *(None, None, "missing_field", "invalid_timestamp", "invalid_value", "wrong_type")
    ]
    assert found.rows[0].entities[4].name == "+49 30 123456"
    assert found.as_dict()["rows"][4]["entities"][1]["problem"] == "an e-mail address has an @"
    many = tmp_path / "many.csv"
    many.write_text("ip\n" + "192.0.2.1\n" * 50)
    assert len(preview((many,), f'format = "csv"\n{HOSTS}')[0].rows) == 10


def test_a_preview_of_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    assert "has no column" in (preview((tmp_path / "empty.csv",), CUSTOMERS)[0].problem or "")
    with pytest.raises(InputError, match="no such file"):
        preview((tmp_path / "missing.csv",), CUSTOMERS)
