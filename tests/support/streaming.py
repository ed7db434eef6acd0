"""Live events as a program reads them."""

import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.uploading import Client


class Stream:
    """An open event stream, read line by line."""

    def __init__(self, client: Client, topics: str, after: str | None = None) -> None:
        self.connection = http.client.HTTPConnection(client.server.host, client.server.port, timeout=30)
        headers = {"X-API-Key": client.key} | ({"Last-Event-ID": after} if after else {})
        self.connection.request("GET", f"/api/v1/live?topics={topics}", headers=headers)
        self.response = self.connection.getresponse()
        self.last: str | None = None
        if self.response.status == 200:
            assert self.response.headers["content-type"].startswith("text/event-stream")
            assert self.response.readline() == b"retry: 3000\n"

    def event(self) -> tuple[str, str]:
        """Name and data of the next event; empty at the end of the stream."""
        name = data = ""
        deadline = time.monotonic() + 30
        while line := self.response.readline().decode():
            assert time.monotonic() < deadline, "waited in vain for an event"
            field, _, value = line.rstrip("\n").partition(": ")
            if field == "id":
                self.last = value
            elif field == "event":
                name = value
            elif field == "data":
                data = value
            elif not field and name:
                return name, data
        return "", ""


@contextmanager
def stream(client: Client, topics: str, after: str | None = None) -> Iterator[Stream]:
    opened = Stream(client, topics, after)
    try:
        yield opened
    finally:
        opened.connection.close()
