"""The mapping file: what it may say, and what is said of what it may not."""

import re

import pytest

from clew.ingest.sources.json_path import PathError, parse_path, paths_of, values_at
from clew.ingest.sources.mapping_file import MAXIMUM_BYTES, MappingError, near_matches, parse_mapping
from tests.support.tool_reports import FIXTURES

GOOD = (FIXTURES / "mapped" / "customers.toml").read_text()


def error_of(text: str | bytes) -> MappingError:
    with pytest.raises(MappingError) as caught:
        parse_mapping(text if isinstance(text, bytes) else text.encode(), "m.toml")
    return caught.value


def test_a_good_file_names_its_columns_once() -> None:
    mapping = parse_mapping(GOOD.encode(), "m.toml")
    assert mapping.columns() == [
        *("Name", "Customer no", "Joined", "Last order", "Plan", "Orders", "E-mail", "Login", "Phone")
    ]
    assert [link.type for link in mapping.links] == ["ASSOCIATED_WITH", "HAS_ACCOUNT"]


@pytest.mark.parametrize(
    ("old", "new", "line", "says", "does"),
    [
        ('type = "email"', 'type = "emial"', 13, "entities.mailbox.type: 'emial' is no type", "'email'"),
        ('type = "HAS_ACCOUNT"', 'type = "HAS_ACOUNT"', 36, "links.2.type: 'HAS_ACOUNT'", "'HAS_ACCOUNT'"),
        ('target = "login"', 'target = "logn"', 37, "links.2.target: no entity 'logn'", "'login'"),
        ("required = true", 'required = "yes"', 15, "entities.mailbox.required", "true or false"),
        ("confidence = 0.9", "confidence = 9", 7, "entities.customer.confidence", "from 0 to 1"),
        ('split = "|"', 'spilt = "|"', 16, "no key 'spilt'", "'split'"),
        ('format = "csv"', 'format = "xls"', 1, "format: input should be 'csv'", None),
        ('format = "%d.%m.%Y"', 'format = "dd.mm"', 8, "'dd.mm' is no format", "unix"),
        ('format = "%d.%m.%Y"', 'format = "%Q"', 8, "holds %Q", "unix"),
        ('format = "%d.%m.%Y"', 'format = "%Y %Y"', 8, "twice", "unix"),
        ("Europe/Berlin", "Mars/Olympus", 8, "'Mars/Olympus' is no time zone", "Europe/Berlin"),
        ('as = "integer"', 'as = "int"', 10, "properties.orders.as", None),
        ('qualifier = { column = "Customer no", prefix = "crm:" }', "", 3, "not identified by its name", "crm:"),
        ('{ constant = "github" }', "{ }", 21, "either `column` or `constant`", "constant"),
        ("[entities.login]", "[entities.Log-in]", 18, "small letters", "rename"),
        ('format = "csv"', 'format = "csv"\nrows = "a"', None, "`rows` is for json only", "remove"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_to_do(
    old: str, new: str, line: int | None, says: str, does: str | None
) -> None:
    assert GOOD.count(old) >= 1
    error = error_of(GOOD.replace(old, new, 1))
    assert says in error.message
    assert (does is None) or (error.remedy is not None and does in error.remedy)
    if line is not None:
        assert error.where == f"m.toml, line {line}"


def test_several_mistakes_are_told_at_once() -> None:
    error = error_of(GOOD.replace('"email"', '"emial"').replace("confidence = 0.8", "confidence = 8"))
    assert "emial" in error.message
    assert re.search(r"also line 31: links\.1\.confidence", error.message)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"format = csv", "is not TOML"),
        (b"\xff", "not UTF-8 at byte 1"),
        (b"", "format: field required"),
        (b'format = "csv"\n[entities]', "entities"),
        (b"a = " + b"[" * 100_000, "is not TOML"),
        (b" " * (MAXIMUM_BYTES + 1), "more than"),
    ],
)
def test_what_is_no_mapping_at_all(content: bytes, says: str) -> None:
    assert says in error_of(content).message


def test_near_matches_ignore_case() -> None:
    assert near_matches("E-Mail", ["phone", "e-mail", "name"]) == ["e-mail"]
    assert near_matches("zzz", ["phone"]) == []


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("a", ("a",)),
        ("a.b", ("a", "b")),
        ("a b.c-d", ("a b", "c-d")),
        ("a[0].b", ("a", 0, "b")),
        ("a[*].b[*]", ("a", None, "b", None)),
        ('"a.b".c', ("a.b", "c")),
    ],
)
def test_paths(path: str, steps: tuple[str | int | None, ...]) -> None:
    assert parse_path(path) == steps


@pytest.mark.parametrize("path", ["", ".a", "a..b", "a[", "a[-1]", "a[x]", "a[*][*][*]", 'a"b"', ".".join("a" * 17)])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(PathError):
        parse_path(path)


def test_values_at_a_path_are_bounded_and_never_raise() -> None:
    value = {"a": [{"b": 1}, {"b": None}, 5, {"b": [2, 3]}], "c": {"d.e": 7}}
    assert values_at(value, "a[*].b") == [1, [2, 3]]
    assert values_at(value, "a[3].b[1]") == [3]
    assert values_at(value, "a[9].b") == []
    assert values_at(value, 'c."d.e"') == [7]
    assert values_at(5, "a") == []
    assert len(values_at({"a": [[1] * 100] * 100}, "a[*][*]")) == 1_000
    assert paths_of(value) == ["a[*].b", 'c."d.e"'] or set(paths_of(value)) == {"a[*].b", 'c."d.e"'}
