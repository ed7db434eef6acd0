"""`clew mcp` as an assistant's host runs it: a program that is started, asked by its standard input, and ended."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import psutil
import pytest
from mcp import Client, StdioServerParameters, stdio_client

from clew.client import ServerUnreachableError
from clew.kernel.errors import AuthenticationError
from tests.support.assistants import Assistant, Mode
from tests.support.embedded import command_line
from tests.support.ports import free_port
from tests.support.program import CLEW, PATIENCE_SECONDS, Program, set_up_program
from tests.support.serving import Server, started

pytestmark = [pytest.mark.same_everywhere, pytest.mark.slow]  # a server, a program and a host for each

Result = TypeVar("Result")
UNLIMITED = ("--per-minute", "0", "--per-hour", "0", "--per-day", "0")
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}
BEGINNING = ("lanternkeeper_example", "198.51.100.21")


@dataclass(frozen=True)
class Demo:
    """The sample case, and a file with a key for it."""

    program: Program
    key_file: Path


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with set_up_program() as program:
        program.run("demo")
        key_file = program.base / "key"
        key_file.touch(0o600)
        key_file.write_text(program.json("key", "create", *UNLIMITED, "--scope", "read")["key"])
        yield Demo(program, key_file)


def talk(
    program: Program,
    *arguments: str | Path,
    conversation: Callable[[Assistant], Awaitable[Result]],
    mode: Mode = "auto",
) -> Result:
    """A conversation with a program that is started for it, as the SDK does that."""
    parameters = StdioServerParameters(
        command=str(CLEW), args=list(map(str, arguments)), env=program.environment, cwd=program.base
    )

    async def run() -> Result:
        with (program.base / "mcp.log").open("a") as log:
            async with Client(stdio_client(parameters, errlog=log), mode=mode) as client:
                return await conversation(Assistant(client))

    return asyncio.run(run())


async def look(assistant: Assistant) -> tuple[set[str], Any, Any]:
    path = await assistant.call("find_path", {"start": BEGINNING[0], "goal": BEGINNING[1]})
    found = await assistant.call("search", {"q": "lant* wget", "index": "attacks"})
    return await assistant.names(), path.result, found.result


def test_the_record_here_is_asked_as_the_operator_by_older_hosts_too(demo: Demo) -> None:
    names, path, found = talk(demo.program, "mcp", conversation=look, mode="legacy")
    assert (path["found"], path["length"]) == (True, 7)
    assert found["total"] > 0
    assert "run_analysis" not in names


def test_the_same_as_the_owner_of_a_key_and_at_a_server(demo: Demo) -> None:
    here = talk(demo.program, "mcp", conversation=look)
    by_key = talk(demo.program, "--key-file", demo.key_file, "mcp", conversation=look)
    with started(demo.program) as server:
        remote = ("--server", server.address, "--key-file", demo.key_file, "mcp")
        elsewhere = talk(demo.program, *remote, conversation=look)
    assert here[1] == by_key[1] == elsewhere[1]
    assert by_key[0] == elsewhere[0] == here[0]


def test_what_is_allowed_to_write_analyses_and_explains(demo: Demo) -> None:
    async def work(assistant: Assistant) -> Any:
        job = await assistant.call("run_analysis", {"wait_seconds": 120})
        assert job.result["status"] == "completed", job.text
        campaign = job.result["result"]["campaigns"][0]
        explained = await assistant.call("explain_campaign", {"campaign": campaign})
        report = await assistant.call("write_report", {"case": "Harbour Lantern"})
        return explained.result, report.result

    reports = demo.program.base / "reports"
    reports.mkdir()
    arguments = ("mcp", "--allow-write", "--reports", reports)
    explained, report = talk(demo.program, *arguments, conversation=work)
    (first, *_) = explained["evidence"]
    assert first["lines"][0]["file"].startswith("harbour-lantern/")
    assert Path(report["saved_to"]).read_bytes().startswith(b"<!DOCTYPE html>")


class Raw:
    """The program, spoken to line by line."""

    def __init__(self, program: Program, *arguments: str | Path) -> None:
        self.process = subprocess.Popen(
            [CLEW, *map(str, arguments)],
            cwd=program.base,
            env=program.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def send(self, *lines: bytes | dict[str, Any]) -> None:
        assert self.process.stdin is not None
        for line in lines:
            self.process.stdin.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def call(self, name: str, **arguments: object) -> dict[str, Any]:
        params = {"name": name, "arguments": arguments}
        self.send({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params})
        return self.answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize("number", [signal.SIGINT, None])
def test_a_signal_or_the_end_of_the_input_ends_it(demo: Demo, number: signal.Signals | None) -> None:
    with Raw(demo.program, "mcp") as raw:
        raw.send(HELLO, READY)
        assert raw.answer()["result"]["serverInfo"]["name"] == "clew"
        assert raw.call("who_am_i")["result"]["isError"] is False
        if number is not None:
            raw.process.send_signal(number)
            assert raw.process.wait(PATIENCE_SECONDS) == 0  # with its input still open
        output, errors = raw.process.communicate(timeout=PATIENCE_SECONDS)
        assert raw.process.returncode == 0, errors
        assert output == b""


def test_kill_leaves_nothing_behind(demo: Demo) -> None:
    with Raw(demo.program, "mcp", "--allow-write") as raw:
        raw.send(HELLO, READY)
        raw.answer()
        assert raw.call("run_analysis", wait_seconds=0)["result"]["isError"] is False
        started_by_it = psutil.Process(raw.process.pid).children(recursive=True)
        own = [each for each in started_by_it if "postgres" not in " ".join(command_line(each)[:1])]
        raw.process.kill()
        raw.process.wait(PATIENCE_SECONDS)
    _, alive = psutil.wait_procs(own, PATIENCE_SECONDS)
    assert alive == []
    names, _, _ = talk(demo.program, "mcp", conversation=look)
    assert names


def test_what_is_no_message_is_told_and_does_no_harm(demo: Demo) -> None:
    with Raw(demo.program, "mcp") as raw:
        raw.send(HELLO, READY)
        raw.answer()
        for line in (
            b"not json",
            b'{"jsonrpc":"2.0","id":7,"method":"\\ud800"}',
            b"\xff\xfe\x00",
            b"[" * 10_000,
            b"{}",
        ):
            raw.send(line)
        raw.send({"jsonrpc": "2.0", "id": "last", "method": "ping"})
        while (answer := raw.answer()).get("id") != "last":
            assert "error" in answer
        assert answer["result"] == {}


def test_nothing_but_messages_is_printed(demo: Demo) -> None:
    with Raw(demo.program, "mcp") as raw:
        raw.send(HELLO, READY, {"jsonrpc": "2.0", "id": 2, "method": "tools/list"})
        assert [raw.answer()["id"], raw.answer()["id"]] == [1, 2]
        output, _ = raw.process.communicate(timeout=PATIENCE_SECONDS)
        assert output == b""


def test_who_does_not_count_is_told_so_at_once(demo: Demo) -> None:
    wrong = demo.program.base / "wrong"
    wrong.touch(0o600)
    wrong.write_text("clew_live_" + "0" * 40)
    refused = demo.program.cold.error("--key-file", wrong, "mcp", expect=AuthenticationError.exit_code)
    assert refused["code"] == "authentication"
    nowhere = f"http://127.0.0.1:{free_port()}"
    away = demo.program.cold.run(
        "--server", nowhere, "--key-file", demo.key_file, "mcp", expect=ServerUnreachableError.exit_code
    )
    assert nowhere in away.errors


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("mcp", "--reports", "."), "--allow-write"),
        (("--key-file", "-", "mcp"), "standard input"),
        (("--key-file", "key", "mcp", "--http"), "its own key"),
        (("--key-file", "key", "mcp", "--org", "default"), "whose record"),
        (("mcp", "--http", "--host", "0.0.0.0"), "unencrypted"),
    ],
)
def test_what_does_not_fit_together_is_refused(demo: Demo, arguments: tuple[str, ...], told: str) -> None:
    ended = demo.program.cold.run(*arguments, expect=None)
    assert ended.code in {2, 3}
    assert told in ended.errors
    assert ended.output == ""


def test_over_http_it_is_a_server_beside_which_there_is_no_other(demo: Demo) -> None:
    log = demo.program.base / "http.log"
    with log.open("a") as errors:
        process = demo.program.start("mcp", "--http", "--port", "0", "--json", stderr=errors.fileno())
    with Server.of(process, log) as server:
        assert server.address.endswith("/mcp")
        refused = demo.program.cold.error("mcp", "--http", "--port", "0", expect=6)
        assert "another server" in refused["message"]
        server.kill()
    with log.open("a") as errors:
        again = demo.program.start("mcp", "--http", "--port", "0", "--json", stderr=errors.fileno())
    with Server.of(again, log) as server:
        assert server.end() == 0
