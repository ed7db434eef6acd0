"""MCP over HTTP, by a real server: who gets in, from where, and that callers do not meet."""

import asyncio
from collections.abc import Iterator

import httpx2
import pytest

from clew.domains.identity.api_keys import create_key
from tests.support.api import UNLIMITED, Api
from tests.support.assistant_world import World, new_world
from tests.support.assistants import Assistant, Mode, Said, Whose, over_http
from tests.support.serving import PATIENCE_SECONDS, Server, served_from

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ACCEPT = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
COMMAND = "mcp --http --allow-write"


@pytest.fixture(scope="module")
def server(api: Api) -> Iterator[Server]:
    # It keeps the search view as the tests do, which wait for whoever keeps it.
    with served_from(api.database, command=COMMAND, CLEW_SEARCH="tantivy") as running:
        yield running


@pytest.fixture(scope="module")
def authorization(api: Api, world: World) -> str:
    return _shown(api, api.person(world.tenant, "analyst").headers["key"])


def _shown(api: Api, headers: dict[str, str]) -> str:
    shown = Whose(api, headers).authorization
    assert shown is not None
    return shown


def post(server: Server, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.post(server.address, json=LIST, headers=ACCEPT | named, timeout=PATIENCE_SECONDS, trust_env=False)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("way", ["key", "token"])
def test_tools_answer_whoever_shows_a_credential(api: Api, server: Server, world: World, way: str, mode: Mode) -> None:
    headers = api.person(world.tenant, "readonly").headers["key" if way == "key" else "token"]

    async def talk() -> tuple[set[str], Said]:
        async with over_http(server.address, _shown(api, headers), mode=mode) as assistant:
            return await assistant.names(), await assistant.call("get_case", world.arguments["get_case"])

    names, said = asyncio.run(talk())
    assert {"find_attacks", "get_case"} <= names
    assert not {"run_analysis", "open_case"} & names
    assert said.result["investigation"]["id"] == world.arguments["get_case"]["case"]


def test_two_at_once_see_each_their_own(api: Api, server: Server, world: World) -> None:
    other = new_world(api)
    worlds = (world, other)
    shown = [_shown(api, api.person(each.tenant, "analyst").headers["key"]) for each in worlds]

    async def talk(assistant: Assistant) -> list[Said]:
        return [await assistant.call(name) for name in ("list_cases", "find_entities", "find_attacks") * 5]

    async def both() -> list[list[Said]]:
        async with over_http(server.address, shown[0]) as one, over_http(server.address, shown[1]) as two:
            return list(await asyncio.gather(talk(one), talk(two)))

    for said, own, foreign in zip(asyncio.run(both()), worlds, worlds[::-1], strict=True):
        told = " ".join(one.text for one in said)
        assert all(one.ok for one in said)
        assert any(name in told for name in own.names)
        assert not any(name in told for name in foreign.names)


def test_writing_is_for_keys_that_have_it(api: Api, server: Server, world: World) -> None:
    person = api.person(world.tenant, "analyst")
    with api.database.transaction(world.tenant.context) as connection:
        key = create_key(connection, world.tenant.id, person.user.id, scopes=("read",), limits=UNLIMITED).key

    async def talk(authorization: str) -> tuple[set[str], Said]:
        async with over_http(server.address, authorization) as assistant:
            return await assistant.names(), await assistant.call("open_case", {"name": "By HTTP"})

    names, said = asyncio.run(talk(f"Bearer {key}"))
    assert "open_case" not in names
    assert said.code == "forbidden"
    names, said = asyncio.run(talk(_shown(api, person.headers["key"])))
    assert "open_case" in names
    assert said.ok


@pytest.mark.parametrize(
    "shown",
    [None, "Bearer", "Bearer clew_live_x", "Bearer eyJhbGciOiJub25lIn0.e30.", "Basic YTpi", "Bearer " + "x" * 5000],
)
def test_whoever_shows_nothing_that_counts_is_turned_away_at_the_door(server: Server, shown: str | None) -> None:
    refused = post(server) if shown is None else post(server, Authorization=shown)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.json()["error"] == "authentication"


def test_a_cookie_is_no_credential_here(api: Api, server: Server, world: World) -> None:
    cookie = api.person(world.tenant, "admin").headers["session"]["Cookie"]
    assert post(server, Cookie=cookie).status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost", "127.0.0.1:1"]
)
def test_another_name_for_this_machine_does_not_lead_here(server: Server, authorization: str, host: str) -> None:
    assert post(server, Authorization=authorization, Host=host).status_code == 421


def test_pages_of_other_sites_do_not_lead_here(server: Server, authorization: str) -> None:
    assert post(server, Authorization=authorization, Origin="https://evil.example").status_code == 403
    assert post(server, Authorization=authorization, Origin=f"http://localhost:{server.port}").status_code == 200


def test_no_session_is_kept_that_another_could_take_over(server: Server, authorization: str) -> None:
    answered = post(server, Authorization=authorization, Mcp_Session_Id="0" * 32)
    assert answered.status_code == 200
    assert "mcp-session-id" not in answered.headers


def test_only_messages_are_taken_and_only_here(server: Server, authorization: str) -> None:
    headers = {"Authorization": authorization}
    base = f"http://{server.host}:{server.port}"
    assert httpx2.get(server.address, headers=headers, trust_env=False).status_code == 405
    assert httpx2.delete(server.address, headers=headers, trust_env=False).status_code == 405
    for path in ("/", "/api/v1/entities", "/metrics", "/mcp/", "/.well-known/oauth-protected-resource"):
        assert httpx2.get(base + path, headers=headers, trust_env=False).status_code == 404


def test_what_is_no_message_is_refused(server: Server, authorization: str) -> None:
    headers = ACCEPT | {"Authorization": authorization, "Content-Type": "application/json"}

    def sent(content: bytes) -> int:
        return httpx2.post(
            server.address, content=content, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False
        ).status_code

    assert sent(b"x" * (1024 * 1024 + 1)) == 413
    for content in (b"", b"{", b"null", b"[]", b'"\\ud800"', b"\xff\xfe", b"[" * 50_000, b'{"jsonrpc":"2.0"}'):
        assert 400 <= sent(content) < 500, content[:20]
    assert post(server, Authorization=authorization).status_code == 200
