"""Tools do for each caller what the API does: their own organization's things, by their own permissions."""

import asyncio
import re
from uuid import uuid4

import pytest
import sqlalchemy as sa
from mcp import MCPError

from clew.domains.identity.api_keys import KeyLimits, create_key
from clew.mcp.tools.registry import TOOLS
from tests.support.api import ALL_SCOPES, Api
from tests.support.assistant_world import World
from tests.support.assistants import Assistant, Said, Whose
from tests.support.callers import Caller, cast, nobodies
from tests.support.embedded import wait_until
from tests.support.record import Tenant

UUID_TEXT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EVERY = {tool.name for tool in TOOLS}
CHANGING = {tool.name for tool in TOOLS if tool.changes}


def test_every_tool_is_called_by_these_tests(world: World) -> None:
    assert sorted(world.arguments) == sorted(EVERY)


def test_every_tool_tells_its_own_organization(api: Api, world: World) -> None:
    headers = api.person(world.tenant, "admin").headers["key"]

    async def call_all(assistant: Assistant) -> dict[str, Said]:
        return {name: await assistant.call(name, arguments) for name, arguments in world.arguments.items()}

    said = Whose(api, headers, allow_write=True).run(call_all)
    assert {name: one.text for name, one in said.items() if not one.ok} == {}
    for name in ("find_entities", "find_attacks", "list_campaigns", "list_analyses", "list_cases", "list_jobs"):
        assert said[name].result["items"], name
    assert said["search"].result["total"] == 1
    assert said["find_path"].result["length"] == 1
    assert said["get_entity"].result["neighbour_count"] == 1
    assert "wget" in said["get_attack"].result["payload"]
    assert said["run_analysis"].result["status"] == "queued"
    assert said["write_report"].result["saved_to"] is None
    told = " ".join(one.text for one in said.values())
    assert {name for name in world.names if name not in told} == set()


def test_nothing_of_another_organization_shows_or_can_be_told_from_nothing(api: Api, world: World) -> None:
    stranger = api.person(api.organization(), "admin").headers["token"]

    async def call_all(assistant: Assistant) -> dict[str, tuple[Said, Said]]:
        answers = {}
        for name, arguments in world.arguments.items():
            absent = {
                key: str(uuid4()) if isinstance(value, str) and UUID_TEXT.fullmatch(value) else value
                for key, value in arguments.items()
            }
            answers[name] = (await assistant.call(name, arguments), await assistant.call(name, absent))
        return answers

    before = _things(api, world)
    refused = set()
    for name, (theirs, absent) in Whose(api, stranger, allow_write=True).run(call_all).items():
        given = set(map(str, world.arguments[name].values()))
        assert {each for each in world.names - given if each in theirs.text} == set(), name
        if not theirs.ok:
            refused.add(name)
            assert theirs.code == "not_found", theirs.text
            assert UUID_TEXT.sub("ID", theirs.text) == UUID_TEXT.sub("ID", absent.text)
    named = {name for name, arguments in world.arguments.items() if any(map(_is_id, arguments.values()))}
    assert named <= refused
    assert _things(api, world) == before, "something of the other organization was changed"


def _things(api: Api, world: World) -> tuple[int, ...]:
    """How many cases, targets and jobs the organization has."""
    with api.database.transaction(world.tenant.context) as connection:
        counts = (sa.text(f"SELECT count(*) FROM {table}") for table in ("investigations", "targets", "jobs"))
        return tuple(connection.scalar(count) or 0 for count in counts)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and UUID_TEXT.fullmatch(value) is not None


@pytest.fixture(scope="module")
def callers(api: Api, world: World) -> list[Caller]:
    return [each for each in cast(api, world.tenant) if each.way != "session"]


@pytest.mark.parametrize("allow_write", [False, True])
def test_everybody_is_offered_what_they_may_and_refused_the_rest(
    api: Api, world: World, callers: list[Caller], allow_write: bool
) -> None:
    for caller in callers:
        offered = {
            tool.name
            for tool in TOOLS
            if set(tool.permissions) <= caller.permissions and (allow_write or not tool.changes)
        }

        async def look(assistant: Assistant) -> tuple[set[str], dict[str, Said]]:
            # What changes things is called where it must be refused; that it works is seen above.
            calls = EVERY - (CHANGING & offered)  # noqa: B023  run at once
            return await assistant.names(), {name: await assistant.call(name, world.arguments[name]) for name in calls}

        names, said = Whose(api, caller.headers, allow_write=allow_write).run(look)
        assert names == offered, caller.label
        assert {name for name, one in said.items() if one.ok} == offered - CHANGING, caller.label
        assert {one.code for name, one in said.items() if name not in offered} <= {"forbidden"}, caller.label


def test_nobody_is_told_anything(api: Api, world: World) -> None:
    for label, headers in nobodies(api, world.tenant):
        whose = Whose(api, headers, allow_write=True)
        said = whose.call("find_entities", {})
        assert said.code == "authentication", label
        with pytest.raises(MCPError):
            whose.run(lambda assistant: assistant.names())
        with pytest.raises(MCPError):
            whose.run(lambda assistant: assistant.client.list_resources())


def test_a_key_that_is_revoked_counts_no_longer_at_once(api: Api, tenant: Tenant) -> None:
    person = api.person(tenant, "analyst")

    async def before_and_after(assistant: Assistant) -> tuple[Said, Said]:
        before = await assistant.call("find_entities")
        await asyncio.to_thread(_revoke_keys, api, tenant)
        return before, await assistant.call("find_entities")

    before, after = Whose(api, person.headers["key"]).run(before_and_after)
    assert before.ok
    assert after.code == "authentication"


def _revoke_keys(api: Api, tenant: Tenant) -> None:
    with api.database.transaction(tenant.context) as connection:
        connection.execute(sa.text("UPDATE api_keys SET is_active = false"))


def test_the_limits_of_a_key_hold(api: Api, tenant: Tenant) -> None:
    user = api.person(tenant, "analyst").user
    with api.database.transaction(tenant.context) as connection:
        limits = KeyLimits(3, 0, 0, 0)
        key = create_key(connection, tenant.id, user.id, scopes=ALL_SCOPES, limits=limits).key

    async def five(assistant: Assistant) -> list[Said]:
        return [await assistant.call("list_cases") for _ in range(5)]

    said = Whose(api, {"X-API-Key": key}).run(five)
    assert [one.ok for one in said] == [True, True, False, False, False]  # the first request asks who calls
    assert {one.code for one in said[2:]} == {"limit"}


def test_what_is_read_is_told_to_the_audit_trail_with_the_key(api: Api, world: World) -> None:
    person = api.person(world.tenant, "readonly")
    entity = world.arguments["get_entity"]["entity"]
    assert Whose(api, person.headers["key"]).call("get_entity", {"entity": entity}).ok
    statement = sa.text(
        "SELECT count(*) FROM audit.events WHERE event_type = 'entity_read' AND user_id = :user"
        " AND resource_id = :entity AND request_data ->> 'api_key_id' IS NOT NULL AND user_agent LIKE 'clew-mcp/%'"
    )

    def told() -> bool:
        with api.database.transaction(world.tenant.context) as connection:
            return bool(connection.scalar(statement, {"user": person.user.id, "entity": entity}) == 1)

    wait_until(told, "the read is in the audit trail")


def test_no_request_can_claim_to_be_known(api: Api) -> None:
    for headers in ({"clew.known_caller": "x"}, {"clew_known_caller": "x"}):
        assert api.client.get("/api/v1/entities", headers=headers).status_code == 401
