"""A server that speaks the chat protocols of OpenAI and Ollama, well or badly, for tests on this machine."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Said = str | bytes | int | None
"""Text of the message, raw bytes of the answer, a status, or None for an answer that does not come."""


@dataclass
class ModelServer:
    """What it was asked, and what it says: given the texts of system and user, and how often it was asked before."""

    says: Callable[[str, str, int], Said]
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""
    release: threading.Event = field(default_factory=threading.Event)


def summary(text: str) -> str:
    """As a model answers that does what it is told."""
    return json.dumps({"summary": text})


def obeying(_system: str, user: str, _number: int) -> str:
    """A model that does what the data tell it: it says what the first description says."""
    described = re.search(r'"described": "([^"]*)"', user)
    assert described is not None
    return summary(described[1])


@contextmanager
def model_server(says: Callable[[str, str, int], Said]) -> Iterator[ModelServer]:
    """The server at `url` while the block lasts."""
    model = ModelServer(says)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            number = len(model.asked)
            model.asked.append(body)
            model.headers.append(dict(self.headers))
            model.paths.append(self.path)
            system, user = (message["content"] for message in body["messages"])
            self._answer(model.says(system, user, number))

        def _answer(self, said: Said) -> None:
            if said is None:
                model.release.wait(30)
                return
            if isinstance(said, int):
                self.send_response(said)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")
                return
            content = said if isinstance(said, bytes) else json.dumps(_wrapped(self.path, said)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            try:
                self.wfile.write(content)
            except OSError:
                time.sleep(0)  # whoever asked has read enough

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as the library calls it
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    model.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield model
    finally:
        model.release.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _wrapped(path: str, text: str) -> dict[str, Any]:
    if path == "/api/chat":
        return {
            "message": {"role": "assistant", "content": text},
            "done": True,
            "prompt_eval_count": 900,
            "eval_count": 60,
        }
    return {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 60},
    }
