"""`clew similar` and `clew search --hybrid` as a user types them, here and for a server elsewhere."""

import json
from collections.abc import Iterator

import pytest

from tests.support.embedded import wait_until
from tests.support.program import Program, set_up_program
from tests.support.serving import Server, started

pytestmark = pytest.mark.same_everywhere

ASKED = [
    ("similar", "lanternkeeper_example", "--limit", "5"),
    ("similar", "to", "lantern-harbour.example", "--limit", "3"),
    ("similar", "Harbour Lantern"),
    ("similar", "--text", "lantern keeper", "--collection", "profiles", "--filter", "kind=social_profile"),
    ("similar", "clusters", "--collection", "domains"),
]


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    """The sample case, with vectors."""
    with set_up_program() as made:
        made.environment["CLEW_VECTORS"] = "pgvector"
        made.run("demo")
        yield made


@pytest.fixture(scope="module")
def elsewhere(program: Program) -> Iterator[tuple[str, str]]:
    """A server of the same record, and a key for it."""
    key = program.json("key", "create", "--scope", "read")["key"]
    server: Server = started(program)
    with server:
        yield server.address, key
        server.end()


def test_names_domains_cases_and_texts_find_what_is_alike(program: Program) -> None:
    alike = program.json("similar", "lanternkeeper_example", "--limit", "4")
    assert alike["asked"] == "lanternkeeper_example"
    assert {each["name"] for each in alike["items"]} == {"lanternkeeper_example"}
    assert {each["collection"] for each in alike["items"]} == {"social_profiles_embeddings"}
    domains = program.json("similar", "lantern-harbour.example", "--limit", "3")["items"]
    assert all(each["name"].endswith("lantern-harbour.example") for each in domains)
    assert "www.lantern-harbour.example" in program.run("similar", "lantern-harbour.example").output
    groups = program.json("similar", "clusters", "--collection", "domains")
    assert "lantern" in groups["groups"][0]["terms"]
    assert "compared (hdbscan)" in program.run("similar", "clusters", "--collection", "domains").output
    hybrid = program.json("search", "lantrn harbor", "--hybrid", "--limit", "5")
    assert hybrid["total"] > program.json("search", "lantrn harbor")["total"]
    (first,) = program.json("similar", "--text", "lanternkeeper", "--collection", "profiles", "--limit", "1")["items"]
    assert all(each["id"] != first["id"] for each in program.json("similar", "--like", first["id"])["items"])
    rows = json.loads(program.run("projection", "verify", "--json").output)
    assert {each["projection"] for each in rows} >= {"search", "graph", "series", "vectors"}
    assert [each["projection"] for each in rows if not each["equal"]] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["similar", "--text", "x", "--collection", "nowhere"], 2),
        (["similar", "--text", "x", "--filter", "nonsense"], 2),
        (["similar", "--like", "x"], 2),
        (["similar", "--unlike", "x"], 2),
        (["similar", "to"], 2),
        (["similar", "203.0.113.77"], 5),
        (["similar", "nobody-knows.example"], 5),
    ],
)
def test_what_cannot_be_asked_is_told(program: Program, arguments: list[str], code: int) -> None:
    result = program.run(*arguments, expect=code)
    assert result.output == ""
    assert "Traceback" not in result.errors


def test_switched_off_is_told(program: Program) -> None:
    assert "CLEW_VECTORS" in program.run("similar", "--text", "x", CLEW_VECTORS="none", expect=3).errors


def test_a_server_elsewhere_answers_the_same(program: Program, elsewhere: tuple[str, str]) -> None:
    address, key = elsewhere
    here = {asked: program.json(*asked) for asked in ASKED}

    def there(*asked: str) -> object:
        return program.json("--server", address, "--key", key, *asked)

    wait_until(lambda: there(*ASKED[0]) == here[ASKED[0]], "the server's vectors")
    for asked in ASKED:
        assert there(*asked) == here[asked]
    hybrid = program.json("search", "lantern", "--hybrid", "--limit", "5")
    remote = there("search", "lantern", "--hybrid", "--limit", "5")
    assert isinstance(remote, dict)
    assert [each["id"] for each in remote["hits"]] == [each["id"] for each in hybrid["hits"]]
