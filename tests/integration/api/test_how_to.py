"""What docs/how-to/use-the-api.md tells people to type works."""

import re
import shlex
from dataclasses import dataclass

from clew.projections.service import catch_up
from tests.support.api import opened_api
from tests.support.record import Writer, migrated_database, new_organization
from tests.support.repository import ROOT

PAGE = ROOT / "docs" / "how-to" / "use-the-api.md"
BLOCK = re.compile(r"^```shell\n(.*?)^```$", re.MULTILINE | re.DOTALL)

_VARIABLE = re.compile(r"\$([A-Z]+)")


@dataclass(frozen=True)
class Request:
    """What a line of curl sends."""

    method: str
    address: str
    headers: dict[str, str]
    body: str | None


def request_of(line: str, variables: dict[str, str]) -> Request:
    """The request of a line with its variables filled in, as a shell does it."""
    words = [_VARIABLE.sub(lambda found: variables[found[1]], word) for word in shlex.split(line)]
    assert words[:2] == ["curl", "-s"], line
    method, headers, body, address = "GET", {}, None, ""
    rest = iter(words[2:])
    for word in rest:
        if word == "-X":
            method = next(rest)
        elif word == "-H":
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(rest)
        else:
            address = word
    return Request(method, address, headers, body)


def test_every_line_of_the_page_does_what_it_says() -> None:
    lines = [line for block in BLOCK.findall(PAGE.read_text(encoding="utf-8")) for line in block.splitlines()]
    asked = [line for line in lines if line.startswith("curl ")]
    assert len(asked) >= 10
    with migrated_database() as database, opened_api(database) as api:
        tenant = new_organization(database)
        with database.transaction(tenant.context) as connection:
            writer = Writer(connection, tenant)
            entity = writer.entity("domain", "c2.example.net")
            writer.relationship(entity, "RESOLVES_TO", writer.entity("ip_address", "198.51.100.7"))
        assert catch_up(database) is not None
        key = api.person(tenant, "analyst").headers["key"]["X-API-Key"]
        variables = {"CLEW": "http://testserver", "KEY": key, "ENTITY": str(entity), "CASE": "", "ETAG": ""}
        for line in asked:
            wanted = request_of(line, variables)
            answer = api.client.request(wanted.method, wanted.address, headers=wanted.headers, content=wanted.body)
            assert answer.status_code in (200, 201), (line, answer.text)
            assert answer.content, line
            if wanted.address.endswith("/investigations"):
                variables |= {"CASE": answer.json()["id"], "ETAG": answer.headers["etag"]}
