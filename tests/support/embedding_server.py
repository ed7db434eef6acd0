"""A small server on loopback that speaks OpenAI's protocol for embeddings, well or badly."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from clew.projections.vectors.embedding.ngrams import NgramEmbedder
from clew.projections.vectors.precision import at_stored_precision

KEY = "sk-test"
Answer = tuple[int, dict[str, str], bytes]


@dataclass(slots=True)
class EmbeddingServer:
    """`faults`: what the next answers are instead of good ones; each is used once. `asked`: bodies, in their order."""

    url: str = ""
    dimension: int = 16
    faults: list[Callable[[dict[str, Any]], Answer]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """Every text that was asked for."""
        return [text for body in self.asked for text in body["input"]]

    def answer(self, body: dict[str, Any], key: str | None) -> Answer:
        self.asked.append(body)
        if self.faults:
            return self.faults.pop(0)(body)
        if key != f"Bearer {KEY}":
            return told(401, {"error": {"message": "Incorrect API key provided"}})
        return told(200, self.good(body))

    def good(self, body: dict[str, Any]) -> dict[str, Any]:
        """A good answer, in the protocol's shape, the vectors in another order than the texts."""
        texts = body["input"]
        vectors = at_stored_precision(NgramEmbedder(body.get("dimensions", self.dimension)).embed(texts).vectors) * 3
        data = [
            {"object": "embedding", "index": number, "embedding": vector.tolist()}
            for number, vector in enumerate(vectors)
        ]
        tokens = sum(len(text.split()) for text in texts)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": data[::-1], "model": body["model"], "usage": usage}


def told(status: int, content: Any, **headers: str) -> Answer:
    """An answer of JSON."""
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(content).encode()


@contextmanager
def embedding_server(dimension: int = 16) -> Iterator[EmbeddingServer]:
    """The server, until the block ends."""
    served = EmbeddingServer(dimension=dimension)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != "/v1/embeddings":
                status, headers, content = told(404, {"error": {"message": f"no {self.path}"}})
            else:
                status, headers, content = served.answer(body, self.headers.get("Authorization"))
            if status == 0:  # hang up
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True  # connections that a client keeps open end with it
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.socket.close()
