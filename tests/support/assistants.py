"""Assistants: the SDK's own client, talking to the server within this process or over a wire."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx2
from mcp import Client, MCPError, types
from mcp.client.streamable_http import streamable_http_client

from clew.mcp.gateway import Caller, Within
from clew.mcp.rights import RightsDesk
from clew.mcp.server import Desk, mcp_server
from tests.support.api import Api

Mode = Literal["auto", "legacy"]
Result = TypeVar("Result")
_FENCED = re.compile(r".*\n<record-data ([0-9a-f]{16})>\n([^\n]*)\n</record-data \1>", re.DOTALL)
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Said:
    """What a tool said: `text` is what stands in its fence, `data` what it means."""

    ok: bool
    text: str
    structured: Any

    @property
    def data(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """Of an error."""
        assert not self.ok, self.text
        code: str = self.data["code"]
        return code

    @property
    def result(self) -> Any:
        """Of a success, which says the same in both its forms."""
        assert self.ok, self.text
        assert self.structured["result"] == self.data["result"]
        return self.data["result"]


@dataclass(frozen=True)
class Assistant:
    """One assistant in a conversation."""

    client: Client

    async def names(self) -> set[str]:
        return {tool.name for tool in (await self.client.list_tools()).tools}

    async def call(self, name: str, arguments: Mapping[str, Any] | None = None) -> Said:
        return said(await self.client.call_tool(name, dict(arguments or {})))


def said(result: types.CallToolResult) -> Said:
    """The result, whose text must be one fence."""
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    found = _FENCED.fullmatch(content.text)
    assert found is not None, content.text[:500]
    return Said(not result.is_error, found[2], result.structured_content)


@dataclass(frozen=True)
class Whose:
    """How an assistant shows for whom it asks, and what whoever started the server allowed."""

    api: Api
    headers: Mapping[str, str] = field(repr=False)
    allow_write: bool = False
    reports: Path | None = None

    @property
    def authorization(self) -> str | None:
        key = self.headers.get("X-API-Key")
        return f"Bearer {key}" if key else self.headers.get("Authorization")

    @contextlib.asynccontextmanager
    async def assistant(self) -> AsyncIterator[Assistant]:
        gateway, caller = Within(self.api.application), Caller(self.authorization, address=("127.0.0.1", 50_000))
        desk = Desk(gateway, lambda _: caller, RightsDesk(gateway, allow_write=self.allow_write), self.reports)
        async with Client(mcp_server(desk.asking)) as client:
            yield Assistant(client)

    def run(self, conversation: Callable[[Assistant], Awaitable[Result]]) -> Result:
        """One conversation from its beginning to its end."""

        async def talk() -> Result | MCPError:
            async with self.assistant() as assistant:
                try:
                    return await conversation(assistant)
                except MCPError as error:
                    return error  # raised below: the SDK would wrap it here

        ended = asyncio.run(talk())
        if isinstance(ended, MCPError):
            raise ended
        return ended

    def call(self, name: str, arguments: Mapping[str, Any] | None = None) -> Said:
        """A conversation of one call."""
        return self.run(lambda assistant: assistant.call(name, arguments))


@contextlib.asynccontextmanager
async def over_http(url: str, authorization: str, *, mode: Mode = "auto") -> AsyncIterator[Assistant]:
    """An assistant that talks to a server by HTTP."""
    headers = {"Authorization": authorization}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=PATIENCE_SECONDS, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield Assistant(client)
